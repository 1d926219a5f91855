"""Tasks for the clinic's staff."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import ClinicForeignKey, ClinicModel


class Task(ClinicModel):
    """Something a person of the clinic should do (FHIR Task)."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    class Priority(models.TextChoices):
        LOW = "low", _("low")
        NORMAL = "normal", _("normal")
        HIGH = "high", _("high")
        URGENT = "urgent", _("urgent")

    patient = ClinicForeignKey(
        "patients.Patient", null=True, blank=True, related_name="tasks", verbose_name=_("patient")
    )
    title = models.CharField(_("title"), max_length=200)
    details = models.TextField(_("details"), blank=True)
    assignee = ClinicForeignKey(
        "accounts.Membership", null=True, blank=True, related_name="tasks", verbose_name=_("assigned to")
    )
    role = models.CharField(_("for the role"), max_length=20, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPEN)
    about_type = models.CharField(max_length=40, blank=True, editable=False)
    about_id = models.BigIntegerField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)
    finished_by = ClinicForeignKey(
        "accounts.Membership", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )
    source_step = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("due_at", "id")
        constraints = [models.UniqueConstraint(fields=["source_step"], name="one_task_a_step")]
        indexes = [
            models.Index(fields=["clinic", "status", "due_at"], name="task_open"),
            models.Index(
                fields=["clinic", "-finished_at", "-id"], condition=~models.Q(status="open"), name="task_over"
            ),
        ]

    def __str__(self) -> str:
        return self.title
