"""Tasks over HTTP."""

from __future__ import annotations

import pytest

from tests.callers import Caller
from worklist.models import Task

pytestmark = pytest.mark.django_db


def test_a_task_is_given_to_a_role_claimed_by_a_person_and_done(api, patient, front_desk, as_front_desk):
    made = api.post("tasks/", {"title": "Call Maria", "patient": str(patient.pk), "role": "front_desk"}).json()
    assert (made["status"], made["assignee"], made["role"], made["priority"]) == ("open", None, "front_desk", "normal")
    path = f"tasks/{made['id']}/"
    assert api.post(f"{path}claim/").status_code == 403  # a program is nobody who could do it
    person = Caller(client=as_front_desk)
    assert person.post(f"{path}claim/").json()["assignee"] == "felix"
    done = person.post(f"{path}complete/").json()
    assert (done["status"], done["finished_by"]) == ("done", "felix")
    assert api.post(f"{path}complete/").json()["status"] == "done"
    assert api.post(f"{path}cancel/").status_code == 409


def test_it_is_for_somebody(api):
    answer = api.post("tasks/", {"title": "Call"})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/role")
    assert Task.objects.count() == 0


def test_it_is_given_to_a_person_and_back(api, specialist):
    made = api.post("tasks/", {"title": "Call", "role": "specialist"}).json()
    path = f"tasks/{made['id']}/assign/"
    assert api.post(path, {"assignee": "dr-ionescu"}).json()["assignee"] == "dr-ionescu"
    assert [one["id"] for one in api.get("tasks/?assignee=dr-ionescu&status=open").json()["results"]] == [made["id"]]
    assert api.post(path, {"assignee": None}).json()["assignee"] is None
    assert api.post(path, {"assignee": "nobody"}).json()["errors"][0]["code"] == "not_found"
    assert api.post(path, {}).json()["errors"][0]["code"] == "required"
