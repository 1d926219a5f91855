"""What a body must be: each refusal is a problem document with the place, and nothing happens."""

from __future__ import annotations

import json

import pytest
from rest_framework.serializers import BaseSerializer, ListSerializer

from accounts.models import AuditEntry, Clinic
from clinic.api.bodies import Body
from clinic.api.parsers import MEGABYTE
from clinic.api.pointers import flattened
from patients.models import Patient

pytestmark = pytest.mark.django_db
NAME = {"given_name": "Ana"}


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


UNREADABLE = {
    "half": ('{"given_name": ', "not_json"),
    "single quotes": ("{'given_name': 'Ana'}", "not_json"),
    "not a number": ('{"x": NaN}', "not_json"),
    "infinity": ('{"x": -Infinity}', "not_json"),
    "twice": ('{"given_name": "Ana", "given_name": "Bea"}', "duplicate_key"),
    "huge integer": ('{"x": ' + "9" * 5000 + "}", "huge_number"),
    "huge float": ('{"x": 1e999}', "huge_number"),
    "latin-1": ('{"given_name": "Ană'.encode("utf-16"), "not_utf8"),
    "deep": ('{"x":' * 60 + "1" + "}" * 60, "too_deep"),
    "bottomless": ("[" * 200_000, "too_deep"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_json_is_400(api, case):
    raw, code = UNREADABLE[case]
    answer = api.post("patients/", raw)
    assert (answer.status_code, faults(answer)) == (400, [("", code)])
    assert answer["Content-Type"] == "application/problem+json"
    assert Patient.objects.count() == 0


INVALID = {
    "nul": ({"given_name": "A\0"}, [("/given_name", "nul")]),
    "surrogate": ('{"given_name": "\\ud800"}', [("/given_name", "surrogate")]),
    "deep surrogate": ('{"contacts": [{"name": "\\udfff"}]}', [("/contacts/0/name", "surrogate")]),
    "number": ({"given_name": 5}, [("/given_name", "invalid")]),
    "boolean": ({"given_name": True}, [("/given_name", "invalid")]),
    "list": ([NAME], [("", "type")]),
    "null": ("null", [("", "null")]),
    "missing": ({}, [("/given_name", "required")]),
    "unknown": ({**NAME, "nmae": 1}, [("/nmae", "unknown_field")]),
    "read only": ({**NAME, "status": "active"}, [("/status", "unknown_field")]),
    "unknown and deep": (
        {**NAME, "contacts": [{"name": "Eva", "relation": "daughter", "e/mail": "x"}]},
        [("/contacts/0/e~1mail", "unknown_field")],
    ),
    "choice": ({**NAME, "sex": "F"}, [("/sex", "invalid_choice")]),
    "date": ({**NAME, "birth_date": "2.3.1957"}, [("/birth_date", "date")]),
    "ahead": ({**NAME, "birth_date": "2190-01-01"}, [("/birth_date", "future_date")]),
    "long ago": ({**NAME, "birth_date": "1899-12-31"}, [("/birth_date", "past_date")]),
    "year": ({**NAME, "birth_date": "0001-01-01"}, [("/birth_date", "year")]),
    "naive": ({**NAME, "occurred_at": "2026-11-24T09:00:00"}, [("/occurred_at", "moment")]),
    "to come": ({**NAME, "occurred_at": "2190-11-24T09:00:00Z"}, [("/occurred_at", "future")]),
    "zone": ({**NAME, "time_zone": "Mars/Olympus"}, [("/time_zone", "invalid")]),
    "email": ({**NAME, "email": "nobody"}, [("/email", "invalid")]),
    "specialist": ({**NAME, "specialist": "dr-who"}, [("/specialist", "not_found")]),
    "several": ({"given_name": "", "sex": 1}, [("/given_name", "blank"), ("/sex", "invalid_choice")]),
}


@pytest.mark.parametrize("case", INVALID)
def test_what_is_wrong_is_422_with_every_place(api, case):
    body, places = INVALID[case]
    answer = api.post("patients/", body)
    assert (answer.status_code, faults(answer)) == (422, places)
    assert Patient.objects.count() == 0
    assert not AuditEntry.objects.filter(action__startswith="patient").exists()


@pytest.mark.parametrize("row", [{}, {"name": "Bo"}, {"relation": "guardian"}])
def test_a_change_leaves_out_members_of_the_body_but_not_of_its_rows(api, patient, row):
    answer = api.patch(f"patients/{patient.pk}/", {"contacts": [row]})
    missing = [f"/contacts/0/{name}" for name in ("name", "relation") if name not in row]
    assert (answer.status_code, faults(answer)) == (422, [(path, "required") for path in missing])
    assert patient.contacts.count() == 0


@pytest.mark.parametrize("row", [{}, {"language": "en"}, {"language": "en", "subject": "s"}])
def test_a_text_of_a_message_is_changed_as_a_whole(api, row):
    whole = {"language": "en", "subject": "Hello", "text": "Welcome."}
    made = api.post("message-templates/", {"slug": "hello", "name": "Hello", "bodies": [whole]}).json()
    answer = api.patch(f"message-templates/{made['id']}/", {"bodies": [row]})
    missing = [f"/bodies/0/{name}" for name in whole if name not in row]
    assert (answer.status_code, faults(answer)) == (422, [(path, "required") for path in missing])
    assert api.get(f"message-templates/{made['id']}/").json()["bodies"] == [whole]


def bodies_with_rows():
    """Name each body of the API that has rows inside, and the member that they are in."""
    waiting = [Body]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        for name, field in kind().fields.items():
            if isinstance(field, BaseSerializer):
                yield pytest.param(kind, name, id=f"{kind.__name__}.{name}")


@pytest.mark.parametrize(("kind", "name"), list(bodies_with_rows()))
def test_every_body_reads_the_rows_inside_whole_in_a_change_as_in_a_creation(kind, name):
    found = []
    for partial in (False, True):
        form = kind(data={name: [{}]}, partial=partial)
        assert isinstance(form.fields[name], ListSerializer)
        assert not form.is_valid()
        found.append(form.errors[name])
        assert form.partial is partial
    assert found[0] == found[1]
    assert {code for _path, code, _message in flattened(form.errors)} == {"required"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_another_kind_of_body_is_415(api, kind):
    assert api.post("patients/", "given_name=Ana", content_type=kind).status_code == 415
    assert Patient.objects.count() == 0


def test_a_compressed_body_is_415(api):
    answer = api.post("patients/", b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert (answer.status_code, faults(answer)) == (415, [("", "content_encoding")])


def test_a_body_of_more_than_a_megabyte_is_413(api):
    fits = json.dumps({**NAME, "x": ""})
    padding = "x" * (MEGABYTE - len(fits))
    assert api.post("patients/", {**NAME, "x": padding}).status_code == 422
    answer = api.post("patients/", {**NAME, "x": padding + "x"})
    assert (answer.status_code, faults(answer)) == (413, [("", "too_large")])


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "nothing/", {}, 404),
        ("GET", "patients", {}, 404),
        ("GET", "patients/17/", {}, 404),
        ("GET", "patients/99999999999999999999/", {}, 404),
        ("GET", "patients/%00/", {}, 404),
        ("GET", "patients/\udcff/".encode("utf-8", "surrogateescape").decode("latin-1"), {}, 404),
        ("DELETE", "patients/", {}, 405),
        ("OPTIONS", "patients/", {}, 405),
        ("GET", "patients/", {"Accept": "text/html"}, 406),
        ("GET", "patients/?limit=201", {}, 422),
        ("GET", "patients/?limit=0", {}, 422),
        ("GET", "patients/?limit=x", {}, 422),
        ("GET", "patients/?cursor=x", {}, 422),
        ("GET", "patients/?cursor=cD0lMDA%3D", {}, 422),
        ("GET", "patients/?cursor=cD1hYmM%3D", {}, 422),
        ("GET", "patients/?ordering=email", {}, 422),
        ("GET", "patients/?name=Ana", {}, 422),
        ("GET", "patients/?status=gone", {}, 422),
        ("GET", "patients/?registered_since=2026-11-24T09:00:00", {}, 422),
        ("GET", "patients/?external_id=%00", {}, 422),
    ],
)
def test_every_refusal_is_a_problem_document(api, method, path, headers, status):
    answer = api.send(method, path, **headers)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}
    assert answer.json()["status"] == status


