"""The clinic in which it happens: `python -m tests.chaos.world PATIENTS OUTPUT`, in a fresh, migrated database.

OUTPUT then says, for the checker, what each published rule promises.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from tests.chaos import lives_world

EMPTY: dict[str, Any] = {"match": "all", "items": []}
INITIAL: dict[str, Any] = {
    "match": "all",
    "items": [{"field": "appointment.service", "op": "is_any_of", "value": ["initial"]}],
}
SOON = {"mode": "delay", "amount": 1, "unit": "minutes"}
BEFORE = {
    "mode": "relative",
    "amount": 60,
    "unit": "minutes",
    "direction": "before",
    "anchor": "appointment.starts_at",
    "if_late": "send_now",
}
ADMINS = 2

# name → trigger, conditions, actions. Delays count from when it happened; the writers say it was a moment ago.
RULES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "reminder": ("appointment.booked", EMPTY, [{"type": "send_email", "template": "reminder", "timing": BEFORE}]),
    "prepare": (
        "appointment.confirmed",
        EMPTY,
        [
            {"type": "send_notification", "to": "specialist", "title": "They come", "link": "patient_summary"},
            {"type": "create_task", "title": "Prepare the room", "assign_to": "front_desk", "timing": SOON},
        ],
    ),
    "follow-up": (
        "appointment.completed",
        INITIAL,
        [
            {"type": "require_form", "form": "survey", "due_in_days": 7},
            {"type": "create_task", "title": "File the letter", "assign_to": "specialist"},
            {"type": "send_notification", "to": "clinic_admins", "title": "A first visit is over"},
            {"type": "send_email", "template": "follow-up", "timing": SOON},
        ],
    ),
    "cancelled": (
        "appointment.cancelled",
        EMPTY,
        [
            {"type": "create_task", "title": "Offer the time to others", "assign_to": "front_desk"},
            {"type": "send_email", "template": "cancelled", "to": "specialist"},
        ],
    ),
    "moved": (
        "appointment.rescheduled",
        EMPTY,
        [{"type": "send_notification", "to": "patient", "title": "A new time", "link": "appointment"}],
    ),
}
MESSAGES = {"reminder": "transactional", "follow-up": "clinical", "cancelled": "transactional"}
NEEDS: list[tuple[str, dict[str, Any]]] = [
    ("service", {"slug": "initial", "name": "Initial", "minutes": 30}),
    ("service", {"slug": "again", "name": "Again", "minutes": 30}),
    (
        "form_template",
        {
            "slug": "survey",
            "name": "Survey",
            "kind": "survey",
            "versions": [
                {
                    "title": "How was it?",
                    "text": "Two minutes.",
                    "questions": [{"id": "ok", "type": "boolean", "text": {"en": "Well?"}, "required": True}],
                }
            ],
        },
    ),
    *(
        (
            "message_template",
            {
                "slug": slug,
                "name": slug,
                "category": category,
                "bodies": {"en": {"subject": slug, "text": "Hello {{ recipient.name }},\n\n{{ clinic.name }}"}},
            },
        )
        for slug, category in MESSAGES.items()
    ),
]


def people(clinic: Any, patients: int) -> None:
    """Make the staff and the patients, of whom rules hear nothing."""
    from accounts.models import Membership, User
    from clinic.db import silently
    from patients.models import Patient

    staff = [("specialist", "ion"), ("front_desk", "felix"), *(("clinic_admin", f"ada{n}") for n in range(ADMINS))]
    for role, slug in staff:
        user = User.objects.create_user(slug, f"{slug}@clinic.example", "a long enough password")
        Membership.objects.create(clinic=clinic, user=user, role=role, slug=slug, name=slug)
    rows = [
        Patient(
            clinic=clinic,
            given_name=f"P{n}",
            family_name="Pace",
            birth_date=date(1960, 1, 1),
            email=f"p{n}@patients.example",
            language="en",
        )
        for n in range(patients)
    ]
    with silently("the cast of a test"):
        Patient.objects.bulk_create(rows)


def rules(clinic: Any) -> list[dict[str, Any]]:
    """Publish the rules and return what they promise."""
    from automations import lifecycle

    told = []
    stream = {name: (trigger, {}, conditions, actions) for name, (trigger, conditions, actions) in RULES.items()}
    lives = lives_world.RULES | {"life-date": lives_world.soon(clinic)}
    others = {name: (trigger, config, EMPTY, actions) for name, (trigger, config, actions) in lives.items()}
    for name, (trigger, config, conditions, actions) in {**stream, **others}.items():
        document = {
            "trigger_event": trigger,
            "trigger_config": config,
            "conditions": conditions,
            "actions": actions,
            "settings": {},
        }
        rule = lifecycle.publish(lifecycle.create_rule(clinic=clinic, name=name, document=document, slug=name))
        services = ["initial"] if conditions is INITIAL else ["initial", "again"]
        promised = {action["id"]: action["type"] for action in rule.draft["actions"]}
        segment = config.get("segment")
        told.append({"id": rule.pk, "name": name, "trigger": trigger, "segment": segment})
        told[-1] |= {"services": services, "actions": promised}
    return told


def build(patients: int, output: Path) -> None:
    """Make everything and tell what was made."""
    from accounts.models import Clinic
    from clinic.provisioning import provide
    from patients.models import Patient

    clinic = Clinic.objects.create(slug="chaos", name="Chaos", time_zone="Europe/Bucharest", undo_seconds=0)
    people(clinic, patients)
    for kind, spec in [*NEEDS, *lives_world.needs()]:
        provide(kind, clinic, spec)
    lives_world.segments(clinic)
    cast = Patient.objects.filter(clinic=clinic).order_by("pk")
    lives_world.plans(clinic, list(cast[: max(10, patients // 4)]))
    output.write_text(json.dumps({"clinic": clinic.pk, "patients": patients, "admins": ADMINS, "rules": rules(clinic)}))


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    build(int(sys.argv[1]), Path(sys.argv[2]))
