"""More than five notifications of one rule to one person within an hour: the rest in one list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations.engine.declare import catalog
from automations.models import Rule, Step
from clinic import clock
from messaging import selectors, services
from messaging.models import Notification
from messaging.tests.builders import make_step
from patients.models import Patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def tell(clinic, specialist):
    """Return a function by which a rule tells the specialist of some patients, in one batch or one by one."""

    def tell(count, *, to="specialist", at_once=True):
        people = [
            Patient.objects.create(clinic=clinic, given_name=f"P{n}", specialist=specialist) for n in range(count)
        ]
        words = {"to": to, "title": "Look at {{ patient.given_name }}", "body": ""}
        steps = [make_step("send_notification", one, role=to, params=words) for one in people]
        for batch in [steps] if at_once else [[one] for one in steps]:
            catalog.actions["send_notification"].perform(batch)

    return tell


def shown(member):
    return [(note.title, len(note.listed.all())) for note in reversed(selectors.notifications_for(member))]


SINGLE = [(f"Look at P{n}", 0) for n in range(5)]


@pytest.mark.parametrize("at_once", [True, False])
def test_the_sixth_begins_a_list_in_which_the_others_lie(specialist, tell, at_once):
    tell(12, at_once=at_once)
    assert shown(specialist) == [*SINGLE, ("Look at P5", 6)]
    assert Notification.objects.count() == 12
    [listing] = Notification.objects.filter(is_list=True)
    assert [note.title for note in listing.listed.order_by("pk")] == [f"Look at P{n}" for n in range(6, 12)]


def test_five_make_no_list(specialist, tell):
    tell(5)
    assert shown(specialist) == SINGLE


def test_whoever_has_seen_the_list_has_seen_all_in_it_and_later_ones_begin_a_new_one(specialist, tell):
    tell(8)
    [listing] = Notification.objects.filter(is_list=True)
    services.mark_read(notification_ids=[listing.pk], recipient=specialist)
    assert Notification.objects.filter(read_at=None).count() == 5
    tell(2)
    assert shown(specialist) == [*SINGLE, ("Look at P5", 2), ("Look at P0", 1)]


def test_an_hour_later_the_count_begins_anew(specialist, tell):
    tell(7)
    clock.advance_to(clock.now() + timedelta(minutes=61))
    tell(5)
    assert shown(specialist) == [*SINGLE, ("Look at P5", 1), *SINGLE]


def test_each_rule_and_each_person_has_their_own_count(clinic, specialist, admin, tell):
    tell(5)
    tell(5, to="clinic_admins")
    second = Rule.objects.create(clinic=clinic, slug="second", name="Second")
    Step.objects.update(rule=second)
    tell(5)
    assert shown(specialist) == SINGLE * 2
    assert shown(admin) == SINGLE


def test_a_patients_own_notifications_are_never_put_into_a_list(patient):
    words = {"to": "patient", "title": "Well done", "body": ""}
    steps = [make_step("send_notification", patient, params=words) for _ in range(8)]
    catalog.actions["send_notification"].perform(steps)
    assert selectors.notifications_of_patient(patient).filter(listed_in=None, is_list=False).count() == 8
