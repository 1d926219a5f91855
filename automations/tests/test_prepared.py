"""A question about facts is written once, and answers each time for the rows and the moment it is asked of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from automations import prepared
from automations.engine.declare import catalog
from automations.facts import Ask, read_events, read_patients
from automations.models import Event
from automations.tests.worlds import declared, extra_facts
from clinic import clock
from patients import services as patients
from patients.models import Patient

AGE: Ask = ("patient.age", {})
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: Any) -> dict[Any, Any]:
    kept: dict[Any, Any] = {}
    monkeypatch.setattr(prepared, "_kept", kept)
    return kept


def every_ask(*subjects: str) -> list[Ask]:
    """Return each fact that a query computes, of these subjects if any are named, with its example's parameters."""
    return [
        (key, {name: value for name, value in fact.example.items() if name in {param.name for param in fact.params}})
        for key, fact in catalog.facts.items()
        if fact.expression is not None and (not subjects or fact.subject in subjects)
    ]


def an_event(patient: Patient, moment: datetime) -> Event:
    event = Event(clinic=patient.clinic, trigger="patient.onboarded", patient=patient, subject_type="patient")
    event.subject_id, event.revision, event.occurred_at, event.origin = patient.pk, 1000, moment, "system"
    event.save()
    return event


def test_it_is_written_once_and_asked_of_other_patients_at_other_moments(patient, nothing_kept):
    patients.update(patient, birth_date=date(2000, 1, 1))

    ages = [
        read_patients([patient.pk], [AGE], moment)[patient.pk]["patient.age"]
        for moment in (NOON, NOON - timedelta(days=366 * 5))
    ]

    assert ages == [26, 21]
    assert read_patients([patient.pk + 1], [AGE], NOON) == {}
    assert len(nothing_kept) == 1


def test_other_parameters_are_another_question(patient, nothing_kept):
    asks = [("patient.appointment_count", {"window": {"amount": amount, "unit": "days"}}) for amount in (1, 2)]

    for ask in asks:
        read_patients([patient.pk], [ask], NOON)

    assert len(nothing_kept) == 2


def test_it_is_written_without_asking_the_database(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        prepared.of_events(every_ask())
        prepared.of_patients(every_ask("patient"))


def test_no_fact_is_written_with_the_time_of_day_in_it(db, nothing_kept):
    """What is kept must not speak of the moment at which it was written."""
    written = []
    for days in (1, 400):
        nothing_kept.clear()
        clock.advance_by(timedelta(days=days))
        question = prepared.of_patients(every_ask("patient"))
        written.append((question.sql, [str(one) for one in question.params]))

    assert written[0] == written[1]


def test_a_fact_declared_anew_under_its_name_is_not_answered_as_before(patient):
    with declared(extra_facts()):
        before = prepared.of_patients([("patient.x_born_on", {})])
    with declared(extra_facts()):
        after = prepared.of_patients([("patient.x_born_on", {})])

    assert before is not after


def test_only_so_many_are_kept(patient, nothing_kept, monkeypatch):
    monkeypatch.setattr(prepared, "MAX_KEPT", 2)

    for ask in ("patient.age", "patient.city", "patient.sex"):
        prepared.of_patients([(ask, {})])

    assert len(nothing_kept) == 1


def test_events_of_two_clinics_of_which_the_same_is_asked_are_read_in_one_query(
    patient, stranger_patient, django_assert_num_queries
):
    events = [an_event(patient, NOON), an_event(stranger_patient, NOON)]

    with django_assert_num_queries(1):
        found = read_events(events, {event.pk: [AGE] for event in events})

    assert [found[event.pk] for event in events] == [{"patient.age": 69}, {"patient.age": None}]
