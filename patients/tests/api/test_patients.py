"""Patients over HTTP: registered, changed, put away; what may be sent to them, what they may use."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from automations.models import Event
from patients.models import Consent, FeatureGrant, Patient
from tests.callers import Caller

pytestmark = pytest.mark.django_db
EVA = {"name": "Eva", "relation": "daughter", "email": "eva@x.example", "gets_messages": True}


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


def test_a_patient_is_registered_with_those_who_stand_by(api, specialist):
    body = {
        "external_id": "A-1",
        "given_name": "Ana",
        "birth_date": "1957-03-02",
        "sex": "female",
        "specialist": "dr-ionescu",
        "tags": ["vip", "vip", " knee "],
        "contacts": [EVA],
        "phone": None,
    }
    made = api.post("patients/", body)
    assert made.status_code == 201, made.content
    shown = made.json()
    assert shown["contacts"] == [{**EVA, "phone": None, "language": None, "may_sign": False}]
    assert (shown["tags"], shown["specialist"], shown["phone"], shown["status"]) == (
        ["vip", "knee"], "dr-ionescu", None, "active",
    )  # fmt: skip
    assert api.get(f"patients/{shown['id']}/").json() == shown
    assert list(Event.objects.values_list("trigger", flat=True)) == ["patient.onboarded"]


def test_an_external_id_is_there_once_in_a_clinic(api, patient, stranger_api):
    answer = api.post("patients/", {"given_name": "Ana", "external_id": "A-17"})
    assert (answer.status_code, faults(answer)) == (422, [("/external_id", "unique")])
    assert stranger_api.post("patients/", {"given_name": "Ana", "external_id": "A-17"}).status_code == 201


def test_a_change_keeps_what_it_does_not_name_and_null_clears(api, patient):
    answer = api.patch(f"patients/{patient.pk}/", {"email": None, "city": "Cluj"}).json()
    assert (answer["email"], answer["city"], answer["given_name"]) == (None, "Cluj", "Maria")
    entry = AuditEntry.objects.get(action="patient.updated")
    assert (entry.patient_id, entry.detail) == (patient.pk, {"fields": ["city", "email"]})
    api.patch(f"patients/{patient.pk}/", {"city": "Cluj"})
    assert AuditEntry.objects.filter(action="patient.updated").count() == 1


def test_contacts_are_replaced_as_a_whole_and_all_or_nothing(api, patient):
    path = f"patients/{patient.pk}/"
    api.patch(path, {"contacts": [EVA, {"name": "Dan", "relation": "son"}]})
    wrong = api.patch(path, {"city": "Cluj", "contacts": [EVA, {"name": "Ion", "relation": "son", "email": "x"}]})
    assert faults(wrong) == [("/contacts/1/email", "invalid")]
    assert api.get(path).json()["city"] == "Iași"
    after = api.patch(path, {"contacts": [{**EVA, "may_sign": True}]}).json()["contacts"]
    assert [(one["name"], one["may_sign"]) for one in after] == [("Eva", True)]


def test_one_is_put_away_and_taken_back(api, patient):
    path = f"patients/{patient.pk}/"
    for verb, status in (("archive", "archived"), ("archive", "archived"), ("reactivate", "active")):
        answer = api.post(f"{path}{verb}/")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert AuditEntry.objects.filter(action="patient.archived").count() == 1
    assert api.patch(path, {"deceased_on": "2020-01-01"}).json()["deceased_on"] == "2020-01-01"


def test_a_specialist_may_not_put_a_record_away(as_specialist, patient):
    answer = Caller(client=as_specialist).post(f"patients/{patient.pk}/archive/")
    assert (answer.status_code, Patient.objects.get().status) == (403, "active")


def test_what_may_be_sent_is_what_was_said_else_the_default(api, patient):
    path = f"patients/{patient.pk}/consents/"

    def said(answer):
        return {(one["category"], one["channel"]): one["granted"] for one in answer.json()}

    assert (said(api.get(path))["survey", "email"], said(api.get(path))["marketing", "email"]) == (True, False)
    body = [{"category": "survey", "channel": "email", "granted": False}]
    for _n in range(2):
        answer = api.send("PUT", path, body)
        assert (answer.status_code, said(answer)["survey", "email"]) == (200, False)
    assert AuditEntry.objects.filter(action="consent.withdrawn").count() == 1
    wrong = api.send("PUT", path, [body[0], {"category": "spam", "channel": "email", "granted": True}])
    assert (wrong.status_code, faults(wrong)) == (422, [("/1/category", "invalid_choice")])
    assert faults(api.send("PUT", path, [body[0], body[0]])) == [("/1/channel", "duplicate")]
    assert Consent.objects.count() == 1


def test_a_feature_is_granted_extended_and_taken_back(api, patient):
    body = {"patient": str(patient.pk), "feature": "library", "until": "2030-01-01T00:00:00+02:00"}
    first = api.post("access-grants/", body).json()
    longer = api.post("access-grants/", {**body, "until": "2031-01-01T00:00:00+02:00"}).json()
    assert (longer["id"], longer["expires_at"]) == (first["id"], "2031-01-01T00:00:00+02:00")
    assert [one["id"] for one in api.get("access-grants/?in_force=true").json()["results"]] == [first["id"]]
    for _n in range(2):
        assert api.post(f"access-grants/{first['id']}/revoke/").json()["ended_at"] is not None
    assert api.get("access-grants/?in_force=true").json()["results"] == []
    past = api.post("access-grants/", {**body, "until": "2020-01-01T00:00:00Z"})
    assert faults(past) == [("/until", "past")]
    assert FeatureGrant.objects.count() == 1
