"""Events, runs and steps over the API: what happened, what follows, and what a person does about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from automations import ticking
from automations.models import Step
from automations.tests.api.bodies import SENIORS, errors
from automations.tests.builders import move, published, titles, visit
from clinic import clock

pytestmark = pytest.mark.django_db
LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}


@pytest.fixture
def planned(clinic, patient):
    """The event, run and step of a visit that was completed: a call is planned for two days later."""
    published(clinic, "appointment.completed", LATER, conditions=SENIORS)
    move(visit(patient), status="completed")
    ticking.drain_all()
    step = Step.objects.get()
    return step.run.event, step.run, step


def rfc(moment, zone="+02:00"):
    """Write a moment as the clinic in Bucharest reads it in winter."""
    assert zone == "+02:00"
    return (moment + timedelta(hours=2)).replace(tzinfo=None).isoformat() + zone


def test_an_event_says_what_happened_and_what_it_caused(api, planned, patient):
    event, run, _step = planned
    shown = api.get(f"automations/events/{event.pk}/").json()
    assert shown == {
        "id": str(event.pk),
        "trigger_event": "appointment.completed",
        "patient": str(patient.pk),
        "subject": {"type": "appointment", "id": str(event.subject_id)},
        "name": None,
        "data": event.data,
        "occurred_at": shown["occurred_at"],
        "recorded_at": shown["recorded_at"],
        "state": "matched",
        "runs": [str(run.pk)],
        "caused_by": None,
        "depth": 0,
        "muted": "",
    }
    assert shown["data"]["old"] == {"status": "booked"}
    listed = api.get(f"automations/events/?patient={patient.pk}&trigger_event=appointment.completed").json()
    assert listed == {"next": None, "previous": None, "results": [shown]}


def test_a_run_shows_the_values_that_its_conditions_saw(api, planned, patient):
    event, run, step = planned
    shown = api.get(f"automations/runs/{run.pk}/").json()
    assert shown == {
        "id": str(run.pk),
        "rule": "rule",
        "rule_version": 1,
        "event": str(event.pk),
        "patient": str(patient.pk),
        "outcome": "matched",
        "reason": None,
        "verdict": {
            "match": "all",
            "result": True,
            "items": [{"field": "patient.age", "op": "gte", "value": 65, "actual": 69, "result": True}],
        },
        "steps": [str(step.pk)],
        "created_at": shown["created_at"],
    }
    assert api.get("automations/runs/?rule=rule&outcome=matched").json()["results"] == [shown]


def test_a_step_shows_what_it_will_do_when(api, planned, patient):
    _event, run, step = planned
    shown = api.get(f"automations/steps/{step.pk}/").json()
    assert shown == {
        "id": str(step.pk),
        "run": str(run.pk),
        "rule": "rule",
        "patient": str(patient.pk),
        "action": {"id": "a1", "type": "jot"},
        "role": "patient",
        "state": "pending",
        "due_at": rfc(step.due_at),
        "waiting_for": None,
        "not_after": None,
        "reason": None,
        "attempts": 0,
        "result": None,
        "finished_at": None,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=pending", 1),
        ("state=done,held", 0),
        ("rule=rule", 1),
        ("rule=999999999", 0),
        ("patient={patient}", 1),
        ("patient=999999999", 0),
        ("patient_external_id=A-17", 1),
        ("run={run}", 1),
        ("due={soon}", 0),
        ("due={late}", 1),
        ("due_after={soon}&due_before={late}", 1),
        ("ordering=-due_at", 1),
        ("ordering=id", 1),
    ],
)
def test_steps_are_filtered(api, planned, patient, query, found):
    soon, late = ((clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (1, 3))
    asked = query.format(patient=patient.pk, run=planned[1].pk, soon=soon, late=late)
    assert len(api.get(f"automations/steps/?{asked}").json()["results"]) == found


@pytest.mark.parametrize("kind", ["events", "runs", "steps"])
@pytest.mark.parametrize(("query", "path"), [("?state=odd&x=1", "/x"), ("?since=yesterday&due=yesterday", None)])
def test_a_wrong_filter_is_422(api, kind, query, path):
    answer = api.get(f"automations/{kind}/{query}")
    assert answer.status_code == 422
    assert path is None or path in [one for one, _code in errors(answer)]


def test_run_now_acts_before_the_time(api, planned):
    step = planned[2]
    answer = api.post(f"automations/steps/{step.pk}/run-now/")
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    ticking.drain_all()
    assert (titles(), api.get(f"automations/steps/{step.pk}/").json()["state"]) == (["Later"], "done")


def test_a_held_step_waits_until_it_is_released(api, planned):
    step = planned[2]
    held = [api.post(f"automations/steps/{step.pk}/hold/", {}).json() for _ in range(2)]
    assert held[0] == held[1]
    reason = {"code": "held_by_person", "text": "It is held by hand until somebody releases it."}
    assert (held[0]["state"], held[0]["reason"]) == ("held", reason)
    released = [api.post(f"automations/steps/{step.pk}/release/").json() for _ in range(2)]
    assert released[0] == released[1]
    assert (released[0]["state"], released[0]["reason"]) == ("pending", None)
    assert list(AuditEntry.objects.filter(action__startswith="step.").values_list("action", "actor_kind")) == [
        ("step.released", "token"),
        ("step.held", "token"),
    ]


def test_a_skipped_step_stays_skipped(api, planned):
    step = planned[2]
    skipped = [api.post(f"automations/steps/{step.pk}/skip/") for _ in range(2)]
    assert [(one.status_code, one.json()["state"]) for one in skipped] == [(200, "skipped")] * 2
    assert skipped[0].json()["reason"] == {"code": "skipped_by_person", "text": "It was skipped by hand."}
    refused = api.post(f"automations/steps/{step.pk}/run-now/")
    assert (refused.status_code, errors(refused)) == (409, [("/status", "impossible_transition")])
    list(ticking.walk_to(clock.now() + timedelta(days=3)))
    assert titles() == []


def test_a_failed_step_is_tried_again(api, clinic, patient):
    published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "permanent"})
    move(visit(patient), status="completed")
    ticking.drain_all()
    failed = api.get("automations/steps/?state=failed").json()["results"][0]
    assert failed["reason"] == {"code": "failed", "text": "told to fail: permanent"}
    again = api.post(f"automations/steps/{failed['id']}/retry/").json()
    assert (again["state"], again["attempts"], again["reason"]) == ("pending", 0, None)


@pytest.mark.parametrize("verb", ["skip", "run-now", "hold", "release", "retry"])
def test_a_verb_takes_no_body(api, planned, verb):
    answer = api.post(f"automations/steps/{planned[2].pk}/{verb}/", {"why": "so"})
    assert (answer.status_code, errors(answer)) == (422, [("/why", "unknown_field")])
    assert Step.objects.get().state == "pending"


@pytest.mark.parametrize("name", ["0", "999999999", "abc", "99999999999999999999", "-1", "%00"])
@pytest.mark.parametrize("kind", ["events", "runs", "steps", "rules"])
def test_what_is_not_there_is_404(api, planned, kind, name):
    assert api.get(f"automations/{kind}/{name}/").status_code == 404


@pytest.mark.parametrize("kind", ["events", "runs", "steps"])
def test_another_clinic_sees_none_of_it(stranger_api, planned, kind):
    row = dict(zip(("events", "runs", "steps"), planned, strict=True))[kind]
    assert stranger_api.get(f"automations/{kind}/").json()["results"] == []
    assert stranger_api.get(f"automations/{kind}/{row.pk}/").status_code == 404
    assert stranger_api.get(f"automations/{kind}/?patient={row.patient_id}").json()["results"] == []


@pytest.mark.parametrize("verb", ["skip", "run-now", "hold", "release", "retry"])
def test_another_clinic_does_nothing_with_a_step(stranger_api, planned, verb):
    step = planned[2]
    assert stranger_api.post(f"automations/steps/{step.pk}/{verb}/").status_code == 404
    after = Step.objects.get()
    assert (after.state, after.due_at) == ("pending", step.due_at)
    assert not AuditEntry.objects.filter(action__startswith="step.").exists()


@pytest.mark.parametrize(("kind", "queries"), [("events", 4), ("runs", 4), ("steps", 3), ("rules", 3)])
def test_a_list_takes_as_many_queries_however_long_it_is(api, clinic, patient, kind, queries):
    """The token, the rows, what hangs on them; for patients' records, the audit's entry."""
    api.get("automations/recipes/")  # the first use of a token is noted
    counts = []
    for more in (2, 6):
        for n in range(more):
            published(clinic, name=f"Rule {n}")
            move(visit(patient), status="completed")
        ticking.drain_all()
        with CaptureQueriesContext(connection) as seen:
            api.get(f"automations/{kind}/?limit=200")
        counts.append(len(seen))
    assert counts == [queries, queries]
    assert len(api.get(f"automations/{kind}/?limit=200").json()["results"]) >= 8