def test_a_browser_session_needs_the_csrf_token_to_write(admin, clinic):
    from django.test import Client

    from tests.callers import Caller

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin.user, backend="django.contrib.auth.backends.ModelBackend")
    person = Caller(client=browser)
    assert person.get("patients/").status_code == 200
    assert person.post("patients/", NAME).status_code == 403
    assert Patient.objects.count() == 0
    browser.cookies["csrftoken"] = "a" * 32
    assert person.post("patients/", NAME, **{"X-CSRFToken": "a" * 32}).status_code == 201


def test_who_works_at_several_clinics_names_one(admin, clinic, other_clinic, as_admin, as_operator):
    from tests.callers import Caller

    for browser in (as_operator,):
        person = Caller(client=browser)
        assert person.get("clinic/").status_code == 400
        assert person.get("clinic/", **{"X-Clinic": "south"}).json()["slug"] == "south"
    person = Caller(client=as_admin)
    assert person.get("clinic/").json()["slug"] == "north"
    assert person.get("clinic/", **{"X-Clinic": "south"}).status_code == 404


def test_a_role_is_what_services_ask_for(as_front_desk, as_admin, clinic):
    from tests.callers import Caller

    refused = Caller(client=as_front_desk).patch("clinic/", {"name": "Mine"})
    assert (refused.status_code, faults(refused)) == (403, [("", "forbidden")])
    assert Clinic.objects.get().name == "North Clinic"
    assert Caller(client=as_admin).patch("clinic/", {"name": "Ours"}).json()["name"] == "Ours"
    assert Caller(client=as_front_desk).get("audit/").status_code == 403
