"""Asking for a form: never twice for the same thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clinic.errors import Refused
from forms_app import services
from forms_app.models import FormRequest
from forms_app.tests.builders import QUESTIONS, ask, fill, make_template

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def again(patient, template, **settings):
    requested = services.request_form(clinic=patient.clinic, patient=patient, template=template, **settings)
    return requested.request.pk, requested.outcome


def test_a_consent_is_asked_once_a_patient_whatever_it_is_about(patient):
    template = make_template(patient.clinic)
    request = ask(patient, template, about_type="appointment", about_id=1)
    assert (request.about_type, request.about_id) == ("", None)
    assert again(patient, template, about_type="appointment", about_id=2) == (request.pk, "reused")
    fill(request)
    assert again(patient, template) == (request.pk, "already_signed")
    assert FormRequest.objects.count() == 1


def test_a_consent_is_asked_again_after_a_new_wording_or_a_withdrawal(patient):
    template = make_template(patient.clinic)
    first = fill(ask(patient, template))
    services.publish_template_version(template, text="I agree to more.")
    pk, outcome = again(patient, template)
    assert outcome == "created"
    second = FormRequest.objects.get(pk=pk)
    assert (first.version.number, second.version.number) == (1, 2)
    services.withdraw(fill(second))
    assert again(patient, template)[1] == "created"


def test_a_questionnaire_is_asked_once_an_appointment(patient):
    template = make_template(patient.clinic, "pain", "questionnaire")
    first = ask(patient, template, about_type="appointment", about_id=1)
    assert again(patient, template, about_type="appointment", about_id=1) == (first.pk, "reused")
    assert again(patient, template, about_type="appointment", about_id=2)[1] == "created"
    fill(first)
    assert again(patient, template, about_type="appointment", about_id=1) == (first.pk, "already_signed")


def test_what_is_about_no_appointment_may_be_asked_again_once_it_is_answered(patient):
    template = make_template(patient.clinic, "pain", "survey")
    first = ask(patient, template)
    assert again(patient, template) == (first.pk, "reused")
    fill(first)
    assert again(patient, template)[1] == "created"


def test_a_declined_or_voided_form_is_asked_anew(patient):
    template = make_template(patient.clinic)
    services.decline(ask(patient, template))
    services.void(ask(patient, template))
    assert again(patient, template)[1] == "created"
    assert FormRequest.objects.count() == 3


def test_the_demands_on_a_reused_request_only_grow_stricter(patient):
    template = make_template(patient.clinic)
    request = ask(patient, template)
    ask(patient, template, due_at=DUE, blocking=True)
    ask(patient, template, due_at=DUE + timedelta(days=3))
    request.refresh_from_db()
    assert (request.due_at, request.blocking) == (DUE, True)
    revision = request.revision
    ask(patient, template, due_at=DUE, blocking=True)
    request.refresh_from_db()
    assert request.revision == revision


def test_an_untouched_request_takes_the_new_wording_and_a_begun_one_keeps_its_own(patient):
    consent = make_template(patient.clinic)
    survey = make_template(patient.clinic, "survey", "survey")
    untouched, begun = ask(patient, consent), services.begin(ask(patient, survey))
    services.publish_template_version(consent, text="New words.")
    services.publish_template_version(survey, questions=QUESTIONS[:2])
    assert ask(patient, consent).version.number == 2
    assert ask(patient, survey).version.number == 1
    with pytest.raises(Refused) as refused:
        services.sign(untouched, answers={}, signed_by="Maria Marin", version=1)
    assert refused.value.code == "version_changed"
    assert services.sign(untouched, answers={}, signed_by="Maria Marin", version=2).status == "signed"
    assert fill(begun).status == "submitted"


def test_what_cannot_be_asked_is_refused_and_nothing_is_written(patient, stranger_patient):
    clinic = patient.clinic
    archived = services.archive_template(make_template(clinic, "old"))
    empty = services.create_template(clinic=clinic, slug="empty", name="Empty", kind="consent")
    foreign = make_template(stranger_patient.clinic, "theirs")
    for template, code in ((archived, "template_archived"), (empty, "no_version"), (foreign, "not_found")):
        with pytest.raises(Refused) as refused:
            ask(patient, template)
        assert refused.value.code == code
    template = make_template(clinic)
    with pytest.raises(Refused) as refused:
        services.request_form(clinic=clinic, patient=stranger_patient, template=template)
    assert refused.value.code == "not_found"
    patient.status = "archived"
    patient.save()
    with pytest.raises(Refused) as refused:
        ask(patient, template)
    assert refused.value.code == "patient_inactive"
    assert FormRequest.objects.count() == 0


def test_many_are_asked_in_a_fixed_number_of_queries(patient, django_assert_max_num_queries):
    template = make_template(patient.clinic, "pain", "questionnaire")

    def wanted(first: int, count: int) -> list[services.Wanted]:
        ids = range(first, first + count)
        common = {"clinic_id": patient.clinic_id, "patient_id": patient.pk, "template": template}
        return [services.Wanted(**common, about_type="appointment", about_id=pk) for pk in ids]

    with django_assert_max_num_queries(15):
        services.request_forms(wanted(1, 2))
    with django_assert_max_num_queries(15):
        services.request_forms(wanted(100, 100))
    assert FormRequest.objects.count() == 102


def test_the_same_wish_twice_in_one_batch_is_one_request(patient):
    template = make_template(patient.clinic)
    one = services.Wanted(clinic_id=patient.clinic_id, patient_id=patient.pk, template=template)
    stricter = services.Wanted(clinic_id=patient.clinic_id, patient_id=patient.pk, template=template, blocking=True)
    first, second = services.request_forms([one, stricter])
    assert (first.outcome, second.outcome) == ("created", "reused")
    assert first.request is second.request
    assert FormRequest.objects.get().blocking
