"""A patient's timeline over the API: what happened, what will, and what did not and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from automations import ticking
from automations.models import Event, Run, Step
from automations.tests.builders import move, published, visit
from clinic import clock
from messaging.models import Delivery
from messaging.services import new_message_id

pytestmark = pytest.mark.django_db
LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}
NOW = {"type": "jot", "title": "Now"}
REFUSED = {"type": "jot", "title": "No", "refuse": True}


def told(patient, part, **query):
    """Return (kind, title, state, rule, reason code) of each line of a part."""
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    lines = patient.api.get(f"patients/{patient.pk}/timeline/?{asked}").json()[part]
    return [(one["kind"], one["title"], one["state"], one["rule"], (one["reason"] or {}).get("code")) for one in lines]


@pytest.fixture
def maria(api, patient):
    """The patient, and who asks about her."""
    patient.api = api
    return patient


def test_what_happened_what_will_and_what_did_not(clinic, maria):
    published(clinic, "appointment.completed", NOW, LATER, REFUSED, settings={"reentry": {"mode": "once_per_patient"}})
    for _ in range(2):
        move(visit(maria), status="completed")
        ticking.drain_all()
    assert told(maria, "past") == [
        ("event", "Appointment completed", "matched", None, None),
        ("event", "Appointment booked", "matched", None, None),
        ("step", "Jot", "done", "rule", None),
        ("event", "Appointment completed", "matched", None, None),
        ("event", "Appointment booked", "matched", None, None),
        ("event", "Patient onboarded", "matched", None, None),
    ]
    assert told(maria, "upcoming") == [("step", "Jot", "pending", "rule", None)]
    assert told(maria, "suppressed") == [
        ("run", "Rule", "suppressed", "rule", "reentry"),
        ("step", "Jot", "skipped", "rule", "no_consent"),
    ]


def test_a_line_leads_to_its_event_run_and_step(clinic, maria):
    published(clinic, "appointment.completed", REFUSED)
    move(visit(maria), status="completed")
    ticking.drain_all()
    line = maria.api.get(f"patients/{maria.pk}/timeline/").json()["suppressed"][0]
    step = Step.objects.get()
    assert line == {
        "at": line["at"],
        "kind": "step",
        "id": str(step.pk),
        "title": "Jot",
        "state": "skipped",
        "reason": {"code": "no_consent", "text": "She said no."},
        "rule": "rule",
        "event": str(Event.objects.get(trigger="appointment.completed").pk),
        "run": str(Run.objects.get().pk),
        "step": str(step.pk),
    }


def test_visits_steps_and_messages_are_upcoming_in_their_order(clinic, maria):
    now = clock.now()
    published(clinic, "appointment.booked", LATER)
    visit(maria, starts_at=now + timedelta(days=5))
    visit(maria, starts_at=now + timedelta(days=40), status="cancelled")
    ticking.drain_all()
    Delivery.objects.create(
        clinic=clinic,
        patient=maria,
        category="transactional",
        recipient_key="patient",
        message_id=new_message_id(),
        not_before=now + timedelta(days=3),
    )
    lines = maria.api.get(f"patients/{maria.pk}/upcoming/").json()
    assert [(one["kind"], one["state"]) for one in lines["results"]] == [
        ("step", "pending"),
        ("delivery", "queued"),
        ("appointment", "booked"),
    ]
    assert (lines["next"], lines["previous"]) == (None, None)
    assert maria.api.get(f"patients/{maria.pk}/upcoming/?days=4&limit=1").json()["results"] == lines["results"][:1]
    assert len(maria.api.get(f"patients/{maria.pk}/upcoming/?days=4").json()["results"]) == 2


def test_a_long_past_is_read_page_after_page_without_a_gap(clinic, maria):
    published(clinic, "appointment.completed", NOW, REFUSED)
    for _ in range(7):
        move(visit(maria), status="completed")
    ticking.drain_all()
    whole = maria.api.get(f"patients/{maria.pk}/timeline/?limit=200").json()
    assert whole["earlier"] is None
    found, before, pages = {"past": [], "suppressed": []}, "", 0
    while before is not None:
        further = f"&before={before}" if before else ""
        page = maria.api.get(f"patients/{maria.pk}/timeline/?limit=5{further}").json()
        for part in found:
            found[part] += [(one["kind"], one["id"]) for one in page[part]]
        before, pages = page["earlier"], pages + 1
        assert pages < 20
    for part, lines in found.items():
        assert sorted(lines) == sorted((one["kind"], one["id"]) for one in whole[part])


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("timeline/?limit=0", "/limit"),
        ("timeline/?limit=201", "/limit"),
        ("timeline/?before=yesterday", "/before"),
        ("timeline/?before=2026-11-24T10:00:00", "/before"),
        ("timeline/?days=3", "/days"),
        ("upcoming/?days=0", "/days"),
        ("upcoming/?days=x", "/days"),
    ],
)
def test_a_wrong_question_is_422(maria, path, pointer):
    answer = maria.api.get(f"patients/{maria.pk}/{path}")
    assert (answer.status_code, [one["path"] for one in answer.json()["errors"]]) == (422, [pointer])


@pytest.mark.parametrize("path", ["timeline/", "upcoming/"])
def test_it_is_the_clinics_own_and_that_it_was_read_is_recorded(maria, stranger_api, path):
    assert stranger_api.get(f"patients/{maria.pk}/{path}").status_code == 404
    assert maria.api.get(f"patients/abc/{path}").status_code == 404
    assert not AuditEntry.objects.filter(patient_id=maria.pk).exists()
    assert maria.api.get(f"patients/{maria.pk}/{path}").status_code == 200
    entry = AuditEntry.objects.get(patient_id=maria.pk)
    assert (entry.action, entry.actor_kind) == (f"patient.{path[:-1]}_read", "token")


@pytest.mark.parametrize(("path", "queries"), [("timeline/", 14), ("upcoming/", 8)])
def test_it_takes_as_many_queries_however_much_there_is(clinic, maria, path, queries):
    maria.api.get("automations/recipes/")
    counts = []
    for count in (1, 4):
        for n in range(count):
            published(clinic, "appointment.completed", NOW, LATER, REFUSED, name=f"Rule {n}")
            move(visit(maria), status="completed")
            visit(maria)
        ticking.drain_all()
        with CaptureQueriesContext(connection) as seen:
            maria.api.get(f"patients/{maria.pk}/{path}")
        counts.append(len(seen))
    assert counts == [queries, queries]
