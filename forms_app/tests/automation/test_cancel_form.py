"""The action cancel_form: an open request is taken back, and nothing else."""

from dataclasses import replace

import pytest

from automations.engine.declare import catalog
from automations.models import Event, Step
from automations.tests.builders import visit
from clinic import clock
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, fill, fired, make_template
from worklist.tests.builders import due_step

pytestmark = pytest.mark.django_db


def cancel(patient, form, about=None):
    step = due_step(patient, "cancel_form", {"form": form}, role="patient", now=clock.now())
    step = step if about is None else replace(step, subject_type=about[0], subject_id=about[1])
    return step, catalog.actions["cancel_form"].perform([step])[step.id]


def status(request):
    return FormRequest.objects.get(pk=request.pk).status


def test_an_open_request_for_the_form_is_voided_and_names_its_cause(patient):
    request = ask(patient, make_template(patient.clinic))
    step, result = cancel(patient, "privacy")
    assert result == {"voided": [str(request.pk)]}
    assert status(request) == "voided"
    assert FormRequest.objects.get().reason == "cancelled_by_rule"
    event = Event.objects.get(trigger="form.voided")
    assert event.caused_by_id == step.id
    assert event.depth == Step.objects.get(pk=step.id).run.event.depth + 1


def test_other_forms_signed_ones_and_those_of_others_stay(patient, clinic):
    template = make_template(clinic)
    signed = fill(ask(patient, template))
    other = ask(patient, make_template(clinic, "photos"))
    neighbour = type(patient).objects.create(clinic=clinic, given_name="Nora")
    theirs = ask(neighbour, template)
    assert cancel(patient, "privacy")[1] == {"voided": []}
    assert [status(signed), status(other), status(theirs)] == ["signed", "required", "required"]
    assert "form.voided" not in fired()


def test_a_rule_about_a_visit_leaves_the_forms_of_other_visits_alone(patient, clinic):
    template = make_template(clinic, "pain", "questionnaire")
    first, second = visit(patient), visit(patient)
    requests = [ask(patient, template, about_type="appointment", about_id=one.pk) for one in (first, second)]
    cancel(patient, "pain", about=("appointment", first.pk))
    assert [status(one) for one in requests] == ["voided", "required"]


def test_a_rule_about_a_form_takes_back_what_belongs_to_the_same_visit(patient, clinic):
    pain, photos = make_template(clinic, "pain", "questionnaire"), make_template(clinic, "photos", "questionnaire")
    first, second = visit(patient), visit(patient)
    about = [{"about_type": "appointment", "about_id": one.pk} for one in (first, second)]
    requests = [ask(patient, photos, **one) for one in about]
    cancel(patient, "photos", about=("form", ask(patient, pain, **about[1]).pk))
    assert [status(one) for one in requests] == ["required", "voided"]


def test_a_rule_about_the_patient_takes_all_of_them_back(patient, clinic):
    template = make_template(clinic, "pain", "questionnaire")
    requests = [ask(patient, template, about_type="appointment", about_id=visit(patient).pk) for _ in range(2)]
    cancel(patient, "pain", about=("patient", patient.pk))
    assert [status(one) for one in requests] == ["voided", "voided"]
