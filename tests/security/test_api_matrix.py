"""Another clinic's rows do not exist: every endpoint, every caller, a foreign id in path, body or filter.

The endpoints come from the router and the bodies from the API's own description, so that a new one is in it without
anyone remembering.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from appointments.models import Appointment
from appointments.tests.builders import make_service
from clinic.api.docs import document
from clinic.testing import rounds
from tests.callers import Caller, caller_of
from tests.cast import client_of
from tests.security.api_routes import Route, model_of, routes
from tests.security.foreign import SECRET, snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
ROUTES = routes()
NOWHERE = "987654321"
FORMATS = {
    "date-time": "2026-11-20T09:00:00Z",
    "date": "2026-11-20",
    "email": "a@x.example",
    "uri": "https://x.example",
}
MEANT = {
    "specialist": "membership",
    "assignee": "membership",
    "recipient": "membership",
    "form": "formtemplate",
    "template": "messagetemplate",
    "target": "rule",
}
"""What a member's name means where it is not the model's."""

CALLERS = ("token", "clinic_admin", "specialist", "front_desk", "nobody")


@pytest.fixture
def caller(request, clinic, admin, specialist, front_desk):
    people = {"clinic_admin": admin, "specialist": specialist, "front_desk": front_desk}
    if request.param == "token":
        return caller_of(clinic)
    return Caller(client=client_of(people[request.param].user)) if request.param in people else Caller()


def names_of(row: Any) -> list[str]:
    """Return every way to name a row: its id, and its slug if it has one."""
    return [str(row.pk), *([row.slug] if hasattr(row, "slug") else [])]


def test_the_router_gives_its_endpoints_and_the_description_has_them_all():
    described = {(path, method.upper()) for path, methods in document()["paths"].items() for method in methods}
    assert len(ROUTES) > 120
    assert {(route.path, route.method) for route in ROUTES} == described


@pytest.mark.proof
@pytest.mark.parametrize("caller", CALLERS[:: rounds(2, 1)], indirect=True)
def test_a_foreign_id_in_the_path_is_not_found(caller, foreign, other_clinic):
    before = snapshot(other_clinic)
    wrong = []
    for route in ROUTES:
        model = model_of(route, ROUTES) if route.parameters else None
        if model is None:
            continue
        body = {} if route.method != "GET" else None
        same = caller.send(route.method, route.filled(**dict.fromkeys(route.parameters, NOWHERE)), body)
        for name in names_of(foreign[model]):
            answer = caller.send(route.method, route.filled(**dict.fromkeys(route.parameters, name)), body)
            refused = answer.status_code in (401, 403, 404, 405, 422, 428)
            if not refused or answer.status_code != same.status_code or SECRET in answer.content.decode():
                wrong.append((str(route), name, answer.status_code, same.status_code))
            if route.method == "GET" and answer.status_code not in (401, 403, 404):
                wrong.append((str(route), name, answer.status_code, "not 404"))
    assert wrong == []
    assert snapshot(other_clinic) == before


def bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of the bodies that an operation takes."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield resolved(content.get("schema", {}))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def plausible(schema: dict[str, Any], depth: int = 0) -> Any:
    """Return a value that fits a schema well enough to get past the types."""
    schema = resolved(schema)
    for part in ("oneOf", "anyOf", "allOf"):
        if part in schema:
            return plausible(schema[part][0], depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and depth < 3:
        needed = schema.get("required", [])
        members = schema.get("properties", {})
        return {name: plausible(members[name], depth + 1) for name in needed if name in members}
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), "word")
    return {"integer": 1, "number": 1, "boolean": True, "array": []}.get(kind or "", {})


WITH_BODIES = [route for route in ROUTES if route.method in ("POST", "PUT", "PATCH")]


def test_a_foreign_id_in_a_body_refers_to_nothing(api, clinic, foreign, other_clinic):
    before = snapshot(other_clinic)
    wrong, asked = [], 0
    for route in WITH_BODIES:
        operation = document()["paths"][route.path][route.method.lower()]
        model = model_of(route, ROUTES) if route.parameters else None
        mine = model._base_manager.filter(clinic=clinic).first() if model else None
        path = route.filled(**dict.fromkeys(route.parameters, str(mine.pk) if mine else "onboarding"))
        for schema in bodies(operation):
            base = plausible(schema)
            for name, inner in schema.get("properties", {}).items() if isinstance(base, dict) else ():
                for value in candidates(name, inner, foreign):
                    asked += 1
                    answer = api.send(route.method, path, {**base, name: value})
                    if answer.status_code >= 500 or SECRET in answer.content.decode():
                        wrong.append((str(route), name, value, answer.status_code))
    assert wrong == []
    assert asked > 100
    assert snapshot(other_clinic) == before


def candidates(name: str, schema: dict[str, Any], foreign: dict[Any, Any]) -> list[Any]:
    """Return the foreign names worth trying at a member: those of rows that its name could mean, and the patient's."""
    schema = resolved(schema)
    if schema.get("type") not in ("string", None, ["string", "null"]) or "enum" in schema or "format" in schema:
        return []
    word = name.removesuffix("_external_id").replace("_", "")
    meant = MEANT.get(word, word)
    rows = [row for model, row in foreign.items() if model._meta.model_name in (meant, "patient")]
    found = [one for row in rows for one in names_of(row)]
    return [*found, "FOREIGN-1", {"external_id": "FOREIGN-1"}]


GETS = [route for route in ROUTES if route.method == "GET"]


@pytest.mark.parametrize("caller", ["token", "front_desk"], indirect=True)
def test_a_foreign_id_in_a_filter_finds_nothing(caller, foreign, clinic, other_clinic):
    wrong, asked = [], 0
    for route in GETS:
        operation = document()["paths"][route.path]["get"]
        model = model_of(route, ROUTES) if route.parameters else None
        mine = model._base_manager.filter(clinic=clinic).first() if model else None
        path = route.filled(**dict.fromkeys(route.parameters, str(mine.pk) if mine else "onboarding"))
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "query" or parameter["name"] in ("limit", "cursor", "ordering"):
                continue
            for value in candidates(parameter["name"], parameter["schema"], foreign)[:-1]:
                asked += 1
                answer = caller.get(f"{path}?{parameter['name']}={value}")
                if answer.status_code >= 500 or SECRET in answer.content.decode():
                    wrong.append((str(route), parameter["name"], value, answer.status_code))
    assert wrong == []
    assert asked > 40


@pytest.mark.parametrize("name", ["patient", "service", "specialist"])
def test_a_foreign_name_in_a_bulk_line_is_refused(api, foreign, clinic, specialist, patient, name):
    make_service(clinic, "initial")
    line = {"external_id": "V-1", "patient": "A-17", "service": "initial", "starts_at": "2026-11-20T09:00:00Z"}
    rows = {"service": "appointments.service", "specialist": "accounts.membership"}
    values = {one._meta.label_lower: one for one in foreign.values()}
    for value in ["FOREIGN-1"] if name == "patient" else names_of(values[rows[name]]):
        count = Appointment.objects.count()
        body = json.dumps({**line, name: value}) + "\n"
        answer = api.post("appointments/bulk/", body, content_type="application/x-ndjson")
        told = json.loads(answer.content)
        assert (told["outcome"], told["errors"][0]["path"]) == ("refused", f"/{name}")
        assert Appointment.objects.count() == count


def test_every_route_names_its_rows():
    named: list[Route] = [route for route in ROUTES if route.parameters and model_of(route, ROUTES) is not None]
    assert len(named) > 60
