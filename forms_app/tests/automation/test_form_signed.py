"""The trigger form.signed: once, when a consent is signed or anything else submitted."""

import pytest

from automations.engine.declare import catalog
from automations.models import Event
from clinic.db import silently
from forms_app import services
from forms_app.models import FormRequest
from forms_app.tests.builders import ANSWERS, ask, fill, fired, make_template

pytestmark = pytest.mark.django_db
KEY = "form.signed"


@pytest.mark.parametrize("kind", ["consent", "questionnaire", "survey"])
def test_it_fires_once_when_the_form_is_filled(patient, kind):
    request = fill(ask(patient, make_template(patient.clinic, "form", kind)))
    fill(request)
    FormRequest.objects.get(pk=request.pk).save()
    assert fired() == [KEY]
    event = Event.objects.get(trigger=KEY)
    assert (event.subject_id, event.patient_id, event.origin) == (request.pk, patient.pk, "system")
    assert set(event.data["new"]) == {"status", "due_at", "template_id"}


def test_a_correction_a_draft_and_a_withdrawal_do_not_fire_it(patient):
    request = services.save_draft(ask(patient, make_template(patient.clinic, "pain", "survey")), answers={"pain": 1})
    assert fired() == []
    request = fill(request)
    services.amend(request, answers=ANSWERS | {"pain": 1}, signed_by="Maria Marin")
    services.amend(request, answers=ANSWERS | {"pain": 2}, signed_by="Maria Marin")
    assert fired() == [KEY]


def test_a_form_that_was_recorded_as_signed_fires_it_too(patient):
    template = make_template(patient.clinic)
    FormRequest.objects.create(
        clinic=patient.clinic, patient=patient, template=template, version=template.versions.get(), status="signed"
    )
    assert fired() == [KEY]


def test_done_silently_it_is_recorded_as_muted(patient):
    request = ask(patient, make_template(patient.clinic))
    with silently("import"):
        fill(request)
    assert set(Event.objects.filter(trigger=KEY).values_list("muted", flat=True)) <= {"import"}


def test_a_rule_may_ask_for_one_form(patient):
    trigger = catalog.triggers[KEY]
    assert trigger.accepts({"form": "privacy"}, {"form.template": "privacy"})
    assert not trigger.accepts({"form": "privacy"}, {"form.template": "pain"})
    assert trigger.accepts({}, {"form.template": "pain"})


def test_what_stops_its_rules_by_default():
    assert set(catalog.triggers[KEY].stop_on) == {"form.voided", "form.withdrawn", "patient.left"}
