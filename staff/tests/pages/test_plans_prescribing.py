"""Prescribing on the staff's pages: by hand, from a program, anew from a day; refusals at their exercise."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from staff.tests.pages.planning import at, exercises, prescribed, today
from treatments import services
from treatments.models import TreatmentPlan
from treatments.tests.builders import make_plan, make_program

pytestmark = pytest.mark.django_db


def test_first_the_patient_is_found(patient, stranger_patient, as_specialist):
    html = as_specialist.get(at("plan-new"), {"q": "mar mari"}).content.decode()
    assert f"?patient={patient.pk}" in html
    assert "Nobody was found." in as_specialist.get(at("plan-new"), {"q": "Stranger"}).content.decode()
    assert AuditEntry.objects.filter(action="patient.listed").count() == 2


def test_a_plan_of_several_exercises_is_prescribed_and_assigned_in_one_form(patient, specialist, as_specialist):
    data = {
        **exercises(("Squats", "3", "slowly"), ("Bridge", "5", "")),
        "name": "Knee",
        "specialist": specialist.pk,
        "assign": "1",
    }
    response = as_specialist.post(f"{at('plan-new')}?patient={patient.pk}", data)
    plan = TreatmentPlan.objects.get()
    assert response["Location"] == at("plan", plan.pk)
    assert (plan.name, plan.status, plan.specialist, plan.patient) == ("Knee", "active", specialist, patient)
    assert prescribed(plan) == [("Squats", 3, "slowly"), ("Bridge", 5, "")]


def test_a_plan_may_be_kept_as_a_draft(patient, as_admin):
    as_admin.post(f"{at('plan-new')}?patient={patient.pk}", {**exercises(("Squats", "3", "")), "name": "Knee"})
    assert TreatmentPlan.objects.get().status == "draft"


def test_a_program_gives_its_name_and_exercises(patient, as_specialist):
    program = services.update_program(
        make_program(patient.clinic), exercises=[{"name": "Heel slides", "sessions_per_week": 4}]
    )
    address = f"{at('plan-new')}?patient={patient.pk}"
    typed = {**exercises(("Squats", "3", "")), "program": program.pk, "take": "1", "starts_on": "2030-01-02"}
    response = as_specialist.post(address, typed)
    assert TreatmentPlan.objects.count() == 0
    rows = [form.initial.get("name") for form in response.context["exercises"].formset]
    assert rows == ["Squats", "Heel slides", None, None]
    assert "2030-01-02" in response.content.decode()

    given = exercises(("Heel slides", "4", ""))
    as_specialist.post(address, {**given, "program": program.pk})
    plan = TreatmentPlan.objects.get()
    assert (plan.name, plan.program, prescribed(plan)) == (program.name, program, [("Heel slides", 4, "")])


def test_a_program_without_exercises_says_so(patient, as_specialist):
    typed = {**exercises(), "program": make_program(patient.clinic).pk, "take": "1"}
    html = as_specialist.post(f"{at('plan-new')}?patient={patient.pk}", typed).content.decode()
    assert "This program brings no exercises along." in html


def test_one_more_row_keeps_what_was_typed(patient, as_specialist):
    typed = {**exercises(("Squats", "three", "slowly")), "name": "Knee", "add": "1"}
    response = as_specialist.post(f"{at('plan-new')}?patient={patient.pk}", typed)
    html = response.content.decode()
    assert response.status_code == 200
    assert ('value="Squats"' in html, 'value="three"' in html, 'value="Knee"' in html) == (True, True, True)
    assert response.context["exercises"].formset.total_form_count() == 3


def test_a_refusal_stands_at_the_exercise_that_it_is_about(patient, as_specialist):
    data = {**exercises(("Squats", "3", ""), ("", "5", "")), "name": "Knee", "assign": "1"}
    response = as_specialist.post(f"{at('plan-new')}?patient={patient.pk}", data)
    assert response.status_code == 422
    formset = response.context["exercises"].formset
    assert [form.errors for form in formset][1] == {"name": ["Name the exercise, in at most 200 characters."]}
    assert TreatmentPlan.objects.count() == 0


def test_a_plan_that_cannot_be_assigned_is_not_written_either(patient, as_specialist):
    gone = today(patient.clinic) - timedelta(days=9)
    data = {
        **exercises(("Squats", "3", "")),
        "name": "Knee",
        "assign": "1",
        "starts_on": gone.isoformat(),
        "ends_on": (gone + timedelta(days=1)).isoformat(),
    }
    response = as_specialist.post(f"{at('plan-new')}?patient={patient.pk}", data)
    assert "has passed" in response.context["form"].errors["ends_on"][0]
    assert TreatmentPlan.objects.count() == 0


def test_dates_and_people_are_changed_and_an_old_copy_is_not(patient, specialist, as_specialist):
    plan = make_plan(patient)
    last = plan.starts_on + timedelta(days=30)
    data = {"name": "Knee", "specialist": specialist.pk, "ends_on": last.isoformat(), "revision": plan.revision}
    as_specialist.post(at("plan-edit", plan.pk), data)
    changed = TreatmentPlan.objects.get()
    assert (changed.specialist, changed.ends_on, changed.starts_on) == (specialist, last, plan.starts_on)

    response = as_specialist.post(at("plan-edit", plan.pk), {**data, "name": "Hip"})
    assert response.status_code == 422
    assert TreatmentPlan.objects.get().name == "Knee"


def test_a_plan_is_prescribed_anew_from_a_day(patient, as_specialist):
    plan = make_plan(patient)
    shown = as_specialist.get(at("plan-revise", plan.pk)).context["exercises"].formset
    assert [form.initial.get("name") for form in shown] == ["Exercise 3", None, None]
    day = today(patient.clinic) + timedelta(days=3)
    data = {**exercises(("Lunges", "2", "deep")), "from_on": day.isoformat(), "revision": plan.revision}
    as_specialist.post(at("plan-revise", plan.pk), data)
    newest = plan.versions.order_by("-number").first()
    assert (newest.number, newest.from_on, prescribed(plan)) == (2, day, [("Lunges", 2, "deep")])
