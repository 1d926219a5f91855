"""What the tests of rules' lives share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.actor import Actor, acting_as
from automations import ticking
from automations.models import Rule, RuleVersion, Step
from automations.tests.builders import document, move, published, visit

LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}


@contextmanager
def acting(member: Any) -> Iterator[None]:
    with acting_as(Actor("user", user_id=member.user_id, membership_id=member.pk, clinic_id=member.clinic_id)):
        yield


def versions(rule: Rule) -> list[int]:
    return list(RuleVersion.objects.filter(rule=rule).order_by("number").values_list("number", flat=True))


def jot(title: str, **more: Any) -> dict[str, Any]:
    return document("appointment.completed", {"type": "jot", "title": title, **more})


def planned(clinic: Any, patient: Any, action: Any = LATER) -> tuple[Rule, Step]:
    """Return a rule with one step that is not due yet."""
    rule = published(clinic, "appointment.completed", action)
    move(visit(patient), status="completed")
    ticking.drain_all()
    return rule, Step.objects.get(rule=rule)
