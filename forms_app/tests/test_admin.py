"""Forms in the admin: versions instead of changes, buttons instead of states, answers to read only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from forms_app import services
from forms_app.models import FormRequest, FormResponse, FormTemplate, FormTemplateVersion
from forms_app.tests.builders import QUESTIONS, ask, fill, make_template

pytestmark = pytest.mark.django_db


def add(name: str) -> str:
    return reverse(f"admin:forms_app_{name}_add")


def page(row: Any) -> str:
    return reverse(f"admin:forms_app_{row._meta.model_name}_change", args=[row.pk])


def posted(**changes: Any) -> dict[str, str]:
    """Return a template's form as the browser posts it."""
    inline = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "0"}
    form = {
        "name": "Pain", "slug": "pain", "kind": "survey", "title": "", "text": "", "questions": json.dumps(QUESTIONS),
        "translations": "{}", **{f"versions-{key}": value for key, value in inline.items()},
    }  # fmt: skip
    return form | changes


def test_a_template_is_created_with_its_first_version(as_admin, clinic, admin):
    response = as_admin.post(add("formtemplate"), posted())
    assert response.status_code == 302, response.context["errors"]
    version = FormTemplateVersion.objects.get()
    assert (version.number, version.title, version.template.slug) == (1, "Pain", "pain")
    assert (version.template.clinic, version.published_by) == (clinic, admin)


def test_another_wording_is_published_as_the_next_version_and_the_same_is_none(as_admin, clinic):
    template = make_template(clinic, "pain", "survey")
    shown = as_admin.get(page(template))
    assert shown.status_code == 200
    assert "How strong is your pain?" in shown.content.decode()
    stored = json.dumps(template.versions.get().questions)
    same = posted(name="Pain", title="Pain", questions=stored)
    assert as_admin.post(page(template), same).status_code == 302
    assert template.versions.count() == 1
    assert as_admin.post(page(template), same | {"title": "Your pain", "slug": "other"}).status_code == 302
    assert list(template.versions.values_list("number", "title")) == [(1, "Pain"), (2, "Your pain")]
    template.refresh_from_db()
    assert template.slug == "pain"


def test_a_draft_is_what_the_page_shows_and_saving_publishes_it(as_admin, clinic):
    template = services.create_template(clinic=clinic, slug="pain", name="Pain", kind="survey")
    template = services.save_template_draft(template, title="From a file", questions=QUESTIONS)
    assert "From a file" in as_admin.get(page(template)).content.decode()
    shown = posted(title="From a file", questions=json.dumps(template.draft["questions"]))
    assert as_admin.post(page(template), shown).status_code == 302
    template.refresh_from_db()
    assert (template.draft, template.versions.get().title) == ({}, "From a file")


def test_bad_questions_are_refused_at_their_place_and_nothing_is_written(as_admin):
    bad = json.dumps([{"id": "a", "type": "text", "text": ""}])
    for wrong, words in ((bad, "/0/text"), ("[", "valid JSON"), ("[]", "Ask at least one question")):
        response = as_admin.post(add("formtemplate"), posted(questions=wrong))
        assert response.status_code == 200
        assert words in response.content.decode()
    assert FormTemplate.objects.count() == 0


def test_the_front_desk_reads_templates_and_writes_none(as_front_desk, clinic):
    template = make_template(clinic, "pain", "survey")
    assert as_front_desk.get(page(template)).status_code == 200
    assert as_front_desk.post(page(template), posted(name="Mine")).status_code == 403
    assert as_front_desk.get(add("formtemplate")).status_code == 403
    template.refresh_from_db()
    assert (template.name, template.versions.count()) == ("Pain", 1)


def test_nobody_sees_another_clinics_forms(as_stranger, patient):
    request = fill(ask(patient, make_template(patient.clinic)))
    for row in (request, request.template, FormResponse.objects.get()):
        assert as_stranger.get(page(row)).status_code in (302, 404)
        listed = as_stranger.get(reverse(f"admin:forms_app_{row._meta.model_name}_changelist"))
        assert "Privacy" not in listed.content.decode()


def test_staff_ask_a_patient_once(as_front_desk, patient):
    template = make_template(patient.clinic)
    form = {"patient": patient.pk, "template": template.pk, "blocking": "on", "due_at_0": "", "due_at_1": ""}
    for _click in range(2):
        assert as_front_desk.post(add("formrequest"), form).status_code == 302
    assert FormRequest.objects.get().blocking
    assert AuditEntry.objects.get(action="form.requested").actor_kind == "user"


def press(client: Client, request: FormRequest, verb: str) -> Any:
    return client.post(
        page(request), {f"forms_app_formrequest_press_{verb}": "1", "read_revision": request.revision}, follow=True
    )


def test_a_request_is_voided_and_a_consent_withdrawn_by_buttons(as_admin, patient):
    request = ask(patient, make_template(patient.clinic))
    assert as_admin.get(page(request)).status_code == 200
    assert press(as_admin, request, "void").status_code == 200
    request.refresh_from_db()
    assert request.status == "voided"
    signed = fill(ask(patient, request.template))
    press(as_admin, signed, "withdraw")
    signed.refresh_from_db()
    assert (signed.status, signed.responses.count()) == ("withdrawn", 1)


def test_the_front_desk_cannot_withdraw_a_consent(as_front_desk, patient):
    signed = fill(ask(patient, make_template(patient.clinic)))
    response = press(as_front_desk, signed, "withdraw")
    assert response.status_code == 200
    signed.refresh_from_db()
    assert signed.status == "signed"


def test_the_list_voids_what_is_open_and_says_what_it_could_not(as_admin, patient):
    open_ = ask(patient, make_template(patient.clinic))
    done = fill(ask(patient, make_template(patient.clinic, "pain", "survey")))
    url = reverse("admin:forms_app_formrequest_changelist")
    chosen = {"action": "void_selected", "_selected_action": [open_.pk, done.pk]}
    text = as_admin.post(url, chosen, follow=True).content.decode()
    assert "1 voided." in text
    assert "cannot become" in text
    assert list(FormRequest.objects.order_by("pk").values_list("status", flat=True)) == ["voided", "submitted"]


def test_what_was_signed_is_shown_with_its_seal_and_cannot_be_changed(as_admin, patient):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey")))
    response = FormResponse.objects.get()
    shown = as_admin.get(page(response)).content.decode()
    assert response.content_hash in shown
    assert "&quot;pain&quot;: 7" in shown
    assert as_admin.post(page(response), {"signed_by": "Somebody"}).status_code == 403
    assert as_admin.get(add("formresponse")).status_code == 403
    assert AuditEntry.objects.filter(action="formresponse.read", patient_id=patient.pk).count() == 1
