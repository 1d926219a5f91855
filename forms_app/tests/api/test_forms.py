"""Forms over HTTP: published, asked for, signed, taken back; every wrong answer is named."""

from __future__ import annotations

import pytest

from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import ask, make_template

pytestmark = pytest.mark.django_db
PAIN = {"id": "pain", "type": "scale", "text": "Pain today?", "required": True, "min": 0, "max": 10}
SURVEY = {"slug": "well-being", "name": "Well-being", "kind": "survey", "questions": [PAIN]}


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


def test_a_form_is_created_with_its_first_version(api):
    made = api.post("form-templates/", SURVEY)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["slug"], body["version"], body["archived"]) == ("well-being", 1, False)
    assert [one["id"] for one in body["questions"]] == ["pain"]
    assert api.get("form-templates/well-being/").json() == api.get(f"form-templates/{body['id']}/").json()
    assert api.get("form-templates/?kind=consent").json()["results"] == []


def test_another_wording_is_another_version_and_the_first_stays(api):
    api.post("form-templates/", SURVEY)
    changed = {**PAIN, "text": "How much pain?"}
    assert api.post("form-templates/well-being/versions/", {"questions": [changed]}).json()["number"] == 2
    assert api.post("form-templates/well-being/versions/", {"questions": [changed]}).json()["number"] == 2
    versions = api.get("form-templates/well-being/versions/").json()
    assert [(one["number"], one["questions"][0]["text"]) for one in versions] == [
        (1, "Pain today?"),
        (2, "How much pain?"),
    ]


def test_wrong_questions_are_named_one_by_one_and_nothing_is_created(api):
    bad = [{**PAIN, "min": 11}, {"id": "x", "type": "telepathy", "text": "?"}]
    answer = api.post("form-templates/", {**SURVEY, "questions": bad})
    assert answer.status_code == 422
    assert {path.split("/")[2] for path, _code in faults(answer)} == {"0", "1"}
    assert api.get("form-templates/").json()["results"] == []


def test_a_consent_is_asked_for_signed_and_withdrawn(api, patient):
    make_template(patient.clinic)
    asked = api.post("form-requests/", {"patient": str(patient.pk), "form": "privacy", "blocking": True})
    assert asked.status_code == 201, asked.content
    path = f"form-requests/{asked.json()['id']}/"
    assert (asked.json()["status"], asked.json()["answers"], asked.json()["form_version"]) == ("required", None, 1)
    again = api.post("form-requests/", {"patient": {"external_id": "A-17"}, "form": "privacy"})
    assert (again.status_code, again.json()["id"]) == (200, asked.json()["id"])
    signed = api.post(f"{path}sign/", {"answers": {}, "signed_by": "Maria Marin"}).json()
    assert (signed["status"], signed["answers"], signed["signed_by"], signed["relation"]) == (
        "signed", {}, "Maria Marin", "self",
    )  # fmt: skip
    assert signed["signed_at"]
    assert api.post(f"{path}decline/").status_code == 409
    assert api.post(f"{path}withdraw/", {"reason": "Changed my mind."}).json()["status"] == "withdrawn"
    assert FormResponse.objects.count() == 1


def test_wrong_answers_are_named_by_pointer_and_nothing_is_stored(api, patient):
    request = ask(patient, make_template(patient.clinic, "w", "survey", questions=[PAIN]))
    body = {"answers": {"pain": 11, "mood": 1}, "signed_by": ""}
    answer = api.post(f"form-requests/{request.pk}/sign/", body)
    assert answer.status_code == 422
    assert faults(answer) == [("/signed_by", "blank")]
    answer = api.post(f"form-requests/{request.pk}/sign/", {**body, "signed_by": "Maria"})
    assert sorted(faults(answer)) == [("/answers/mood", "unknown_question"), ("/answers/pain", "range")]
    assert (FormResponse.objects.count(), FormRequest.objects.get().status) == (0, "required")


@pytest.mark.parametrize(("verb", "status"), [("decline", "declined"), ("void", "voided")])
def test_an_open_request_ends_by_a_verb_and_again_nothing_happens(api, patient, verb, status):
    request = ask(patient, make_template(patient.clinic))
    for _n in range(2):
        answer = api.post(f"form-requests/{request.pk}/{verb}/")
        assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_a_form_that_nobody_has_published_is_asked_of_nobody(api, patient):
    api.post("form-templates/", {"slug": "empty", "name": "Empty", "kind": "consent"})
    answer = api.post("form-requests/", {"patient": str(patient.pk), "form": "empty"})
    assert (answer.status_code, faults(answer)) == (409, [("/form", "no_version")])
    assert FormRequest.objects.count() == 0
