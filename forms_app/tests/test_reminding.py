"""Asking for a survey by hand: the caps count on the day on which the message leaves."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from clinic import clock
from clinic.errors import Refused
from forms_app import services
from forms_app.tests.builders import ask, make_template
from messaging.models import Delivery

pytestmark = pytest.mark.django_db
NINE_IN_THE_EVENING = datetime(2031, 3, 4, 19, 30, tzinfo=UTC)
"""After the quiet hours began, in Bucharest."""
EIGHT_IN_THE_MORNING = datetime(2031, 3, 5, 6, tzinfo=UTC)


@pytest.fixture
def one_a_day(clinic):
    clinic.cap_survey_day, clinic.time_zone = 1, "Europe/Bucharest"
    clinic.quiet_start, clinic.quiet_end = time(21), time(8)
    clinic.save()


def a_survey(patient, slug):
    return ask(patient, make_template(patient.clinic, slug, "survey"))


def test_the_next_mornings_message_is_none_of_today(one_a_day, patient):
    clock.advance_to(NINE_IN_THE_EVENING.replace(hour=12))
    services.send_again(a_survey(patient, "one"))
    Delivery.objects.update(state="sent", finished_at=clock.now())
    clock.advance_to(NINE_IN_THE_EVENING)
    assert services.send_again(a_survey(patient, "two")).not_before == EIGHT_IN_THE_MORNING


def test_what_joins_the_message_that_waits_is_none_of_its_own(one_a_day, patient):
    clock.advance_to(NINE_IN_THE_EVENING)
    first, second = (services.send_again(a_survey(patient, slug)) for slug in ("one", "two"))
    assert first == second
    assert [row.not_before for row in Delivery.objects.all()] == [EIGHT_IN_THE_MORNING]


def test_another_one_next_morning_is_one_too_many(one_a_day, patient):
    clock.advance_to(NINE_IN_THE_EVENING)
    services.send_again(a_survey(patient, "one"))
    Delivery.objects.update(purpose="message", state="sent", finished_at=EIGHT_IN_THE_MORNING)
    with pytest.raises(Refused) as refused:
        services.send_again(a_survey(patient, "two"))
    assert refused.value.code == "capped"
    assert Delivery.objects.count() == 1
