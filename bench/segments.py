"""Segments of a large clinic: a whole refresh against a loop over patients, and a refresh of what changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median

from django.db import connection

from appointments.models import Appointment, Service
from automations.engine.conditions import evaluate
from automations.engine.values import EventFacts
from automations.facts import read_patients
from automations.models import Event
from bench import world
from bench.experiments import TIMES, Row
from clinic.bulk import copy_in
from clinic.clock import now
from patients.models import Patient
from segments import building, refreshing, services
from segments.models import Segment, SegmentMembership

CHANGED, CROSSING = 1_000, 10
"""Patients whose record changes, and those of them whom it moves."""
LOOPED = 500
"""Patients that the loop is timed over; it is that slow."""
CONDITIONS = {
    "match": "all",
    "items": [
        {"field": "patient.age", "op": "gte", "value": 65},
        {"field": "patient.appointment_count", "op": "eq", "value": 0, "window": {"amount": 3, "unit": "months"}},
    ],
}


def segments(patients: int) -> list[Row]:
    """Time the first build, whole refreshes, refreshes of 1,000 changed patients, and a loop."""
    segment = _prepare(patients)
    built = _timed(building.drain)
    inside = list(SegmentMembership.objects.filter(is_member=True).values_list("patient_id", flat=True))
    whole, some = [], []
    for turn in range(TIMES):
        changed = inside[turn * CHANGED : (turn + 1) * CHANGED]
        crossing = changed[:CROSSING]
        _grow_young_unheard(segment, crossing)
        whole.append(_telling(CROSSING, building.refresh_due))
        _change(changed, crossing)
        some.append(_telling(CROSSING, building.drain))
    _grow_young_unheard(segment, inside[:CHANGED])
    told = _telling(CHANGED, building.refresh_due)
    loop = _loop(segment, inside[:LOOPED]) * patients / LOOPED
    full = median(whole)
    return [
        Row(f"segment_refresh_{patients}", full, f"s, {CROSSING} crossings; reference: a loop", loop, loop / full),
        Row(f"segment_changed_{CHANGED}", median(some), "s; reference: a refresh", full, full / median(some)),
        Row(f"segment_told_{CHANGED}", told, f"s, a refresh with {CHANGED} crossings", None, None),
        Row(f"segment_first_build_{patients}", built, "s", None, None),
    ]


def _prepare(count: int) -> Segment:
    """Make a clinic too large for its segments to be built where they are defined, and define one."""
    world.empty()
    made, kinds, _ = world.clinic(1)
    people = [
        Patient(clinic=made, given_name=f"N{n}", birth_date=date(1930 + n % 70, 1 + n % 12, 1 + n % 28))
        for n in range(count)
    ]
    copy_in(Patient, people)
    _visits(people, kinds[0])
    building.SMALL_CLINIC = 0
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return services.create(clinic=made, name="Elderly and quiet", conditions=CONDITIONS)


def _visits(people: list[Patient], kind: Service) -> None:
    start = now() - timedelta(days=400)
    copy_in(
        Appointment,
        [
            Appointment(clinic_id=kind.clinic_id, patient=row, service=kind, starts_at=start + timedelta(days=n % 500))
            for n, row in enumerate(people)
        ],
    )


def _timed(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _telling(count: int, call: Callable[[], object]) -> float:
    """Time a refresh, and make sure that it told so many crossings."""
    before = Event.objects.count()
    seconds = _timed(call)
    if Event.objects.count() - before != count:
        raise AssertionError(f"{Event.objects.count() - before} crossings were told, not {count}.")
    return seconds


def _grow_young_unheard(segment: Segment, patients: list[int]) -> None:
    """Change birth dates past everything that listens, so that only a sweep finds it, which is due now."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET birth_date = '2000-01-01' WHERE id = ANY(%s)", [patients])
    Segment.objects.filter(pk=segment.pk).update(next_sweep_at=now())


def _change(patients: list[int], crossing: list[int]) -> None:
    """Change records as anybody would; those of `crossing` come to meet the conditions."""
    rows = list(Patient.objects.filter(pk__in=patients))
    for row in rows:
        row.city = f"{row.city}x"
        row.birth_date = date(1940, 1, 1) if row.pk in crossing else row.birth_date
    Patient.objects.bulk_update(rows, ["birth_date", "city"])


def _loop(segment: Segment, patients: list[int]) -> float:
    """Ask one patient after the other, as the usual nightly job does."""
    [one] = refreshing.usable([segment])
    asks = [(line.field, line.params) for line in one.group.conditions()]
    began = time.monotonic()
    for pk in patients:
        moment = now()
        facts = read_patients([pk], asks, moment)[pk]
        should = evaluate(one.group, EventFacts("loop", moment, one.zone, facts)).result is True
        row = SegmentMembership.objects.filter(segment=segment, patient_id=pk).first()
        if row is not None and row.is_member != should:
            row.save()
    return time.monotonic() - began
