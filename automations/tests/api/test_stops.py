"""Stop switches over the API."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Pause
from automations import ticking
from automations.tests.api.bodies import errors
from automations.tests.builders import move, published, titles, visit

pytestmark = pytest.mark.django_db
PAUSE = "automations/pause/"


@pytest.mark.parametrize("scope", ["clinic", "rule", "patient"])
def test_nothing_is_executed_until_the_switch_is_released(api, clinic, patient, scope):
    published(clinic)
    target = {"clinic": {}, "rule": {"target": "rule"}, "patient": {"target": str(patient.pk)}}[scope]
    made = api.post(PAUSE, {"scope": scope, "why": "A flood", **target})
    assert made.status_code == 201
    shown = made.json()
    assert (shown["scope"], shown["target"], shown["why"]) == (scope, target.get("target"), "A flood")
    again = api.post(PAUSE, {"scope": scope, "why": "Another flood", **target})
    assert (again.status_code, again.json()) == (200, shown)
    assert api.get(PAUSE).json()["results"] == [shown]
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert titles() == []
    query = f"?scope={scope}" + "".join(f"&target={one}" for one in target.values())
    assert api.send("DELETE", PAUSE + query).status_code == 204
    assert api.send("DELETE", PAUSE + query).status_code == 404
    ticking.drain_all()
    assert (titles(), api.get(PAUSE).json()["results"]) == (["Call"], [])


def test_a_switch_is_released_by_a_body_too(api, clinic, patient):
    api.post(PAUSE, {"scope": "patient", "target": {"external_id": "A-17"}, "why": "Asked"})
    answer = api.send("DELETE", PAUSE, {"scope": "patient", "target": {"external_id": "A-17"}})
    assert (answer.status_code, Pause.objects.filter(ended_at=None).count()) == (204, 0)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"scope": "clinic"}, [("/why", "required")]),
        ({"scope": "clinic", "why": "x", "target": "rule"}, [("/target", "no_target")]),
        ({"scope": "house", "why": "x"}, [("/scope", "invalid_choice")]),
        ({"scope": "rule", "why": "x"}, [("/target", "not_found")]),
        ({"scope": "rule", "why": "x", "target": "other"}, [("/target", "not_found")]),
        ({"scope": "patient", "why": "x", "target": 5}, [("/target", "not_found")]),
        ({"scope": "patient", "why": "x", "target": "999999"}, [("/target", "not_found")]),
        ({"scope": "clinic", "why": "x" * 301}, [("/why", "max_length")]),
    ],
)
def test_what_cannot_be_stopped_is_refused(api, body, found):
    answer = api.post(PAUSE, body)
    assert (answer.status_code, errors(answer)) == (422, found)
    assert not Pause.objects.exists()


@pytest.mark.parametrize("query", ["", "?scope=house", "?scope=rule", "?scope=clinic&x=1"])
def test_a_release_says_which(api, query):
    api.post(PAUSE, {"scope": "clinic", "why": "A flood"})
    assert api.send("DELETE", PAUSE + query).status_code == 422
    assert Pause.objects.filter(ended_at=None).count() == 1


def test_another_clinics_rule_and_patient_are_not_there(api, stranger_api, clinic, stranger_patient):
    published(clinic, name="Mine")
    answers = [
        stranger_api.post(PAUSE, {"scope": "rule", "target": "mine", "why": "x"}),
        api.post(PAUSE, {"scope": "patient", "target": str(stranger_patient.pk), "why": "x"}),
    ]
    assert [errors(one) for one in answers] == [[("/target", "not_found")]] * 2
    api.post(PAUSE, {"scope": "clinic", "why": "A flood"})
    assert stranger_api.get(PAUSE).json()["results"] == []
    assert stranger_api.send("DELETE", f"{PAUSE}?scope=clinic").status_code == 404
    assert Pause.objects.filter(ended_at=None).count() == 1


def test_that_stopped_patients_were_shown_is_recorded(api, patient):
    api.post(PAUSE, {"scope": "clinic", "why": "A flood"})
    api.get(PAUSE)
    assert not AuditEntry.objects.filter(action="pause.listed").exists()
    api.post(PAUSE, {"scope": "patient", "target": str(patient.pk), "why": "She asked"})
    api.get(PAUSE)
    assert AuditEntry.objects.get(action="pause.listed").detail == {"patients": [patient.pk]}
