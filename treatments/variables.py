"""What a message may say about a plan: until when it runs; never its name or how it goes (docs/rules.md, Text)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from messaging.times import say_day
from messaging.variables import MessageContext, Variable
from treatments.models import TreatmentPlan

PLAN = {
    "starts_on": Variable(_("first day of the plan"), sample=partial(say_day, date(2026, 11, 30))),
    "ends_on": Variable(_("last day of the plan"), sample=partial(say_day, date(2027, 1, 31))),
    "name": Variable(_("name of the plan"), sensitive=True, sample="Knee rehabilitation"),
}


def resolve_many(contexts: Sequence[MessageContext]) -> list[Mapping[str, Any]]:
    """Give the values for a batch of messages in one query; a message about something else has none of them."""
    wanted = {c.subject_id for c in contexts if c.subject_type == "treatment"}
    found = TreatmentPlan.objects.in_bulk([pk for pk in wanted if pk is not None]) if wanted else {}
    return [_values(context, found) for context in contexts]


def _values(context: MessageContext, found: Mapping[int, TreatmentPlan]) -> Mapping[str, Any]:
    plan = found.get(context.subject_id or 0) if context.subject_type == "treatment" else None
    if plan is None or plan.patient_id != context.patient.pk:
        return {}
    return {
        "starts_on": _said(plan.starts_on, context),
        "ends_on": _said(plan.ends_on, context) if plan.ends_on else "",
        "name": plan.name,
    }


def _said(day: date, context: MessageContext) -> str:
    return say_day(day, context.language)
