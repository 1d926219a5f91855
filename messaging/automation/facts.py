"""What conditions may ask of the messages that a patient had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, F, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Fact, FactType, Param, register
from messaging import visibility
from messaging.models import Delivery, Notification
from messaging.purposes import asked_for
from patients.categories import Category, Channel

State = Delivery.State
ELAPSED = ("minutes", "hours")


def _received(ctx: Any, window: Mapping[str, Any], category: str | None = None) -> Any:
    """Count what left, or may have left; what one step sent to several readers is one."""
    mails = Delivery.objects.filter(state__in=[State.SENT, State.UNKNOWN], channel=Channel.EMAIL)
    mails = mails.exclude(purpose__in=asked_for())
    notes = Notification.objects.filter(~visibility.held(), withdrawn_at=None)
    return _count(ctx, mails, "finished_at", window, category) + _count(ctx, notes, "visible_at", window, category)


def _count(ctx: Any, rows: QuerySet[Any], at: str, window: Mapping[str, Any], category: str | None) -> Any:
    begins = "gt" if window["unit"] in ELAPSED else "gte"
    bounds = {f"{at}__{begins}": ctx.outer(ctx.window_start(window)), f"{at}__lte": ctx.outer(ctx.now)}
    rows = rows.filter(patient_id=ctx.outer_patient_id, recipient=None, **bounds).order_by()
    if category is not None:
        rows = rows.filter(category=category)
    messages = Count(Coalesce(F("source_step_id"), -F("pk")), distinct=True)
    counted = rows.values("patient_id").annotate(n=messages).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


register(
    Fact(
        key="patient.messages_received",
        label=_("Messages received"),
        type=FactType.number,
        doc=_("Emails and notifications to the patient in a window, of one category or of all, whoever sent them."),
        example={
            "field": "patient.messages_received",
            "op": "lt",
            "value": 3,
            "window": {"amount": 1, "unit": "weeks"},
            "category": "marketing",
        },
        params=(
            Param("window", "window", _("in the last"), required=True),
            Param("category", "choice", _("category"), choices=Category.choices),
        ),
        sources=("messaging.Delivery", "messaging.Notification"),
        time_dependent=True,
        expression=_received,
    )
)
