"""The five rules of the product's first story, over HTTP alone: made of JSON, published, triggered, read back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.tokens import SCOPES, create_token
from tests.journeys.over_http import Integrator, tick
from tests.journeys.story import first_monday

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
HERE = ZoneInfo("Europe/Bucharest")
MONDAY = first_monday(2)
MARIA = {"external_id": "A-17", "given_name": "Maria", "family_name": "Marin", "email": "maria@patients.example"}

ADHERENCE: dict[str, Any] = {
    "slug": "adherence-under-half",
    "name": "Adherence under half",
    "trigger_event": "treatment.adherence_dropped",
    "trigger_config": {"below_percent": 50},
    "actions": [
        {
            "type": "send_email",
            "template": "keep-going",
            "to": "patient",
            "only_if": {
                "match": "any",
                "items": [
                    {"field": "patient.pain_score", "op": "lt", "value": 7},
                    {"field": "patient.pain_score", "op": "is_empty"},
                ],
            },
        },
        {
            "type": "send_notification",
            "to": "specialist",
            "title": "Adherence dropped",
            "body": "Under half of the week.",
        },
        {"type": "create_task", "title": "Call about the exercises", "assign_to": "specialist", "due_in_days": 2},
    ],
}
TARGETING: dict[str, Any] = {
    "slug": "seniors-not-seen",
    "name": "Seniors who were not seen",
    "trigger_event": "segment.entered",
    "trigger_config": {"segment": "seniors"},
    "conditions": {
        "match": "all",
        "items": [
            {"field": "patient.appointment_count", "op": "eq", "value": 0, "window": {"amount": 3, "unit": "months"}}
        ],
    },
    "actions": [
        {"type": "send_email", "template": "keep-going", "to": "patient"},
        {"type": "send_notification", "to": "clinic_admins", "title": "Not seen", "body": "Call for a check-up."},
        {"type": "create_task", "title": "Call for a check-up", "assign_to": "clinic_admins"},
    ],
    "settings": {"reentry": {"mode": "once_per_days", "days": 90}},
}
KEEP_GOING = {
    "slug": "keep-going",
    "name": "Keep going",
    "category": "clinical",
    "bodies": [
        {"language": "en", "subject": "Keep going", "text": "Hello {{ recipient.name }}, every session counts."}
    ],
}


def moment(day: int, at: str) -> datetime:
    """Return a local moment of the clinic, days counted from the Monday on which the story begins."""
    return datetime.combine(MONDAY + timedelta(days=day), time.fromisoformat(at), HERE)


@pytest.fixture
def api(
    live_server: Any, clinic: Any, admin: Any, specialist: Any, mailbox: Any, settings: Any
) -> Iterator[Integrator]:
    """A program with a token, on Monday at nine. The clinic has an admin, a specialist and nothing else."""
    settings.PUBLIC_URL = live_server.url
    tick(moment(0, "09:00"))
    _token, secret = create_token(clinic=clinic, name="Booking system", scopes=SCOPES)
    caller = Integrator(live_server.url, secret)
    yield caller
    caller.session.close()  # an open connection keeps a thread of the server, and that one the database


def as_sent(rule: Any, sent: Any) -> Any:
    """Return what was read of the keys that were sent, each action of those that its own had."""
    read = {key: rule[key] for key in sent}
    read["actions"] = [
        {key: one[key] for key in given} for one, given in zip(rule["actions"], sent["actions"], strict=True)
    ]
    return read


def test_onboarding(api):
    sent = api.shipped("onboarding")
    rule = api.publish(sent)
    assert (as_sent(rule, sent)["actions"], rule["version"], rule["enabled"]) == (sent["actions"], 1, True)
    maria = api.post("patients/", MARIA)
    tick(moment(0, "09:05"))
    [event] = api.rows("automations/events/", patient=maria["id"], trigger_event="patient.onboarded")
    [run] = api.runs("onboarding", maria["id"])
    assert (event["runs"], run["event"], run["outcome"], run["rule_version"]) == (
        [run["id"]],
        event["id"],
        "matched",
        1,
    )
    assert {state for _id, state, _why in api.steps("onboarding", maria["id"])} == {"done"}
    assert api.forms(maria["id"]) == [
        ("privacy-policy-consent", "required"),
        ("telerehabilitation-consent", "required"),
    ]
    assert ("welcome", "sent") in api.messages(maria["id"])
    assert api.get("automations/rules/onboarding/")["execution_count"] == 1


def test_preparation(api):
    api.publish(api.shipped("appointment-preparation"))
    api.make_service({"slug": "first-visit", "name": "First visit", "minutes": 45})
    maria = api.post("patients/", MARIA)
    booked = {"patient": {"external_id": "A-17"}, "service": "first-visit", "specialist": "dr-ionescu"}
    visit = api.post("appointments/", {**booked, "starts_at": moment(7, "10:00").isoformat()})
    tick()
    assert api.runs("appointment-preparation", maria["id"]) == []
    assert api.post(f"appointments/{visit['id']}/confirm/")["status"] == "confirmed"
    tick(moment(0, "09:05"))
    assert {state for _id, state, _why in api.steps("appointment-preparation", maria["id"])} == {"done"}
    [form] = api.rows("form-requests/", patient=maria["id"])
    assert (form["form"], form["due_at"]) == ("pre-appointment-questionnaire", moment(6, "10:00").isoformat())
    assert ("preparation-guide", "sent") in api.messages(maria["id"])
    told = api.rows("notifications/", patient=maria["id"])
    assert "dr-ionescu" in [one["recipient"] for one in told]


def test_follow_up_two_weeks_later(api):
    api.publish(api.shipped("follow-up-initial-evaluation"))
    slug = "follow-up-initial-evaluation"
    maria = api.post("patients/", MARIA)
    booked = {"patient": maria["id"], "service": "initial-evaluation", "specialist": "dr-ionescu"}
    visit = api.post("appointments/", {**booked, "starts_at": moment(0, "10:00").isoformat()})
    tick(moment(0, "11:00"))
    api.post(f"appointments/{visit['id']}/complete/")
    tick(moment(0, "11:05"))
    [run] = api.runs(slug, maria["id"])
    assert run["verdict"]["items"] == [
        {
            "field": "appointment.service",
            "op": "is_any_of",
            "value": ["initial-evaluation"],
            "actual": "initial-evaluation",
            "result": True,
        }
    ]
    assert sorted(api.steps(slug, maria["id"])) == [
        ("a1", "pending", None),
        ("a2", "pending", None),
        ("a3", "pending", None),
    ]
    upcoming = api.get(f"patients/{maria['id']}/upcoming/", days=15)["results"]
    assert [one["rule"] for one in upcoming] == [slug] * 3
    api.put(f"appointments/{visit['id']}/summary/", {"text": "You are on a good way."})
    api.post(f"appointments/{visit['id']}/summary/release/")
    tick(moment(2, "09:00"))
    assert sorted(api.steps(slug, maria["id"])) == [("a1", "done", None), ("a2", "pending", None), ("a3", "done", None)]
    assert api.forms(maria["id"]) == [("satisfaction-survey", "required")]
    tick(moment(15, "09:00"))
    assert sorted(api.steps(slug, maria["id"])) == [("a1", "done", None), ("a2", "done", None), ("a3", "done", None)]
    assert [one for one in api.messages(maria["id"]) if one[0] == "follow-up-reminder"] == [
        ("follow-up-reminder", "sent")
    ]
    timeline = api.get(f"patients/{maria['id']}/timeline/")
    assert "follow-up-reminder" not in str(timeline["upcoming"])
    assert timeline["suppressed"] == []
    why = api.get("automations/explain/", rule=slug, patient=maria["id"])
    assert [one["outcome"] for one in why["events"]] == ["matched"]


def test_a_booked_patient_is_not_reminded_to_book(api):
    api.publish(api.shipped("follow-up-initial-evaluation"))
    maria = api.post("patients/", MARIA)
    booked = {"patient": maria["id"], "service": "initial-evaluation"}
    visit = api.post("appointments/", {**booked, "starts_at": moment(0, "10:00").isoformat()})
    api.post(f"appointments/{visit['id']}/complete/")
    tick(moment(1, "09:00"))
    api.post("appointments/", {**booked, "starts_at": moment(30, "10:00").isoformat()})
    tick(moment(15, "09:00"))
    [step] = [one for one in api.steps("follow-up-initial-evaluation", maria["id"]) if one[0] == "a2"]
    assert step == ("a2", "skipped", "only_if_false")
    suppressed = api.get(f"patients/{maria['id']}/timeline/")["suppressed"]
    assert ("step", "only_if_false") in [(one["kind"], one["reason"]["code"]) for one in suppressed]


def test_adherence(api):
    api.post("message-templates/", KEEP_GOING)
    rule = api.publish(ADHERENCE)
    assert as_sent(rule, ADHERENCE) == {
        **ADHERENCE,
        "trigger_config": {"below_percent": 50, "include_first_week": True},
    }
    maria = api.post("patients/", MARIA)
    plan = api.post(
        "treatment-plans/",
        {
            "patient": maria["id"],
            "name": "Knee",
            "specialist": "dr-ionescu",
            "starts_on": MONDAY.isoformat(),
            "exercises": [{"name": "Squats", "sessions_per_week": 4}],
        },
    )
    assert api.post(f"treatment-plans/{plan['id']}/assign/")["status"] == "active"
    tick(moment(2, "18:00"))
    api.post(f"treatment-plans/{plan['id']}/sessions/", {"done_at": moment(2, "17:00").isoformat(), "pain": 3})
    tick(moment(9, "09:00"))
    [run] = api.runs("adherence-under-half", maria["id"])
    assert run["outcome"] == "matched"
    assert api.steps("adherence-under-half", maria["id"]) == [
        ("a1", "done", None),
        ("a2", "done", None),
        ("a3", "done", None),
    ]
    assert api.messages(maria["id"]) == [("keep-going", "sent")]
    [task] = api.rows("tasks/", patient=maria["id"])
    assert (task["title"], task["assignee"]) == ("Call about the exercises", "dr-ionescu")


def test_smart_targeting(api):
    api.post("message-templates/", KEEP_GOING)
    seniors = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}
    api.post("segments/", {"slug": "seniors", "name": "Seniors", "kind": "dynamic", "conditions": seniors})
    api.publish(TARGETING)
    maria = api.post("patients/", {**MARIA, "birth_date": "1987-03-02"})
    tick(moment(0, "09:05"))
    assert api.runs("seniors-not-seen", maria["id"]) == []
    api.patch(f"patients/{maria['id']}/", {"birth_date": "1957-03-02"})
    tick(moment(0, "09:30"))
    [run] = api.runs("seniors-not-seen", maria["id"])
    assert (run["outcome"], run["verdict"]["items"][0]["actual"]) == ("matched", 0)
    assert {state for _id, state, _why in api.steps("seniors-not-seen", maria["id"])} == {"done"}
    assert api.messages(maria["id"]) == [("keep-going", "sent")]
    api.patch(f"patients/{maria['id']}/", {"birth_date": "1987-03-02"})
    tick(moment(0, "10:00"))
    api.patch(f"patients/{maria['id']}/", {"birth_date": "1957-03-02"})
    tick(moment(0, "11:00"))
    assert [
        (one["outcome"], (one["reason"] or {}).get("code")) for one in api.runs("seniors-not-seen", maria["id"])
    ] == [
        ("matched", None),
        ("suppressed", "reentry"),
    ]


def test_an_edit_counts_from_its_publishing_on(api):
    api.publish(api.shipped("onboarding"))
    adults = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 18}]}
    edited = api.edit_rule("onboarding", {"conditions": adults})
    assert (edited["version"], edited["unpublished_changes"]) == (1, True)
    child = api.post("patients/", {**MARIA, "external_id": "C-1", "birth_date": "2020-01-01"})
    tick(moment(0, "09:05"))
    api.post("automations/rules/onboarding/publish/")
    other = api.post("patients/", {**MARIA, "external_id": "C-2", "birth_date": "2020-01-01"})
    tick(moment(0, "09:10"))
    assert [len(api.runs("onboarding", one["id"])) for one in (child, other)] == [1, 0]
    [newest, _first] = api.get("automations/rules/onboarding/versions/")["results"]
    assert newest["differences"] == [
        "no longer: When Patient onboarded, every time, then:",
        "new: When Patient onboarded, only if Age is at least 18, then:",
    ]
