"""The action that gives the staff something to do."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from automations.engine.declare import catalog
from patients import services
from patients.models import Patient
from worklist.models import Task
from worklist.tests.builders import due_step

ACTION = catalog.actions["create_task"]


def step(patient, **params):
    params = {"title": "Call", "assign_to": "front_desk", **params}
    return due_step(patient, "create_task", params, role=ACTION.role(params))


def test_a_role_gets_one_task_that_anyone_of_it_can_claim(patient, front_desk):
    one = step(patient, title="Call Maria", details="About the knee.", priority="high")

    result = ACTION.perform([one])

    task = Task.objects.get()
    assert result == {one.id: {"task": str(task.pk), "role": "front_desk"}}
    assert (task.title, task.details, task.priority) == ("Call Maria", "About the knee.", "high")
    assert (task.assignee, task.role, task.status, task.due_at) == (None, "front_desk", "open", None)
    assert (task.patient, task.clinic, task.source_step_id) == (patient, patient.clinic, one.id)
    assert (task.about_type, task.about_id) == ("patient", patient.pk)


def test_the_specialist_gets_it_in_person(patient, specialist, admin):
    patient = services.assign_specialist(patient, specialist=specialist)
    one = step(patient, assign_to="specialist")

    result = ACTION.perform([one])

    task = Task.objects.get()
    assert result == {one.id: {"task": str(task.pk), "role": None, "assignee": "dr-ionescu"}}
    assert (task.assignee, task.role) == (specialist, "")


@pytest.mark.parametrize(
    ("leaves", "note", "text"),
    [
        (False, "no_specialist", "There is no specialist, so this went to the clinic admins."),
        (True, "specialist_inactive", "The specialist no longer works here, so this went to the clinic admins."),
    ],
)
def test_without_a_specialist_the_clinic_admins_get_it_and_the_task_says_why(
    patient, specialist, admin, leaves, note, text
):
    if leaves:
        patient = services.assign_specialist(patient, specialist=specialist)
        specialist.is_active = False
        specialist.save()
    one = step(patient, assign_to="specialist", details="Look at the pain.")

    result = ACTION.perform([one])

    task = Task.objects.get()
    assert result == {one.id: {"task": str(task.pk), "role": "clinic_admin", "note": note}}
    assert task.assignee is None
    assert task.details == f"Look at the pain.\n\n{text}"


def test_a_slug_names_a_person(patient, front_desk, admin):
    ACTION.perform([step(patient, assign_to="felix")])

    assert Task.objects.get().assignee == front_desk


def test_a_person_of_another_clinic_gets_nothing(patient, admin, stranger):
    result = ACTION.perform([step(patient, assign_to="stan")])

    assert Task.objects.get().role == "clinic_admin"
    assert [one["note"] for one in result.values()] == ["member_inactive"]
    assert not Task.objects.filter(assignee=stranger).exists()


@pytest.mark.parametrize(
    ("days", "due"),
    [(0, datetime(2026, 11, 24, 21, 59, tzinfo=UTC)), (3, datetime(2026, 11, 27, 21, 59, tzinfo=UTC))],
)
def test_it_is_due_at_the_end_of_the_clinics_day(patient, front_desk, days, due):
    ACTION.perform([step(patient, due_in_days=days)])

    assert Task.objects.get().due_at == due


def test_a_step_makes_one_task_and_a_second_is_an_error(patient, front_desk):
    one = step(patient)
    ACTION.perform([one])

    with pytest.raises(IntegrityError), transaction.atomic():
        ACTION.perform([one])

    assert Task.objects.count() == 1


def test_a_large_batch_takes_a_handful_of_queries(clinic, admin, front_desk, django_assert_num_queries):
    people = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=str(n)) for n in range(30)])
    steps = [step(one, assign_to=("specialist", "front_desk", "felix")[n % 3]) for n, one in enumerate(people)]

    with django_assert_num_queries(5):
        ACTION.perform(steps)

    assert Task.objects.count() == 30


@pytest.mark.parametrize("words", ["Call {{ patient.name }}", "{% if x %}Call{% endif %}", "{{"])
@pytest.mark.parametrize("name", ["title", "details"])
def test_placeholders_are_refused_where_they_are_since_nobody_fills_them_in(name, words):
    told = "Placeholders such as {{ patient.name }} are not filled in here; write plain words."
    params = {"title": "Call", "details": "Soon", "assign_to": "front_desk", name: words}
    assert ACTION.problems(params) == [(name, told)]


def test_braces_that_are_no_placeholder_are_plain_words():
    assert ACTION.problems({"title": "Call {soon} 100 %", "assign_to": "front_desk"}) == []
