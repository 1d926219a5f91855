"""What most people would write: a post_save receiver that loops over the active rules, one Celery message an action.

Written as carefully as a good team would under time pressure: one query for the rules, facts computed once an event
and only when a condition asks, messages sent after the commit.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property, partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from appointments.models import Appointment
from automations.models import RuleVersion
from bench.reference.tasks import run_action


class Facts:
    """The facts of one saved appointment, each computed when it is first asked for."""

    def __init__(self, appointment: Appointment) -> None:
        self.appointment = appointment

    @cached_property
    def service(self) -> str:
        return self.appointment.service.slug

    @cached_property
    def age(self) -> int | None:
        born = self.appointment.patient.birth_date
        today = timezone.localdate()
        return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))

    @cached_property
    def appointment_count(self) -> int:
        since = timezone.now() - timedelta(days=90)
        return Appointment.objects.filter(patient=self.appointment.patient, starts_at__gte=since).count()

    def get(self, field: str) -> Any:
        return getattr(self, field.split(".")[1])


TESTS = {
    "is_any_of": lambda actual, value: actual in value,
    "gte": lambda actual, value: actual is not None and actual >= value,
}


def matches(conditions: dict[str, Any], facts: Facts) -> bool:
    """Tell whether all conditions hold."""
    return all(TESTS[item["op"]](facts.get(item["field"]), item["value"]) for item in conditions["items"])


def on_saved(sender: Any, instance: Appointment, created: bool, **_: Any) -> None:
    """Run the rules for an appointment that was completed."""
    if created or instance.status != Appointment.Status.COMPLETED:
        return
    facts = Facts(instance)
    active = RuleVersion.objects.filter(
        rule__clinic_id=instance.clinic_id, rule__mode="on", trigger="appointment.completed"
    ).select_related("rule")
    for version in active:
        if matches(version.conditions, facts):
            for action in version.actions:
                message = {"action": action, "appointment_id": instance.pk}
                transaction.on_commit(partial(run_action.apply_async, kwargs=message, queue="reference"))


def connect() -> None:
    """Switch the reference on in this process."""
    post_save.connect(on_saved, sender=Appointment, dispatch_uid="bench.reference")


def disconnect() -> None:
    """Switch it off."""
    post_save.disconnect(sender=Appointment, dispatch_uid="bench.reference")
