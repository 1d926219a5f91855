"""A rule that matched and must not run all the same: too deep, too often, once was enough, broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from automations import lifecycle, ticking
from automations.engine.declare import Action, catalog
from automations.engine.values import StepContext
from automations.models import Event, Rule, Run
from automations.tests.builders import Appointment, move, published, service, states, titles, visit
from clinic import clock
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


def outcomes(rule: Rule) -> list[tuple[str, str]]:
    return list(Run.objects.filter(rule=rule).order_by("pk").values_list("outcome", "reason"))


def complete(patient: Any, times: int = 1) -> None:
    for _ in range(times):
        move(visit(patient), status="completed")
    ticking.drain_all()


class Rebook(Action):
    """Book another visit: an effect that is an event again."""

    key = "rebook"
    label = "Rebook"
    example: ClassVar[Mapping[str, Any]] = {}

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Book as any action writes: with the step that caused it."""
        for step in steps:
            patient = Patient.objects.get(pk=step.patient_id)
            booked: Any = Appointment(
                clinic=patient.clinic, patient=patient, service=service(patient.clinic), starts_at=clock.now()
            )
            booked.caused_by_step_id = step.id
            booked.save()
        return {step.id: {} for step in steps}


@pytest.fixture
def rebook(monkeypatch):
    """The action that books another visit, for one test."""
    monkeypatch.setitem(catalog.actions, "rebook", Rebook())


class TestDepth:
    def test_rules_that_cause_each_other_stop_after_eight(self, clinic, patient, rebook):
        rule = published(clinic, "appointment.booked", {"type": "rebook"})
        visit(patient)
        ticking.drain_all()
        events = Event.objects.filter(trigger="appointment.booked").order_by("pk")
        assert list(events.values_list("depth", flat=True)) == list(range(9))
        assert [event.caused_by_id for event in events] == [
            None,
            *rule.steps.order_by("pk").values_list("pk", flat=True),
        ]
        assert outcomes(rule) == [("matched", "")] * 8 + [("suppressed", "depth")]
        assert "8 times in a row" in Run.objects.latest("pk").reason_text

    @pytest.mark.parametrize(("depth", "outcome"), [(7, "matched"), (8, "suppressed")])
    def test_the_limit_is_eight(self, clinic, patient, depth, outcome):
        rule = published(clinic)
        move(visit(patient), status="completed")
        Event.objects.update(depth=depth)
        ticking.drain_all()
        assert [one for one, _ in outcomes(rule)] == [outcome]


class TestTwentyADay:
    def test_the_twenty_first_run_of_a_day_is_suppressed_in_one_batch_and_in_many(self, clinic, patient):
        rule = published(clinic)
        complete(patient, 18)
        for _ in range(4):
            complete(patient)
        assert outcomes(rule) == [("matched", "")] * 20 + [("suppressed", "depth")] * 2
        assert len(titles()) == 20

    def test_another_patient_another_rule_and_another_day_count_for_themselves(self, clinic, patient):
        other = Patient.objects.create(clinic=clinic, given_name="Ana")
        rule = published(clinic)
        complete(patient, 21)
        second = published(clinic, name="Second")
        complete(other)
        complete(patient)
        assert outcomes(rule)[-2:] == [("matched", ""), ("suppressed", "depth")]
        assert outcomes(second) == [("matched", ""), ("matched", "")]
        clock.advance_by(timedelta(days=1))
        complete(patient)
        assert outcomes(rule)[-1] == ("matched", "")


class TestReentry:
    def test_once_per_days_counts_from_the_last_run_not_from_the_last_refusal(self, clinic, patient):
        rule = published(clinic, settings={"reentry": {"mode": "once_per_days", "days": 30}})
        complete(patient)
        clock.advance_by(timedelta(days=29))
        complete(patient)
        clock.advance_by(timedelta(days=1, minutes=1))
        complete(patient)
        assert outcomes(rule) == [("matched", ""), ("suppressed", "reentry"), ("matched", "")]

    def test_two_events_of_one_batch_are_once_too(self, clinic, patient):
        rule = published(clinic, settings={"reentry": {"mode": "once_per_days", "days": 1}})
        complete(patient, 3)
        assert outcomes(rule) == [("matched", ""), ("suppressed", "reentry"), ("suppressed", "reentry")]

    def test_once_per_patient_is_for_ever_and_survives_an_edit(self, clinic, patient):
        rule = published(clinic, settings={"reentry": {"mode": "once_per_patient"}})
        complete(patient)
        changed = {**rule.draft, "actions": [{"type": "jot", "title": "New"}]}
        lifecycle.publish(lifecycle.edit_draft(rule, document=changed))
        clock.advance_by(timedelta(days=400))
        complete(patient)
        assert outcomes(rule) == [("matched", ""), ("suppressed", "reentry")]

    def test_a_run_that_was_suppressed_for_another_reason_does_not_count(self, clinic, patient):
        rule = published(clinic, settings={"reentry": {"mode": "once_per_patient"}})
        move(visit(patient), status="completed")
        Event.objects.update(depth=8)
        ticking.drain_all()
        complete(patient)
        assert outcomes(rule) == [("suppressed", "depth"), ("matched", "")]


class TestBroken:
    def test_a_rule_that_names_an_archived_row_is_skipped_with_its_place_until_the_row_is_back(self, clinic, patient):
        massage = service(clinic, "massage")
        items = [{"field": "appointment.service", "op": "is_none_of", "value": ["massage"]}]
        rule = published(clinic, conditions={"match": "all", "items": items})
        other = published(clinic, name="Other")
        massage.archived_at = clock.now()
        massage.save()
        complete(patient)
        assert (outcomes(rule), outcomes(other)) == ([("suppressed", "rule_broken")], [("matched", "")])
        text = Run.objects.get(rule=rule).reason_text
        assert text == "Service “Massage” is gone or archived."
        massage.archived_at = None
        massage.save()
        complete(patient)
        assert outcomes(rule)[-1] == ("matched", "")
        assert states(rule) == [("a1", "done", "")]
