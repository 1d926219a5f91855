"""Idempotency-Key: sent again, a request gets the first answer and has no second effect."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from accounts.models import AuditEntry, IdempotencyRecord
from accounts.tokens import real_now
from appointments.tests.test_two_clicks import at_once
from patients.models import Patient
from tests.callers import Caller, caller_of

ANA = {"given_name": "Ana", "family_name": "Pop"}
KEY = {"Idempotency-Key": "7b1f"}


@pytest.mark.django_db
def test_the_same_again_gets_the_first_answer(api):
    first, again = api.post("patients/", ANA, **KEY), api.post("patients/", ANA, **KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again["Location"]) == (first.content, first["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert Patient.objects.count() == 1
    assert AuditEntry.objects.filter(action="api.answered_again").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["patients/", "patients/?x=1"])
def test_another_request_with_the_key_is_409(api, path):
    api.post("patients/", ANA, **KEY)
    answer = api.post(path, {"given_name": "Maria"}, **KEY)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "idempotency_key_reused")
    assert Patient.objects.count() == 1


@pytest.mark.django_db
def test_a_refusal_is_kept_as_well(api):
    wrong = {"given_name": 5}
    first, again = api.post("patients/", wrong, **KEY), api.post("patients/", wrong, **KEY)
    assert (first.status_code, again.status_code, again.content) == (422, 422, first.content)
    assert again["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_a_key_is_its_callers_own(api, clinic, stranger_api):
    callers = [api, caller_of(clinic), stranger_api]
    assert [one.post("patients/", ANA, **KEY).status_code for one in callers] == [201, 201, 201]
    assert Patient.objects.count() == 3


@pytest.mark.django_db
def test_after_a_day_the_key_is_free_again(api):
    api.post("patients/", ANA, **KEY)
    IdempotencyRecord.objects.update(expires_at=real_now() - timedelta(seconds=1))
    assert api.post("patients/", {"given_name": "Maria"}, **KEY).status_code == 201
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 256, "café", "a\tb"])
def test_a_key_that_is_none_is_400(api, key):
    assert api.post("patients/", ANA, **{"Idempotency-Key": key}).status_code == 400
    assert Patient.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_have_one_effect_and_one_answer(clinic):
    secret = caller_of(clinic).secret
    answers = at_once(*[partial(Caller(secret).post, "patients/", ANA, **KEY) for _n in range(20)])
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert Patient.objects.count() == 1
    assert AuditEntry.objects.filter(action="patient.registered").count() == 1
