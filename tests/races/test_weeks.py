"""Two workers close one week while a late session is logged and another plan is paused: each week once, all counted."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

import pytest

from automations.models import Event
from clinic import clock
from clinic.testing import rounds
from patients.models import Patient
from tests.races.arena import after, at_once, head_starts
from treatments import closing, services
from treatments.models import WeeklyAdherence
from treatments.tests.builders import make_plan, make_session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof, pytest.mark.usefixtures("no_deadlocks")]
ROUNDS = rounds(6, 100)


def test_each_week_is_closed_once_and_no_session_is_lost(clinic):
    random = Random(11)
    people = [Patient(clinic=clinic, given_name=f"P{n}") for n in range(6)]
    Patient.objects.bulk_create(people)
    plans = [make_plan(person, 4) for person in people]
    late, paused = plans[0], plans[1]
    for number in range(1, ROUNDS + 1):
        due = closing.next_due()
        clock.reach(due)
        done_at = due - timedelta(hours=20)  # within the week that closes, as the grace is twelve hours
        person, engine = head_starts(random)
        at_once(
            closing.drain,
            after(engine / 10, closing.drain),
            after(person / 10, partial(make_session, late, done_at)),
            after(person / 10, partial(services.resume if number % 2 else services.pause, paused)),
        )
        closing.drain()

        weeks = WeeklyAdherence.objects.filter(plan=late).order_by("first_on")
        assert [week.completed for week in weeks] == [1] * number
        assert closing.next_due() > clock.now()

    keys = list(WeeklyAdherence.objects.values_list("plan_id", "first_on"))
    assert len(keys) == len(set(keys))
    others = WeeklyAdherence.objects.filter(plan__in=plans[2:])
    assert others.count() == ROUNDS * len(plans[2:])
    told = Event.objects.filter(trigger="treatment.adherence_dropped", subject_id__in=[plan.pk for plan in plans[2:]])
    assert told.count() == len(plans[2:])  # the first week; the others are as low
