"""The reference's Celery task: one message, one action, one effect row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from appointments.models import Appointment
from worklist.models import Task


@shared_task(name="bench.reference.tasks.run_action")
def run_action(action: dict[str, Any], appointment_id: int) -> None:
    """Create the task that the action asks for."""
    appointment = Appointment.objects.select_related("patient").get(pk=appointment_id)
    Task(
        clinic_id=appointment.clinic_id,
        patient=appointment.patient,
        title=action["title"],
        role=action["assign_to"],
        due_at=timezone.now() + timedelta(days=1),
    ).save()
