"""Treatment plans over HTTP: drafted, assigned, their sessions logged."""

from __future__ import annotations

import pytest

from automations.models import Event
from treatments.models import ExerciseSession, PainScore, TreatmentPlan

pytestmark = pytest.mark.django_db
SQUATS = {"name": "Squats", "sessions_per_week": 3}


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


@pytest.fixture
def plan(api, patient):
    api.post("treatment-programs/", {"slug": "knee", "name": "Knee"})
    body = {"patient": str(patient.pk), "program": "knee", "exercises": [SQUATS], "external_id": "P-1"}
    made = api.post("treatment-plans/", body)
    assert made.status_code == 201, made.content
    return made.json()


def test_a_plan_is_drafted_and_no_rule_hears_of_it(api, plan, patient):
    assert (plan["status"], plan["name"], plan["program"], plan["sessions_per_week"]) == ("draft", "Knee", "knee", 3)
    assert [(one["name"], one["instructions"]) for one in plan["exercises"]] == [("Squats", None)]
    assert api.get(f"treatment-plans/{plan['id']}/").json() == plan
    assert not Event.objects.filter(trigger__startswith="treatment").exists()


def test_it_goes_along_its_life_cycle_and_again_nothing_happens(api, plan):
    path = f"treatment-plans/{plan['id']}/"
    for verb, status in (("assign", "active"), ("pause", "paused"), ("resume", "active"), ("complete", "completed")):
        for _n in range(2):
            answer = api.post(f"{path}{verb}/")
            assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert api.post(f"{path}cancel/").status_code == 409
    assert list(Event.objects.filter(trigger="treatment.assigned").values_list("state", flat=True)) == ["new"]


def test_sessions_are_logged_with_their_pain(api, plan):
    path = f"treatment-plans/{plan['id']}/"
    refused = api.post(f"{path}sessions/", {"pain": 3})
    assert faults(refused) == [("/plan", "not_assigned")]
    api.post(f"{path}assign/")
    exercise = plan["exercises"][0]["id"]
    logged = api.post(f"{path}sessions/", {"pain": 8, "exercise": exercise})
    assert logged.status_code == 201, logged.content
    assert (logged.json()["pain"], logged.json()["exercise"], logged.json()["logged_by"]) == (8, exercise, "staff")
    assert faults(api.post(f"{path}sessions/", {"pain": 11})) == [("/pain", "max_value")]
    assert faults(api.post(f"{path}sessions/", {"exercise": "999"})) == [("/exercise", "not_found")]
    assert [one["id"] for one in api.get(f"{path}sessions/").json()["results"]] == [logged.json()["id"]]
    assert (ExerciseSession.objects.count(), PainScore.objects.get().value) == (1, 8.0)
    assert api.get(f"{path}adherence/").json() == []


def test_what_does_not_fit_is_named_and_nothing_is_written(api, patient, plan):
    body = {"patient": str(patient.pk), "name": "X", "exercises": [SQUATS, {"name": "", "sessions_per_week": 99}]}
    assert faults(api.post("treatment-plans/", body)) == [
        ("/exercises/1/name", "blank"),
        ("/exercises/1/sessions_per_week", "max_value"),
    ]
    days = {**body, "exercises": [], "starts_on": "2030-02-01", "ends_on": "2030-01-01"}
    assert api.post("treatment-plans/", days).status_code == 422
    assert api.post("treatment-plans/", {**body, "exercises": [], "external_id": "P-1"}).status_code == 422
    assert TreatmentPlan.objects.count() == 1
