"""Starting a rule for patients over the API: those who were there before it, or some by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations import ticking
from automations.models import Enrolment, Event, Run
from automations.tests.api.bodies import SENIORS, errors
from automations.tests.builders import published, titles
from clinic import clock
from segments import services as segments
from tests.callers import Caller
from tests.cast import client_of

pytestmark = pytest.mark.django_db
ENROLL = "automations/rules/rule/enroll/"


@pytest.fixture
def rule(clinic, patient):
    """A rule on onboarding, published after Maria came."""
    ticking.drain_all()
    return published(clinic, "patient.onboarded", conditions=SENIORS)


def test_a_preview_says_what_would_happen_and_writes_nothing(api, rule, patient):
    found = api.post(ENROLL, {"all": True, "preview": True})
    assert (found.status_code, found.json()) == (
        200,
        {"of": 1, "already": 0, "count": 1, "sample": [str(patient.pk)], "steps": {"jot": 1}},
    )
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize("who", [{"all": True}, {"segment": "here"}, {"patients": [{"external_id": "A-17"}]}])
def test_the_patients_of_before_get_their_turn(api, clinic, rule, patient, who):
    everybody = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 0}]}
    segments.create(clinic=clinic, name="Here", slug="here", kind="dynamic", conditions=everybody)
    ticking.drain_all()
    made = api.post(ENROLL, who)
    assert made.status_code == 201
    assert (made.json()["patients"], made.json()["state"], made.json()["per_minute"]) == (1, "running", 60)
    list(ticking.walk_to(clock.now() + timedelta(minutes=2)))
    assert titles() == ["Call"]
    [done] = api.get(ENROLL).json()["results"]
    assert (done["state"], done["started"], done["id"]) == ("done", 1, made.json()["id"])
    assert Run.objects.get().outcome == "matched"


def test_an_enrolment_is_cancelled(api, rule, patient):
    assert api.send("DELETE", ENROLL).status_code == 404
    api.post(ENROLL, {"all": True, "per_minute": 1})
    refused = api.post(ENROLL, {"all": True})
    assert (refused.status_code, errors(refused)) == (409, [("", "running")])
    assert api.send("DELETE", ENROLL).json()["state"] == "cancelled"
    list(ticking.walk_to(clock.now() + timedelta(minutes=2)))
    assert titles() == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, [("/all", "who")]),
        ({"all": True, "segment": "x"}, [("/segment", "who")]),
        ({"segment": "nobody"}, [("/segment", "not_found")]),
        ({"patients": []}, [("/patients", "min_length")]),
        ({"patients": [{"external_id": "nobody"}]}, [("/patients/0", "not_found")]),
        ({"all": "yes"}, [("/all", "invalid")]),
        ({"all": True, "per_minute": 0}, [("/per_minute", "min_value")]),
        ({"everybody": True}, [("/everybody", "unknown_field")]),
    ],
)
def test_who_is_meant_must_be_clear(api, rule, body, found):
    answer = api.post(ENROLL, body)
    assert (answer.status_code, errors(answer)) == (422, found)
    assert not Enrolment.objects.exists()


def test_another_clinics_patient_is_not_meant(api, rule, stranger_patient):
    answer = api.post(ENROLL, {"patients": [str(stranger_patient.pk)]})
    assert (answer.status_code, errors(answer)) == (422, [("/patients/0", "not_found")])


def test_a_rule_on_visits_cannot_be_started_for_patients(api, clinic, patient):
    published(clinic)
    answer = api.post(ENROLL, {"all": True})
    assert (answer.status_code, errors(answer)) == (409, [("", "not_for_existing")])


def test_staff_start_a_manual_rule_by_hand(front_desk, clinic, patient):
    published(clinic, "manual")
    caller = Caller(client=client_of(front_desk.user))
    started = caller.post("automations/rules/rule/run/", {"patients": [str(patient.pk)]})
    assert started.status_code == 201
    ticking.drain_all()
    assert titles() == ["Call"]
    [event] = started.json()["events"]
    assert caller.get(f"automations/events/{event}/").json()["trigger_event"] == "manual"


def test_what_starts_by_itself_is_not_started_by_hand(api, rule, patient):
    before = Event.objects.count()
    answer = api.post("automations/rules/rule/run/", {"patients": [str(patient.pk)]})
    assert (answer.status_code, errors(answer)) == (409, [("", "not_by_hand")])
    assert Event.objects.count() == before


def test_only_admins_cancel(front_desk, api, rule, patient):
    api.post(ENROLL, {"all": True})
    answer = Caller(client=client_of(front_desk.user)).send("DELETE", ENROLL)
    assert (answer.status_code, errors(answer), Enrolment.objects.get().state) == (403, [("", "forbidden")], "running")
