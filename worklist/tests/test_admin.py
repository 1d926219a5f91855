"""The admin page of tasks."""

import pytest
from django.urls import reverse

from worklist import services
from worklist.models import Task

LIST = reverse("admin:worklist_task_changelist")
ADD = reverse("admin:worklist_task_add")


def change(task):
    return reverse("admin:worklist_task_change", args=[task.pk])


def form(**changed):
    values = {"title": "Call", "details": "", "patient": "", "assignee": "", "role": "front_desk", "priority": "normal"}
    return values | {"due_at_0": "", "due_at_1": ""} | changed


@pytest.fixture
def task(clinic, patient):
    return services.create(clinic=clinic, title="Call Maria", patient=patient, role="front_desk")


def test_a_person_makes_a_task(clinic, patient, as_specialist):
    response = as_specialist.post(ADD, form(patient=patient.pk, due_at_0="2026-12-01", due_at_1="09:00"))

    assert response.status_code == 302
    task = Task.objects.get()
    assert (task.clinic, task.patient, task.role, task.title) == (clinic, patient, "front_desk", "Call")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"role": ""}, "Say whom it is for: a person, or a role."), ({"title": ""}, "This field is required.")],
)
def test_a_wrong_task_is_shown_in_the_form(clinic, as_admin, wrong, message):
    response = as_admin.post(ADD, form(**wrong))

    assert response.status_code == 200
    assert message in response.content.decode()
    assert not Task.objects.exists()


@pytest.mark.parametrize("name", ["stranger", "stranger_patient"])
def test_another_clinics_people_and_patients_are_no_choice(clinic, as_admin, name, request):
    field = {"stranger": "assignee", "stranger_patient": "patient"}[name]

    response = as_admin.post(ADD, form(**{field: request.getfixturevalue(name).pk}))

    assert response.status_code == 200
    assert not Task.objects.exists()


def test_a_task_is_claimed_and_done_with_buttons(task, front_desk, as_front_desk):
    as_front_desk.post(change(task), {"assignee": "", "worklist_task_claim": "1"})
    task.refresh_from_db()
    assert task.assignee == front_desk

    as_front_desk.post(change(task), {"assignee": front_desk.pk, "worklist_task_complete": "1"})
    task.refresh_from_db()
    assert (task.status, task.finished_by) == ("done", front_desk)


def test_a_task_is_given_to_a_colleague(task, specialist, as_front_desk):
    as_front_desk.post(change(task), {"assignee": specialist.pk})

    task.refresh_from_db()
    assert task.assignee == specialist


def test_what_a_task_says_cannot_be_rewritten(task, as_admin):
    as_admin.post(change(task), form(title="Something else"))

    task.refresh_from_db()
    assert task.title == "Call Maria"


def test_a_refused_button_is_a_form_error(task, as_specialist):
    response = as_specialist.post(change(task), {"assignee": "", "worklist_task_claim": "1"})

    assert response.status_code == 200
    assert "This task is for another role." in response.content.decode()
    task.refresh_from_db()
    assert task.assignee is None


def test_several_tasks_are_finished_at_once_but_none_elsewhere(task, other_clinic, as_front_desk):
    foreign = services.create(clinic=other_clinic, title="Elsewhere", role="front_desk")

    as_front_desk.post(LIST, {"action": "complete_selected", "_selected_action": [task.pk, foreign.pk]})

    task.refresh_from_db()
    foreign.refresh_from_db()
    assert (task.status, foreign.status) == ("done", "open")


def test_a_stranger_sees_and_moves_nothing(task, as_stranger):
    assert "Call Maria" not in as_stranger.get(LIST).content.decode()
    as_stranger.post(change(task), {"assignee": "", "worklist_task_cancel": "1"})

    task.refresh_from_db()
    assert task.status == "open"
