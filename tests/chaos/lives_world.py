"""The rules that answer to lives (see lives.py): every other trigger and action that the product has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LATE = {"mode": "delay", "amount": 30, "unit": "days"}
AHEAD = timedelta(seconds=100)
QUESTION = {"id": "ok", "type": "boolean", "text": {"en": "Well?"}, "required": True}


def task(title: str, **more: Any) -> dict[str, Any]:
    """Return the action that gives the front desk a task."""
    return {"type": "create_task", "title": title, "assign_to": "front_desk", **more}


# name → trigger, settings of the trigger, actions.
RULES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "life-slow": ("patient.onboarded", {}, [task("Much later", timing=LATE)]),
    "life-onboarded": (
        "patient.onboarded",
        {},
        [
            {"type": "grant_access", "feature": "telerehab", "days": 30},
            {"type": "add_tag", "tag": "new"},
            {"type": "assign_specialist", "specialist": "ion"},
        ],
    ),
    "life-assigned": ("treatment.assigned", {}, [{"type": "send_notification", "to": "patient", "title": "A plan"}]),
    "life-session": ("treatment.session_logged", {}, [task("Look at the pain")]),
    "life-completed": ("treatment.completed", {}, [task("The plan is over")]),
    "life-signed": (
        "form.signed",
        {},
        [{"type": "add_to_segment", "segment": "by-hand"}, {"type": "stop_rule", "rule": "life-slow"}],
    ),
    "life-by-hand": ("segment.entered", {"segment": "by-hand"}, [task("They signed")]),
    "life-withdrawn": (
        "form.withdrawn",
        {},
        [{"type": "revoke_access", "feature": "telerehab"}, {"type": "remove_from_segment", "segment": "by-hand"}],
    ),
    "life-out-again": ("segment.exited", {"segment": "by-hand"}, [task("They took it back")]),
    "life-declined": ("form.declined", {}, [task("They declined")]),
    "life-overdue": ("form.overdue", {}, [{"type": "cancel_form", "form": "late"}]),
    "life-vip": ("segment.entered", {"segment": "vips"}, [{"type": "send_email", "template": "follow-up"}]),
    "life-not-vip": ("segment.exited", {"segment": "vips"}, [task("No longer a VIP")]),
    "life-told": ("api.event", {"name": "device"}, [task("A device spoke")]),
    "life-started": ("appointment.started", {}, [task("They are here")]),
    "life-missed": ("appointment.no_show", {}, [task("They did not come")]),
    "life-reopened": ("appointment.reopened", {}, [task("A slip of the hand")]),
    "life-reassigned": ("appointment.reassigned", {}, [task("Somebody else")]),
    "life-released": ("appointment.summary_released", {}, [{"type": "send_notification", "to": "patient",
                                                            "title": "A summary"}]),
    "life-week": ("treatment.adherence_dropped", {"below_percent": 50}, [task("Few sessions")]),
}  # fmt: skip
FORMS = {"privacy": "consent", "late": "survey", "mood": "survey"}


def needs() -> list[tuple[str, dict[str, Any]]]:
    """List the forms that lives fill, beside those of the world."""
    return [
        (
            "form_template",
            {
                "slug": slug,
                "name": slug.title(),
                "kind": kind,
                "versions": [{"title": slug.title(), "text": "I agree.", "questions": [QUESTION][: kind == "survey"]}],
            },
        )
        for slug, kind in FORMS.items()
    ]


def segments(clinic: Any) -> None:
    """Define the segments that lives pass through."""
    from segments import services

    services.create(clinic=clinic, name="By hand", slug="by-hand", kind="manual")
    vips = {"match": "all", "items": [{"field": "patient.tags", "op": "has_any_of", "value": ["vip"]}]}
    services.create(clinic=clinic, name="VIPs", slug="vips", conditions=vips)


def soon(clinic: Any) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Return a rule for a date of everybody's that comes while the stream flows: the day of registration, soon."""
    zone = ZoneInfo(clinic.time_zone)
    now = datetime.now(zone)
    moment = now + AHEAD
    offset = {"amount": (moment.date() - now.date()).days, "unit": "days"}
    config = {"field": "patient.registered_at", "offset": offset, "at": f"{moment:%H:%M}"}
    return "schedule.date", config, [task("A date came")]


def plans(clinic: Any, patients: list[Any]) -> None:
    """Let some of the cast have a plan since three weeks, so that their weeks close while the stream flows."""
    from clinic.changes import silently
    from treatments import services

    ago = datetime.now(ZoneInfo(clinic.time_zone)) - timedelta(days=21)
    kinds = [{"name": "Squats", "sessions_per_week": 3}]
    for patient in patients:
        with silently("the cast of a test"):
            plan = services.create_plan(
                clinic=clinic, patient=patient, name="Knee", exercises=kinds, starts_on=ago.date()
            )
            services.assign(plan, occurred_at=ago)
