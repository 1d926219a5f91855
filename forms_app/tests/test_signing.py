"""Signing: once, by who may, with a hash of all that was signed."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEntry
from clinic.errors import ClinicError, Refused
from forms_app import services
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import ANSWERS, ask, fill, make_template
from patients.models import Contact


@pytest.fixture
def child(patient):
    """Maria, who is twelve here."""
    patient.birth_date = date(2014, 5, 1)
    patient.save()
    return patient


@pytest.mark.django_db
def test_what_was_signed_is_kept_with_version_person_time_address_and_hash(patient):
    request = ask(patient, make_template(patient.clinic, "pain", "questionnaire"))
    fill(request, ANSWERS | {"weight": 70.25}, ip="2001:DB8:0::1")
    response = FormResponse.objects.get()
    assert (response.number, response.version, response.signed_by) == (1, request.version, "Maria Marin")
    assert (response.relation, response.ip) == ("self", "2001:db8::1")
    assert response.answers == ANSWERS | {"places": ["neck", "knee"], "weight": 70.25}
    assert len(response.content_hash) == 64
    assert services.is_intact(response)
    response.answers["pain"] = 8
    assert not services.is_intact(response)


@pytest.mark.django_db
@pytest.mark.parametrize("weight", [1.5, 2, 3.1, 399.99999999999994, 1e2])
def test_the_hash_survives_the_database(patient, weight):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey")), ANSWERS | {"weight": weight, "goal": "ă — 😀"})
    assert services.is_intact(FormResponse.objects.get())


@pytest.mark.django_db
def test_wrong_answers_sign_nothing_and_name_their_places(patient):
    request = ask(patient, make_template(patient.clinic, "pain", "questionnaire"))
    with pytest.raises(services.FormInvalid) as invalid:
        services.sign(request, answers={"smoker": "x", "nose": 1}, signed_by=" ")
    places = ["/answers/nose", "/answers/pain", "/answers/smoker", "/signed_by"]
    assert [problem.path for problem in invalid.value.problems] == places
    request.refresh_from_db()
    assert (request.status, FormResponse.objects.count(), request.response_number) == ("required", 0, 0)


@pytest.mark.django_db
def test_a_correction_is_a_new_number_and_the_first_stays(patient):
    request = fill(ask(patient, make_template(patient.clinic, "pain", "questionnaire")))
    first = FormResponse.objects.values().get()
    for _repetition in range(2):
        request = services.amend(request, answers=ANSWERS | {"pain": 3}, signed_by="Maria Marin")
    assert (request.status, request.response_number) == ("amended", 2)
    assert list(FormResponse.objects.values_list("number", "answers__pain")) == [(1, 7), (2, 3)]
    assert FormResponse.objects.values().get(number=1) == first
    services.amend(request, answers=ANSWERS | {"pain": 4}, signed_by="Maria Marin")
    assert FormResponse.objects.count() == 3


@pytest.mark.django_db
def test_under_the_age_of_consent_only_a_contact_who_may_sign_signs_a_consent(child):
    consent = ask(child, make_template(child.clinic))
    common = {"clinic": child.clinic, "patient": child}
    Contact.objects.create(name="Ion Marin", relation="uncle", **common)
    for relation in ("self", "uncle", "mother"):
        with pytest.raises(Refused) as refused:
            services.sign(consent, answers={}, signed_by="Somebody", relation=relation)
        assert refused.value.code == "may_not_sign"
    assert FormResponse.objects.count() == 0
    Contact.objects.create(name="Elena Marin", relation="Mother", may_sign=True, **common)
    assert services.sign(consent, answers={}, signed_by="Elena Marin", relation="mother").status == "signed"
    assert FormResponse.objects.get().relation == "Mother"


@pytest.mark.django_db
def test_a_child_may_answer_a_questionnaire(child):
    assert fill(ask(child, make_template(child.clinic, "pain", "questionnaire"))).status == "submitted"


@pytest.mark.django_db
def test_an_address_that_is_none_is_refused(patient):
    with pytest.raises(ClinicError) as refused:
        fill(ask(patient, make_template(patient.clinic)), ip="nowhere")
    assert refused.value.path == "ip"
    assert FormResponse.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_people_who_sign_at_the_same_moment_sign_once(patient):
    template = make_template(patient.clinic, "pain", "questionnaire")
    for attempt in range(5):
        request = ask(patient, template, about_type="appointment", about_id=attempt)
        together = threading.Barrier(2)
        outcomes: list[str] = []

        def press(copy: FormRequest, pain: int, together: Any = together, outcomes: list[str] = outcomes) -> None:
            try:
                together.wait(timeout=10)
                outcomes.append(fill(copy, ANSWERS | {"pain": pain}).status)
            finally:
                connection.close()

        copies = [FormRequest.objects.select_related("template").get(pk=request.pk) for _ in range(2)]
        threads = [threading.Thread(target=press, args=(copy, pain)) for pain, copy in enumerate(copies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == ["submitted", "submitted"]
        request.refresh_from_db()
        assert (request.responses.count(), request.response_number, request.revision) == (1, 1, 2)
    assert AuditEntry.objects.filter(action="form.submitted").count() == 5
