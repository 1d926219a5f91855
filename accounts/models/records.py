"""What is paused, and the audit trail."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from clinic.clock import ClinicNow
from clinic.db import ClinicModel


class Pause(ClinicModel):
    """A stop switch: while it stands, nothing of its scope is executed or sent."""

    class Scope(models.TextChoices):
        CLINIC = "clinic", _("the whole clinic")
        RULE = "rule", _("one rule")
        PATIENT = "patient", _("one patient")

    scope = models.CharField(_("scope"), max_length=10, choices=Scope.choices)
    target_id = models.BigIntegerField(_("target"), null=True, blank=True)
    why = models.CharField(_("why"), max_length=300)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [
            models.CheckConstraint(
                name="pause_target_fits_scope",
                condition=models.Q(scope="clinic", target_id__isnull=True)
                | models.Q(scope__in=["rule", "patient"], target_id__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["clinic", "scope", "target_id"],
                condition=models.Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="pause_once_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.why}"


class AuditEntry(models.Model):
    """Who read or changed what, when. The database refuses to change or remove a row.

    `detail` holds codes and numbers, never a patient's words.
    """

    clinic_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=ClinicNow(), editable=False)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    patient_id = models.BigIntegerField(null=True)
    detail = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["clinic_id", "-at"], name="audit_by_clinic"),
            models.Index(fields=["patient_id", "-at"], name="audit_by_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
