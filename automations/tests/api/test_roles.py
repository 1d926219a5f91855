"""Who may do what with rules: admins write them, everybody at the clinic reads and looks after steps."""

from __future__ import annotations

import pytest

from accounts.actor import SYSTEM, acting_as
from accounts.models import AuditEntry, Pause
from automations import ticking
from automations.models import Rule, RuleVersion, Step
from automations.tests.api.bodies import errors, rule_body
from automations.tests.builders import move, published, visit
from tests.callers import Caller, caller_of
from tests.cast import client_of

pytestmark = pytest.mark.django_db
WRITES = [
    ("POST", "rules/", rule_body("Another")),
    ("PATCH", "rules/rule/", {"name": "Other"}),
    ("DELETE", "rules/rule/", None),
    ("POST", "rules/rule/publish/", {}),
    ("POST", "rules/rule/pause/", {}),
    ("POST", "rules/rule/resume/", {"overdue": "skip"}),
    ("POST", "rules/rule/enroll/", {"all": True}),
    ("POST", "recipes/onboarding/install/", {}),
    ("POST", "pause/", {"scope": "clinic", "why": "x"}),
    ("POST", "pause/", {"scope": "rule", "target": "rule", "why": "x"}),
    ("DELETE", "pause/?scope=clinic", None),
]
READS = [
    "rules/",
    "rules/rule/",
    "rules/rule/versions/",
    "rules/rule/sentence/",
    "rules/rule/enroll/",
    "events/",
    "runs/",
    "steps/",
]
READS += ["recipes/", "catalog/", "pause/", "stats/"]


@pytest.fixture
def rule(clinic):
    """A published rule, which somebody stopped together with all else."""
    with acting_as(SYSTEM):
        Pause.objects.create(clinic=clinic, scope="clinic", why="A flood")
        return published(clinic)


def state():
    """Return all that a refused request must leave as it is."""
    rules = Rule.objects.order_by("pk").values_list("slug", "name", "mode", "edits", "published_id")
    audited = AuditEntry.objects.exclude(action__endswith=".created").filter(action__regex=r"^(rule|pause)\\.").count()
    return list(rules), RuleVersion.objects.count(), list(Pause.objects.values_list("scope", "ended_at")), audited


def ask(caller, method, path, body):
    headers = {"If-Match": "*"} if method == "PATCH" else {}
    return caller.send(method, f"automations/{path}", body, **headers)


@pytest.mark.parametrize("who", ["front_desk", "specialist"])
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_only_admins_write_rules(request, rule, who, method, path, body):
    caller = Caller(client=client_of(request.getfixturevalue(who).user))
    before = state()
    answer = ask(caller, method, path, body)
    assert (answer.status_code, errors(answer)) == (403, [("", "forbidden")])
    assert state() == before


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("scopes", [("read", "write", "events")])
def test_a_token_needs_the_scope_rules(clinic, rule, scopes, method, path, body):
    before = state()
    answer = ask(caller_of(clinic, *scopes), method, path, body)
    assert (answer.status_code, errors(answer)) == (403, [("", "missing_scope")])
    assert state() == before


@pytest.mark.parametrize("path", READS)
def test_everybody_at_the_clinic_reads(request, rule, path):
    for who in ("admin", "front_desk", "specialist"):
        caller = Caller(client=client_of(request.getfixturevalue(who).user))
        assert caller.get(f"automations/{path}").status_code == 200


@pytest.mark.parametrize("path", READS)
def test_reading_takes_the_scope_read(clinic, rule, path):
    assert caller_of(clinic, "read").get(f"automations/{path}").status_code == 200
    assert caller_of(clinic, "write", "rules", "events").get(f"automations/{path}").status_code == 403
    assert Caller().get(f"automations/{path}").status_code == 401


def test_admins_do_in_their_session_what_tokens_do(admin, rule):
    caller = Caller(client=client_of(admin.user))
    assert caller.post("automations/rules/", rule_body("Mine", mode="on")).status_code == 201
    versions = caller.get("automations/rules/mine/versions/").json()["results"]
    assert versions[0]["published_by"] == "ada@north.example"


def test_the_front_desk_looks_after_steps_and_patients(front_desk, clinic, patient):
    published(
        clinic,
        "appointment.completed",
        {"type": "jot", "title": "x", "timing": {"mode": "delay", "amount": 1, "unit": "days"}},
    )
    move(visit(patient), status="completed")
    ticking.drain_all()
    caller = Caller(client=client_of(front_desk.user))
    step = Step.objects.get()
    assert caller.post(f"automations/steps/{step.pk}/hold/").status_code == 200
    stop = {"scope": "patient", "target": str(patient.pk), "why": "She asked"}
    assert caller.post("automations/pause/", stop).status_code == 201


@pytest.mark.parametrize(("method", "path", "body"), [one for one in WRITES if "rule/" in one[1]])
def test_another_clinics_rule_is_not_found(stranger_api, rule, method, path, body):
    before = state()
    answer = ask(stranger_api, method, path, body)
    assert (answer.status_code, errors(answer)) == (404, [("", "not_found")])
    assert state() == before


@pytest.mark.parametrize("path", ["versions/", "sentence/"])
def test_another_clinics_rule_is_not_read(stranger_api, rule, path):
    assert [stranger_api.get(f"automations/rules/{name}/{path}").status_code for name in ("rule", rule.pk)] == [404] * 2
    assert stranger_api.get("automations/rules/").json()["results"] == []


@pytest.mark.parametrize("verb", ["dry-run", "backtest"])
def test_another_clinics_rule_is_not_asked(stranger_api, rule, stranger_patient, verb):
    body = {"patient": str(stranger_patient.pk)} if verb == "dry-run" else {}
    assert stranger_api.post(f"automations/rules/{rule.pk}/{verb}/", body).status_code == 404
