"""What other systems tell: named events with data, which rules answer."""

from __future__ import annotations

import pytest

from automations import ticking
from automations.models import Event
from automations.tests.api.bodies import errors
from automations.tests.builders import published, titles
from tests.callers import Caller, caller_of

pytestmark = pytest.mark.django_db
EVENTS = "automations/events/"
MARIA = {"external_id": "A-17"}
LOW = {"name": "wearable.steps-low", "patient": MARIA, "data": {"steps": 812, "device": "W-1"}}


def test_a_rule_answers_a_named_event_by_what_was_sent(api, clinic, patient):
    items = [{"field": "event.steps", "op": "lt", "value": 1000}]
    published(clinic, "api.event", config={"name": "wearable.steps-low"}, conditions={"match": "all", "items": items})
    answer = api.post(EVENTS, {**LOW, "occurred_at": "2026-11-20T08:30:00+02:00"})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["trigger_event"], told["name"], told["data"], told["patient"], told["occurred_at"], told["state"]) == (
        "api.event",
        "wearable.steps-low",
        {"steps": 812, "device": "W-1"},
        str(patient.pk),
        "2026-11-20T08:30:00+02:00",
        "new",
    )
    assert told["subject"] == {"type": "patient", "id": str(patient.pk)}
    for more in ({"name": "wearable.off"}, {"data": {"steps": 5000}}, {"data": {}}):
        api.post(EVENTS, {**LOW, **more})
    ticking.drain_all()
    assert titles() == ["Call"]
    after = api.get(answer["Location"]).json()
    [run] = after["runs"]
    assert after["state"] == "matched"
    assert api.get(f"automations/runs/{run}/").json()["verdict"]["items"][0]["actual"] == 812


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"name": "Steps Low"}, "/name", "name"),
        ({"name": 5}, "/name", "invalid"),
        ({"name": None}, "/name", "null"),
        ({"patient": "nobody"}, "/patient", "not_found"),
        ({"patient": {"external_id": "A-99"}}, "/patient", "not_found"),
        ({"patient": {"id": "1"}}, "/patient", "type"),
        ({"data": [1]}, "/data", "type"),
        ({"data": {"a b": 1}}, "/data/a b", "name"),
        ({"data": {"deep": {"a": {"b": {"c": {}}}}}}, "/data/deep/a/b/c", "too_deep"),
        ({"data": {"text": "x" * 501}}, "/data/text", "too_long"),
        ({"occurred_at": "2026-11-20T08:30:00"}, "/occurred_at", "moment"),
        ({"occurred_at": "2126-11-20T08:30:00Z"}, "/occurred_at", "future"),
        ({"at": "now"}, "/at", "unknown_field"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_place(api, patient, change, path, code):
    before = Event.objects.count()
    answer = api.post(EVENTS, {**LOW, **change})
    assert (answer.status_code, errors(answer)) == (422, [(path, code)])
    assert Event.objects.count() == before


def test_another_clinics_patient_is_not_there(api, stranger_patient):
    answer = api.post(EVENTS, {**LOW, "patient": str(stranger_patient.pk)})
    assert (answer.status_code, errors(answer)) == (422, [("/patient", "not_found")])


def test_telling_takes_the_scope_events(clinic, patient):
    assert caller_of(clinic, "read", "write", "rules").post(EVENTS, LOW).status_code == 403
    assert caller_of(clinic, "events").post(EVENTS, LOW).status_code == 201


def test_told_twice_with_one_key_it_happened_once(api, patient):
    answers = [api.post(EVENTS, LOW, **{"Idempotency-Key": "k1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Event.objects.filter(trigger="api.event").count() == 1


def test_a_browser_tells_for_the_clinics_admin_alone(as_admin, as_specialist, as_front_desk, patient):
    assert Caller(client=as_front_desk).post(EVENTS, LOW).status_code == 403
    assert Caller(client=as_specialist).post(EVENTS, LOW).status_code == 403
    assert not Event.objects.filter(trigger="api.event").exists()

    assert Caller(client=as_admin).post(EVENTS, LOW).status_code == 201
