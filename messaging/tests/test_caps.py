"""Caps: how much one patient gets in a day and a week, across all rules, on the patient's own calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from automations.engine.declare import catalog
from clinic import clock
from messaging.models import Delivery, MessageTemplate, Notification
from messaging.tests.builders import make_step
from patients import services as patients
from patients.models import Patient

pytestmark = pytest.mark.django_db
MONDAY = datetime(2031, 6, 2, 10, 0, tzinfo=UTC)  # 13:00 in Bucharest
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def monday(db):
    clock.advance_to(MONDAY)


@pytest.fixture
def capped(clinic):
    """Return a function that sets caps."""

    def capped(**caps):
        for name, most in caps.items():
            setattr(clinic, f"cap_{name}", most)
        clinic.save()

    return capped


def step(patient, category="survey", **changes):
    template, _ = MessageTemplate.objects.get_or_create(
        clinic_id=patient.clinic_id, slug=category, defaults={"name": category, "category": category}
    )
    template.bodies.get_or_create(clinic_id=patient.clinic_id, language="en", subject="Hello", text="Hello.")
    one = make_step("send_email", patient, params={"template": category, "to": "patient"})
    given = {"not_before": one.now, "not_after": one.now + 14 * DAY, **changes}
    return replace(one, **given)


def run(*steps):
    """Ask and perform as the executor does; return what became of each: "sent", or code and the new due time."""
    action, outcomes = catalog.actions["send_email"], []
    for one in steps:
        refusal = action.guard([one]).get(one.id)
        if refusal is None:
            action.perform([one])
            outcomes.append("sent")
        else:
            outcomes.append((refusal.code, refusal.retry_at and refusal.retry_at.replace(second=0, microsecond=0)))
    return outcomes


def test_a_new_clinic_caps_nothing(patient):
    assert run(*(step(patient) for _ in range(6))) == ["sent"] * 6


def test_one_too_many_is_put_off_to_the_same_time_on_the_next_day(patient, capped):
    capped(survey_day=2)
    assert run(*(step(patient) for _ in range(3))) == ["sent", "sent", ("capped", MONDAY + DAY)]
    assert Delivery.objects.count() == 2


def test_a_full_week_is_put_off_to_the_first_day_of_the_next(patient, capped):
    capped(survey_week=1)
    assert run(step(patient), step(patient)) == ["sent", ("capped", MONDAY + 7 * DAY)]
    patient.clinic.week_start = 2
    patient.clinic.save()
    assert run(step(patient)) == [("capped", MONDAY + 2 * DAY)]


def test_put_off_once_and_full_again_is_not_sent_at_all(patient, capped):
    capped(survey_day=1)
    assert run(step(patient), step(patient, put_off="capped")) == ["sent", ("capped", None)]


def test_what_would_be_of_no_use_by_then_is_not_sent_at_all(patient, capped):
    capped(survey_day=1)
    assert run(step(patient), step(patient, not_after=MONDAY + 20 * HOUR)) == ["sent", ("capped", None)]


def test_each_category_has_its_own_cap_and_each_patient_their_own_count(clinic, patient, capped):
    capped(survey_day=1, marketing_day=1)
    other = Patient.objects.create(clinic=clinic, given_name="Ana", email="ana@patients.example")
    for one in (patient, other):
        patients.set_consents(one, [{"category": "marketing", "channel": "email", "granted": True}])
    wanted = [step(patient), step(patient, "marketing"), step(other), step(other, "marketing")]
    assert run(*wanted) == ["sent"] * 4
    assert run(step(patient, "marketing")) == [("capped", MONDAY + DAY)]


@pytest.mark.parametrize("category", ["transactional", "clinical"])
def test_what_care_depends_on_counts_and_is_never_held_back(patient, capped, category):
    capped(total_day=2, survey_day=5)
    assert run(*(step(patient, category) for _ in range(4))) == ["sent"] * 4
    assert run(step(patient)) == [("capped", MONDAY + DAY)]


def test_notifications_and_surveys_asked_for_by_forms_count_too(patient, capped):
    capped(total_day=1)
    Notification.objects.create(clinic=patient.clinic, patient=patient, title="Hello", category="survey")
    assert run(step(patient)) == [("capped", MONDAY + DAY)]


def test_what_never_left_and_what_staff_got_does_not_count(patient, front_desk, capped):
    capped(survey_day=1)
    for state in ("withdrawn", "suppressed", "failed"):
        run(step(patient, "clinical"))
        Delivery.objects.update(category="survey", state=state)
    Notification.objects.create(
        clinic=patient.clinic, patient=patient, title="x", category="survey", recipient=front_desk
    )
    assert run(step(patient)) == ["sent"]


def test_a_message_counts_on_the_day_on_which_it_leaves(patient, capped):
    capped(survey_day=1)
    tomorrow = MONDAY + DAY
    assert run(step(patient, not_before=tomorrow), step(patient)) == ["sent", "sent"]
    assert run(step(patient)) == [("capped", MONDAY + 2 * DAY)]


def test_the_day_is_the_patients_own(patient, capped):
    """22:30 in Bucharest and half past midnight: the same UTC day, two days for the patient."""
    capped(survey_day=1)
    clock.advance_to(MONDAY + 9.5 * HOUR)
    assert run(step(patient)) == ["sent"]
    Delivery.objects.update(state="sent", finished_at=clock.now())
    clock.advance_to(MONDAY + 11.5 * HOUR)
    assert run(step(patient)) == ["sent"]


def test_a_day_on_which_the_clinic_sends_nothing_has_no_room(clinic, patient, capped):
    clinic.closed_weekdays = [1, 2]
    capped(survey_day=1)
    thursday = MONDAY + 3 * DAY
    assert run(step(patient), step(patient)) == ["sent", ("capped", thursday.replace(hour=0) - 3 * HOUR)]
    clinic.quiet_start, clinic.quiet_end = time(20), time(9)
    clinic.save()
    assert run(step(patient)) == [("capped", thursday.replace(hour=6))]
