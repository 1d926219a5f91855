"""The parameters of an address: those an endpoint has and describes, each with a value of its kind."""

from __future__ import annotations

import pytest

from appointments.tests.builders import make_visit
from clinic.api.docs import document
from clinic.api.fields import MAX_ID
from clinic.api.schema import PREFIX
from forms_app.tests.builders import make_template
from messaging import services as messaging
from segments.tests.builders import manual
from tests.callers import Caller
from treatments.services import create_plan

pytestmark = pytest.mark.django_db
READS = {path.removeprefix(PREFIX): one["get"] for path, one in document()["paths"].items() if "get" in one}


def told(answer):
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, [(one["path"], one["code"]) for one in answer.json()["errors"]]


def described(operation):
    return {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}


@pytest.mark.parametrize("path", [path for path in READS if "{" not in path])
def test_the_hint_names_the_parameters_of_the_endpoint_and_no_others(api, path):
    answer = api.get(f"{path}?nonsense=1")
    assert told(answer) == (422, [("/nonsense", "unknown_parameter")])
    names = sorted(described(READS[path]))
    hint = f"there are: {', '.join(names)}." if names else "this address has none."
    assert answer.json()["detail"] == f"There is no such parameter here; {hint}"


@pytest.fixture
def rows(api, clinic, patient, specialist):
    """A row for each list that is inside another row's address."""
    make_visit(patient)
    segment, form = manual(clinic, "calls"), make_template(clinic)
    plan = create_plan(clinic=clinic, patient=patient, name="Knee", exercises=[])
    body = [messaging.Body("en", "Hello", "Welcome.")]
    messaging.save_template(clinic=clinic, slug="hello", name="Hello", bodies=body)
    action = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}
    rule = {"name": "Rule", "trigger_event": "appointment.booked", "actions": [action], "mode": "on"}
    made = api.post("automations/rules/", rule).json()
    return {
        "patients": patient.pk,
        "segments": segment.pk,
        "form-templates": form.pk,
        "treatment-plans": plan.pk,
        "automations/rules": made["id"],
        "specialists": specialist.pk,
    }


KINDS = ("patients", "segments", "form-templates", "treatment-plans", "automations/rules", "specialists")
INNER = [path for path in READS if path.count("{") == 1 and path.partition("/{")[0] in KINDS]


@pytest.mark.parametrize("path", INNER)
def test_an_endpoint_of_one_row_names_its_parameters_too(api, rows, path):
    pk = rows[path.partition("/{")[0]]
    answer = api.get(path.replace("{id}", str(pk)) + "?nonsense=1")
    assert told(answer) == (422, [("/nonsense", "unknown_parameter")])
    names = sorted(described(READS[path]))
    assert answer.json()["detail"].endswith(f": {', '.join(names)}." if names else "has none.")


FILTERS = [
    (path, name)
    for path, one in READS.items()
    if "{" not in path
    for name in described(one)
    if name not in ("limit", "cursor", "ordering")
]


@pytest.mark.parametrize(("path", "name"), FILTERS)
def test_a_parameter_without_a_value_is_refused(api, path, name):
    for value in ("", "%20"):
        assert told(api.get(f"{path}?{name}={value}")) == (422, [(f"/{name}", "empty")])


ANY_TEXT = ("external_id", "patient_external_id", "email", "tag", "action", "target")


@pytest.mark.parametrize(("path", "name"), [one for one in FILTERS if one[1] not in ANY_TEXT])
def test_a_value_of_another_kind_is_refused_with_the_name_of_the_parameter(api, path, name):
    kind = described(READS[path])[name]
    answer = api.get(f"{path}?{name}=no-such-thing")
    assert answer.status_code == 422
    assert f"/{name}" in [one["path"] for one in answer.json()["errors"]] or path == "automations/explain/"
    if "id" in kind.get("description", "").rstrip(".").split():
        assert kind["schema"] == {"type": "string"}
        for number in (MAX_ID + 1, "0", "9" * 40, "-1"):
            assert api.get(f"{path}?{name}={number}").status_code == 422


def test_slugs_and_ids_of_rows_that_are_there_are_taken(api, rows, specialist, patient):
    rule = rows["automations/rules"]
    for path in (
        f"automations/runs/?rule=rule&patient={patient.pk}",
        f"automations/steps/?rule={rule}",
        f"patients/?specialist={specialist.slug}",
        f"appointments/?specialist={specialist.pk}",
        "deliveries/?template=hello",
        "automations/rules/?trigger_event=appointment.booked&enabled=true",
        "segments/?archived=false",
    ):
        assert api.get(path).status_code == 200, path
    assert len(api.get("automations/rules/?trigger_event=appointment.booked").json()["results"]) == 1
    assert api.get(f"patients/?specialist={MAX_ID}").json()["results"] == []


def test_the_slug_of_another_clinics_rule_is_unknown_here(api, rows, other_clinic):
    from tests.callers import caller_of

    stranger: Caller = caller_of(other_clinic)
    assert told(stranger.get("automations/runs/?rule=rule")) == (422, [("/rule", "not_found")])
    assert stranger.get(f"automations/runs/?rule={rows['automations/rules']}").json()["results"] == []


def test_it_is_explained_for_a_patient_by_id_or_by_external_id(api, rows, patient):
    type(patient).objects.filter(pk=patient.pk).update(external_id="A-17")
    answers = [
        api.get(f"automations/explain/?rule=rule&{name}={value}").json()["text"]
        for name, value in (("patient", patient.pk), ("patient_external_id", "A-17"))
    ]
    assert answers[0] == answers[1]
    both = f"automations/explain/?rule=rule&patient={patient.pk}&patient_external_id=A-17"
    assert told(api.get(both)) == (422, [("/patient", "ambiguous")])
    unknown = api.get("automations/explain/?rule=rule&patient_external_id=A-18")
    assert told(unknown) == (422, [("/patient_external_id", "not_found")])
    assert told(api.get("automations/explain/?rule=rule")) == (422, [("/patient", "not_found")])
