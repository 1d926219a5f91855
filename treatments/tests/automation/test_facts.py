"""The facts about treatments, read as rules read them: of events, and of patients at a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.selectors import local_date
from automations import ticking
from automations.engine.values import fact_key
from automations.facts import read_events, read_patients
from automations.models import Event
from automations.tests.builders import published
from clinic import clock
from treatments import services
from treatments.models import PainScore
from treatments.tests.builders import make_draft, make_plan, make_program, make_session, make_week

pytestmark = pytest.mark.django_db


def of_event(trigger: str, key: str) -> Any:
    """Read one fact of the newest event of a trigger."""
    event = Event.objects.filter(trigger=trigger).latest("pk")
    return read_events([event], {event.pk: [(key, {})]})[event.pk].get(key, "not offered")


def of_patient(patient: Any, key: str, moment: Any = None, **params: Any) -> Any:
    """Read one fact of a patient as of a moment."""
    values = read_patients([patient.pk], [(key, params)], moment or clock.now())
    return values[patient.pk][fact_key(key, params)]


def score(patient: Any, value: float, ago: timedelta, **fields: Any) -> PainScore:
    return PainScore.objects.create(
        clinic=patient.clinic, patient=patient, value=value, measured_at=clock.now() - ago, **fields
    )


# --- of the plan ---


def test_an_assigned_plan_tells_its_program_and_specialist(clinic, patient, specialist):
    make_plan(patient, program=make_program(clinic), specialist=specialist)
    assert of_event("treatment.assigned", "treatment.plan") == "knee-rehabilitation"
    assert of_event("treatment.assigned", "treatment.specialist") == "dr-ionescu"


def test_a_plan_of_its_own_without_a_specialist_tells_neither(patient):
    make_plan(patient)
    assert of_event("treatment.assigned", "treatment.plan") is None
    assert of_event("treatment.assigned", "treatment.specialist") is None


def test_sessions_and_weeks_tell_of_their_plan_too(clinic, patient, specialist):
    plan = make_plan(patient, program=make_program(clinic), specialist=specialist)
    make_session(plan, pain=6)
    make_week(plan, 1, previous=75.0)
    for trigger in ("treatment.session_logged", "treatment.adherence_dropped"):
        assert of_event(trigger, "treatment.plan") == "knee-rehabilitation"
        assert of_event(trigger, "treatment.specialist") == "dr-ionescu"
    assert of_event("treatment.session_logged", "treatment.pain") == 6
    assert of_event("treatment.adherence_dropped", "treatment.adherence") == 25
    assert of_event("treatment.adherence_dropped", "treatment.previous_adherence") == 75


# --- of the patient ---


def test_pain_is_the_latest_that_was_told_by_then(patient):
    assert of_patient(patient, "patient.pain_score") is None
    score(patient, 3.5, timedelta(days=100))
    score(patient, 8, timedelta(days=10))
    score(patient, 9, timedelta(days=1), status="entered_in_error")
    assert of_patient(patient, "patient.pain_score") == 8
    assert of_patient(patient, "patient.pain_score", clock.now() - timedelta(days=11)) == 3.5


def test_pain_within_a_window_forgets_what_is_older(patient):
    score(patient, 8, timedelta(days=10))
    assert of_patient(patient, "patient.pain_score", window={"amount": 11, "unit": "days"}) == 8
    assert of_patient(patient, "patient.pain_score", window={"amount": 9, "unit": "days"}) is None
    assert of_patient(patient, "patient.pain_score", window={"amount": 239, "unit": "hours"}) is None
    assert of_patient(patient, "patient.pain_score", window={"amount": 241, "unit": "hours"}) == 8


def test_the_pain_of_a_session_is_the_patients_and_goes_with_it(patient):
    session = make_session(make_plan(patient), pain=7)
    assert of_patient(patient, "patient.pain_score") == 7
    session = services.correct_session(session, pain=2)
    assert of_patient(patient, "patient.pain_score") == 2
    services.strike_session(session)
    assert of_patient(patient, "patient.pain_score") is None


def test_only_an_assigned_plan_that_goes_on_is_active(patient):
    plan = make_draft(patient)
    expected = [(services.assign, True), (services.pause, False), (services.resume, True), (services.cancel, False)]
    assert of_patient(patient, "patient.active_plan") is False
    for verb, active in expected:
        plan = verb(plan)
        assert of_patient(patient, "patient.active_plan") is active


def test_the_last_session_is_the_latest_that_counts(patient):
    plan = make_plan(patient, assigned_at=clock.now() - timedelta(days=20))
    moment = clock.now().replace(microsecond=0) - timedelta(days=3)
    make_session(plan, moment)
    make_session(plan, moment - timedelta(days=4))
    services.strike_session(make_session(plan))
    assert of_patient(patient, "patient.last_session_at") == moment.isoformat()
    assert of_patient(patient, "patient.last_session_at", moment - timedelta(days=10)) is None


def test_adherence_is_that_of_the_last_week_and_of_the_one_before_in_the_same_plan(patient):
    assert of_patient(patient, "patient.adherence") is None
    knee, back = make_plan(patient), make_plan(patient)
    day = knee.starts_on
    make_week(back, 4, first_on=day + timedelta(days=7))
    make_week(knee, 1, first_on=day)
    make_week(knee, 2, first_on=day + timedelta(days=14))
    assert of_patient(patient, "patient.adherence") == 50
    assert of_patient(patient, "patient.adherence", week="last") == 50
    assert of_patient(patient, "patient.adherence", week="previous") == 25
    early = clock.now() - timedelta(days=1)
    assert of_patient(patient, "patient.adherence", early) is None
    event = Event.objects.latest("pk")
    asks = [("patient.adherence", {"week": "previous"})]
    event.occurred_at = clock.now()
    event.save(update_fields=["occurred_at"])
    assert list(read_events([event], {event.pk: asks})[event.pk].values()) == [25]


# --- the last day of the plan ---


def test_the_last_day_is_that_of_the_plan_assigned_last_and_stays_once_it_is_done(patient):
    today = local_date(patient.clinic, clock.now())
    assert of_patient(patient, "patient.plan_ends_on") is None
    make_draft(patient, ends_on=today + timedelta(days=9))
    assert of_patient(patient, "patient.plan_ends_on") is None
    plan = make_plan(patient, ends_on=today + timedelta(days=20))
    assert of_patient(patient, "patient.plan_ends_on") == str(today + timedelta(days=20))
    services.complete(plan)
    assert of_patient(patient, "patient.plan_ends_on") == str(today + timedelta(days=20))
    services.cancel(make_plan(patient, ends_on=today + timedelta(days=50)))
    assert of_patient(patient, "patient.plan_ends_on") == str(today + timedelta(days=20))
    make_plan(patient)
    assert of_patient(patient, "patient.plan_ends_on") is None


def test_a_rule_hears_a_week_before_the_last_day_of_a_plan(clinic, patient):
    today = local_date(clinic, clock.now())
    make_plan(patient, ends_on=today + timedelta(days=20))
    offset = {"amount": -1, "unit": "weeks"}
    published(clinic, "schedule.date", config={"field": "patient.plan_ends_on", "offset": offset, "at": "09:00"})
    clock.advance_by(timedelta(days=25))
    ticking.drain_all()
    [event] = Event.objects.filter(trigger="schedule.date")
    assert local_date(clinic, event.occurred_at) == today + timedelta(days=13)
