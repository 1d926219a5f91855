"""A random walk over records, definitions and time: membership is what asking everybody one by one would say."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import Clinic
from appointments import services as visits
from appointments.models import Appointment, Service
from automations.engine.conditions import evaluate
from automations.engine.values import EventFacts
from automations.facts import read_patients
from automations.models import Event
from clinic import clock
from clinic.changes import silently
from clinic.testing import PROOF, rounds
from patients import services as patients
from patients.models import Patient
from patients.selectors import active
from segments import building, definition, services
from segments.models import DirtyPatient, Segment, SegmentMembership
from segments.tests.builders import change, member_ids

ZONE = ZoneInfo("Europe/Bucharest")
PEOPLE = 6
hits: Counter[str] = Counter()

LINES = st.sampled_from(
    [
        {"field": "patient.tags", "op": "has_any_of", "value": ["vip"]},
        {"field": "patient.tags", "op": "is_empty"},
        {"field": "patient.age", "op": "gte", "value": 65},
        {"field": "patient.city", "op": "is", "value": "iasi"},
        {"field": "patient.city", "op": "is_not", "value": "cluj"},
        {"field": "patient.next_appointment_at", "op": "is_empty"},
        {"field": "patient.next_appointment_at", "op": "in_next", "value": {"amount": 2, "unit": "days"}},
        {"field": "patient.appointment_count", "op": "eq", "value": 0, "window": {"amount": 1, "unit": "weeks"}},
        {"field": "patient.last_appointment_at", "op": "more_than_ago", "value": {"amount": 5, "unit": "hours"}},
        {"field": "patient.registered_at", "op": "in_last", "value": {"amount": 3, "unit": "days"}},
    ]
)


def _group(items: Any) -> Any:
    match, some = st.sampled_from(("all", "any", "none")), st.lists(items, min_size=1, max_size=3)
    return st.fixed_dictionaries({"field": st.just("group"), "match": match, "items": some})


ITEMS = st.recursive(LINES, _group, max_leaves=4)
TREES = st.fixed_dictionaries(
    {"match": st.sampled_from(("all", "any", "none")), "items": st.lists(ITEMS, min_size=1, max_size=3)}
)
WHO = st.integers(0, PEOPLE - 1)
FIELDS = st.sampled_from(
    [
        {"tags": ["vip"]},
        {"tags": []},
        {"city": "Iași"},
        {"city": "Cluj"},
        {"city": ""},
        {"birth_date": None},
        {"birth_date": date(1950, 1, 1)},
    ]
)


class Walk(RuleBasedStateMachine):
    """One clinic with a few patients and two segments; `told` is what rules must have heard by now."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.clinic = Clinic.objects.create(slug="walk", name="Walk", time_zone=ZONE.key)
        self.service = Service.objects.create(clinic=self.clinic, slug="s", name="S")
        rows = [Patient(clinic=self.clinic, given_name=f"P{n}") for n in range(PEOPLE)]
        self.people = [row.pk for row in Patient.objects.bulk_create(rows)]
        every = {"match": "all", "items": []}
        self.segments = [services.create(clinic=self.clinic, name=name, conditions=every) for name in ("A", "B")]
        self.told: Counter[tuple[int, int, str]] = Counter()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    # --- what happens ---

    @rule(who=WHO, fields=FIELDS)
    def a_record_changes(self, who, fields):
        hits["record"] += 1
        change(Patient(pk=self.people[who]), **fields)

    @rule(who=WHO, fields=FIELDS)
    def a_record_changes_silently(self, who, fields):
        hits["silent"] += 1
        patient = self.people[who]
        if DirtyPatient.objects.filter(patient=patient).exists():  # what was heard before is told before
            for segment in self.segments:
                self.tell(segment, {patient} & member_ids(segment), {patient} & self.asked_one_by_one(segment))
        with silently("walk"):
            change(Patient(pk=patient), **fields)
        assert not DirtyPatient.objects.filter(patient=patient).exists()

    @rule(who=WHO, hours=st.sampled_from((-200, -30, -6, -1, 1, 20, 47, 60)))
    def a_visit_is_booked(self, who, hours):
        hits["visit"] += 1
        patient = Patient.objects.get(pk=self.people[who])
        starts_at = clock.now() + timedelta(hours=hours)
        Appointment.objects.create(clinic=self.clinic, patient=patient, service=self.service, starts_at=starts_at)

    @rule(number=st.integers(0, 30))
    def a_visit_is_cancelled(self, number):
        found = Appointment.objects.filter(clinic=self.clinic, status="booked").order_by("pk")
        if found:
            hits["cancel"] += 1
            visits.cancel(found[number % len(found)])

    @rule(who=WHO)
    def a_patient_goes_or_comes_back(self, who):
        hits["leave"] += 1
        patient = Patient.objects.get(pk=self.people[who])
        (patients.archive if patient.is_active else patients.reactivate)(patient)

    @rule(which=st.integers(0, 1), tree=TREES)
    def a_segment_is_defined_anew(self, which, tree):
        hits["edit"] += 1
        self.segments[which] = services.update(self.segments[which], conditions=tree)

    @rule(which=st.integers(0, 1), tree=TREES)
    def a_segment_is_defined_anew_by_a_worker(self, which, tree):
        hits["slow edit"] += 1
        small, building.SMALL_CLINIC = building.SMALL_CLINIC, 0
        try:
            self.segments[which] = services.update(self.segments[which], conditions=tree)
        finally:
            building.SMALL_CLINIC = small
        building.refresh_due()

    @rule(hours=st.sampled_from((1, 5, 12, 24, 24 * 8)))
    def time_passes(self, hours):
        hits["time"] += 1
        self.settle()
        clock.advance_by(timedelta(hours=hours))
        self.settle()

    @rule()
    def settle(self):
        """Let the sweep do its work: what changes by it, and nothing else, is told."""
        hits["settle"] += 1
        before = [member_ids(segment) for segment in self.segments]
        building.drain()
        for segment, then in zip(self.segments, before, strict=True):
            self.tell(segment, then, member_ids(segment))
            assert member_ids(segment) == self.asked_one_by_one(segment)

    def tell(self, segment, then, now):
        self.told.update((segment.pk, pk, "segment.entered") for pk in now - then)
        self.told.update((segment.pk, pk, "segment.exited") for pk in then - now)

    # --- what holds ---

    def asked_one_by_one(self, segment: Segment) -> set[int]:
        group = definition.parse(segment.conditions)
        asks = [(one.field, one.params) for one in group.conditions()]
        ids, moment = list(active(self.clinic).values_list("pk", flat=True)), clock.now()
        read = read_patients(ids, asks, moment)
        return {pk for pk in ids if evaluate(group, EventFacts("walk", moment, ZONE, read[pk])).result is True}

    @invariant()
    def every_crossing_is_told_once_and_nothing_else_is(self):
        events = Event.objects.filter(clinic=self.clinic, subject_type="segment", muted="")
        heard = Counter((e.data["new"]["segment_id"], e.patient_id, e.trigger) for e in events)
        assert heard == self.told
        for row in SegmentMembership.objects.filter(clinic=self.clinic):
            mine = [e.revision for e in events if e.subject_id == row.pk]
            assert len(mine) == len(set(mine)) <= row.revision


@pytest.mark.proof
def test_a_random_walk(db):
    hits.clear()
    walks, steps = rounds(12, 60), rounds(15, 50)
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=walks,
            stateful_step_count=steps,
            database=None,
            derandomize=not PROOF,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
    print(f"{walks} walks of up to {steps} steps: {dict(hits)}")  # noqa: T201 - pytest -rP shows it
    assert set(hits) == {"record", "silent", "visit", "cancel", "leave", "edit", "slow edit", "time", "settle"}
