"""How often a rule would have run over the stored events, by hand-counted days."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from automations import lifecycle
from automations.backtest import backtest
from automations.models import Event
from automations.supposing import wording_of
from automations.tests.builders import document, move, published, visit
from automations.ticking import drain_all
from clinic import clock
from clinic.changes import silently
from clinic.errors import ClinicError
from patients.models import Patient

pytestmark = pytest.mark.django_db
OLDER = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}


def draft(clinic, *actions, **more):
    return lifecycle.create_rule(
        clinic=clinic, name="Draft", document=document("appointment.completed", *actions, **more)
    )


def happened(patient, *days_ago, **fields):
    """Complete a visit of the patient so many days ago, each."""
    for ago in days_ago:
        move(visit(patient, **fields), status="completed")
        drain_all()
        newest = Event.objects.filter(trigger="appointment.completed").order_by("-pk")[:1]
        moment = clock.now() - timedelta(days=ago)
        Event.objects.filter(pk__in=[one.pk for one in newest]).update(occurred_at=moment)


@pytest.fixture
def young(clinic):
    return Patient.objects.create(clinic=clinic, given_name="Ion", family_name="Ion", birth_date="2000-01-01")


def test_it_counts_what_would_have_run_a_day(clinic, patient, young):
    happened(patient, 0, 1, 1, 40)
    happened(young, 1)
    found = backtest(draft(clinic, conditions=OLDER))
    assert (found.evaluated, found.matched, found.ran) == (4, 3, 3)
    assert len(found.per_day) == 30
    today = clock.now().astimezone(ZoneInfo("Europe/Bucharest")).date()
    assert {day: n for day, n in found.per_day.items() if n} == {today: 1, today - timedelta(days=1): 2}
    assert found.most_per_patient == 3
    assert dict(found.steps) == {"a1": 3}
    assert found.unknown_asks == []
    assert found.a_day == 0.1


def test_the_days_are_chosen(clinic, patient):
    happened(patient, 0, 3, 40)
    rule = draft(clinic)
    assert [backtest(rule, days=days).ran for days in (1, 7, 60)] == [1, 2, 3]
    for wrong in (0, 367, True, "30"):
        with pytest.raises(ClinicError) as refused:
            backtest(rule, days=wrong)
        assert refused.value.path == "days"


def test_silent_and_unanswered_events_do_not_count(clinic, patient):
    with silently("an import"):
        move(visit(patient), status="completed")
    move(visit(patient), status="completed")
    assert backtest(draft(clinic)).evaluated == 0


def test_once_in_so_many_days_suppresses_the_others(clinic, patient):
    happened(patient, 20, 15, 2)
    rule = draft(clinic, settings={"reentry": {"mode": "once_per_days", "days": 10}})
    found = backtest(rule)
    assert (found.matched, found.ran, dict(found.suppressed)) == (3, 2, {"reentry": 1})


def test_a_real_run_before_counts_for_once_per_patient(clinic, patient):
    rule = published(clinic, settings={"reentry": {"mode": "once_per_patient"}})
    happened(patient, 40, 2)
    found = backtest(rule)
    assert (found.ran, dict(found.suppressed)) == (0, {"reentry": 1})


def test_steps_by_action_and_those_too_late(clinic, patient):
    timing = {
        "mode": "relative",
        "amount": 24,
        "unit": "hours",
        "direction": "before",
        "anchor": "appointment.starts_at",
    }
    happened(patient, 1, starts_at=clock.now() + timedelta(hours=2))
    rule = draft(
        clinic, {"id": "x", "type": "jot", "title": "a"}, {"id": "y", "type": "jot", "title": "b", "timing": timing}
    )
    found = backtest(rule)
    assert dict(found.steps) == {"x": 1, "y": 1}
    assert dict(found.ended) == {}
    happened(patient, 1, starts_at=clock.now() - timedelta(hours=12))
    assert dict(backtest(rule).ended) == {"y": 1}


def test_quiet_hours_and_the_hourly_limit_are_counted(clinic, patient):
    happened(patient, 1, 1, 1)
    local = clock.now().astimezone(ZoneInfo("Europe/Bucharest"))
    clinic.quiet_start, clinic.quiet_end = (local - timedelta(hours=1)).time(), (local + timedelta(hours=1)).time()
    clinic.save()
    rule = draft(clinic, {"type": "whisper", "title": "hush"}, settings={"hourly_cap": 2})
    found = backtest(rule)
    assert (found.held, found.capped) == (3, 1)


def test_a_parametrised_fact_is_read_as_of_each_event(clinic, patient):
    start = clock.now()
    visit(patient, starts_at=start - timedelta(days=35))
    happened(patient, 20, 2, starts_at=start + timedelta(days=1))
    asked = {
        "field": "patient.appointment_count",
        "op": "gte",
        "value": 1,
        "window": {"amount": 4, "unit": "weeks"},
    }
    found = backtest(draft(clinic, conditions={"match": "all", "items": [asked]}))
    assert (found.evaluated, found.ran, found.unknown_asks) == (2, 1, [])


def test_what_nobody_can_tell_any_more_is_named(clinic, patient):
    happened(patient, 2, 1)
    asked = {"field": "patient.next_appointment_at", "op": "is_empty", "statuses": ["booked"]}
    rule = draft(clinic, conditions={"match": "any", "items": [asked, *OLDER["items"]]})
    found = backtest(rule)
    assert found.ran == 2
    assert found.as_json()["unknown_facts"] == [
        {"field": "patient.next_appointment_at", "statuses": ["booked"], "events": 2}
    ]


def test_a_fact_that_a_published_rule_asked_for_is_known_all_the_same(clinic, patient):
    asked = {"field": "patient.next_appointment_at", "op": "is_not_empty", "statuses": ["booked", "completed"]}
    asking = {"match": "all", "items": [asked]}
    published(clinic, conditions=asking)
    happened(patient, 2, starts_at=clock.now() + timedelta(days=1))
    found = backtest(draft(clinic, conditions=asking))
    assert (found.ran, found.unknown_asks) == (1, [])


def test_draft_and_published_may_differ(clinic, patient):
    rule = published(clinic)
    happened(patient, 1)
    rule = lifecycle.edit_draft(
        rule,
        document=document(conditions={"match": "all", "items": [{"field": "patient.age", "op": "gt", "value": 90}]}),
    )
    assert backtest(rule).ran == 0
    assert backtest(rule, spec=wording_of(rule, "published")).ran == 1
