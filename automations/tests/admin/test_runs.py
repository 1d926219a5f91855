"""The pages of what rules did."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from automations.models import Run, Step
from automations.tests.builders import move, published, titles, visit
from automations.ticking import drain_all

pytestmark = pytest.mark.django_db
AGE = {
    "match": "any",
    "items": [
        {"field": "patient.age", "op": "gte", "value": 99},
        {"field": "patient.city", "op": "is", "value": "Iasi"},
        {"field": "appointment.series_position", "op": "eq", "value": 1},
    ],
}
LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}


@pytest.fixture
def run(clinic, patient):
    """A run with one step done and one to come."""
    published(clinic, "appointment.completed", {"type": "jot", "title": "Call her"}, LATER, conditions=AGE)
    move(visit(patient), status="completed")
    drain_all()
    return Run.objects.get()


def address(row):
    return f"/admin/automations/{row._meta.model_name}/{row.pk}/change/"


def do(step, verb):
    return f"/admin/automations/step/{step.pk}/do/{verb}/"


def test_a_run_shows_what_it_saw_and_made(as_front_desk, run, patient):
    page = as_front_desk.get(address(run)).content.decode()
    assert "Patient · Age ≥ 99" in page
    assert "(was 69)" in page
    assert "(was Iași)" in page
    assert "(was unknown)" in page
    assert f"/admin/patients/patient/{patient.pk}/change/" in page
    assert "/admin/worklist/task/" in page
    assert "Call her" in page
    assert " EET" in page
    assert AuditEntry.objects.filter(action="run.read").exists()


def test_events_and_steps_link_to_each_other(as_front_desk, run):
    event = as_front_desk.get(address(run.event)).content.decode()
    assert address(run) in event
    assert "Patient · Age: 69" in event
    step = as_front_desk.get(address(run.steps.first())).content.decode()
    assert address(run) in step
    assert address(run.rule) in step
    for name in ("event", "run", "step"):
        assert as_front_desk.get(f"/admin/automations/{name}/").status_code == 200
        assert as_front_desk.get(f"/admin/automations/{name}/add/").status_code == 403


def test_a_step_is_held_released_run_and_skipped(as_specialist, run):
    step = run.steps.get(state="pending")
    for verb, state in (("hold", "held"), ("release", "pending"), ("run_now", "pending")):
        response = as_specialist.post(do(step, verb), {"back": address(run)})
        assert response["Location"] == address(run)
        assert Step.objects.get(pk=step.pk).state == state
    drain_all()
    assert titles() == ["Call her", "Later"]
    page = as_specialist.post(do(step, "skip"), follow=True).content.decode()
    assert "it cannot become skipped" in page
    assert Step.objects.get(pk=step.pk).state == "done"


def test_a_failed_step_is_tried_again(as_specialist, run):
    step = run.steps.get(state="pending")
    Step.objects.filter(pk=step.pk).update(state="failed", reason_text="The mail server said no.")
    assert "The mail server said no." in as_specialist.get(address(run)).content.decode()
    as_specialist.post(do(step, "retry"))
    assert Step.objects.get(pk=step.pk).state == "pending"


def test_a_button_leads_to_this_site_only(as_front_desk, run):
    step = run.steps.get(state="pending")
    response = as_front_desk.post(do(step, "hold"), {"back": "https://elsewhere.example/"})
    assert response["Location"] == address(step)


def test_others_see_and_do_nothing(as_stranger, client, run):
    step = run.steps.get(state="pending")
    for verb in ("skip", "hold", "run_now"):
        assert as_stranger.post(do(step, verb)).status_code == 404
        assert client.post(do(step, verb)).status_code == 302
    assert as_stranger.get(address(run)).status_code == 302
    assert "Maria" not in as_stranger.get("/admin/automations/run/").content.decode()
    assert Step.objects.get(pk=step.pk).state == "pending"


def test_looking_changes_nothing_and_a_get_is_no_button(as_front_desk, run):
    step = run.steps.get(state="pending")
    assert as_front_desk.get(do(step, "skip")).status_code == 405
    assert as_front_desk.post(do(step, "explode")).status_code == 404
    assert as_front_desk.post(address(step), {"state": "done"}).status_code == 403
    assert Step.objects.get(pk=step.pk).state == "pending"


@pytest.mark.parametrize("verdict", [None, [], {"items": "x"}, {"items": [1, {"field": 5, "op": 7, "result": "y"}]}])
def test_a_verdict_that_cannot_be_read_hides_nothing_else(as_front_desk, run, verdict):
    Run.objects.filter(pk=run.pk).update(verdict=verdict)
    assert as_front_desk.get(address(run)).status_code == 200


def test_lists_show_the_newest_first_and_find_a_patient(as_front_desk, run, patient):
    for kind in ("run", "step", "event"):
        found = as_front_desk.get(f"/admin/automations/{kind}/", {"q": "marin"}).context["cl"].result_list
        assert {row.patient_id for row in found} == {patient.pk}
        assert not as_front_desk.get(f"/admin/automations/{kind}/", {"q": "nobody"}).context["cl"].result_list
    for kind, key in (("run", "pk"), ("step", "due_at")):
        rows = list(as_front_desk.get(f"/admin/automations/{kind}/").context["cl"].result_list)
        assert [getattr(one, key) for one in rows] == sorted((getattr(one, key) for one in rows), reverse=True)
