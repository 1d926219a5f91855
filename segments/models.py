"""Segments, who is in them, and whose records changed since their segments were last looked at."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import ClinicForeignKey, ClinicModel, WatchedModel


class Segment(ClinicModel):
    """A group of patients: a dynamic one holds whoever meets its conditions, a manual one whoever was added.

    `version` counts the definitions of a dynamic one; `built_version` is the one that its membership was last worked
    out for as a whole. While the two differ, no change of its membership is told to rules.
    """

    class Kind(models.TextChoices):
        DYNAMIC = "dynamic", _("dynamic: conditions decide")
        MANUAL = "manual", _("manual: people and rules add and remove")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.DYNAMIC)
    slug = models.SlugField(_("slug"), max_length=80)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    built_version = models.PositiveIntegerField(default=0, editable=False)
    next_sweep_at = models.DateTimeField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    broken = models.CharField(_("cannot be worked out"), max_length=500, blank=True, editable=False)
    archived_at = models.DateTimeField(_("archived at"), null=True, editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="segment_slug_in_clinic")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_dynamic(self) -> bool:
        """Tell whether conditions decide who is in it."""
        return self.kind == self.Kind.DYNAMIC


class SegmentMembership(WatchedModel):
    """Whether a patient is in a segment, since when and why; the row stays when the patient leaves.

    `version` is the definition that decided. `source_step` is the rule's step that added or removed the patient last.
    """

    class Reason(models.TextChoices):
        RECORD = "record", _("the patient's record changed")
        TIME = "time", _("time passed")
        STAFF = "staff", _("a person decided")
        RULE = "rule", _("an automation decided")
        DEFINITION = "definition", _("the segment was defined")

    segment = ClinicForeignKey(Segment, db_index=False, related_name="memberships", verbose_name=_("segment"))
    patient = ClinicForeignKey("patients.Patient", related_name="memberships", verbose_name=_("patient"))
    is_member = models.BooleanField(_("is in it"), default=True)
    reason = models.CharField(_("why"), max_length=12, choices=Reason.choices, default=Reason.STAFF)
    since = models.DateTimeField(_("since"))
    version = models.PositiveIntegerField(default=1, editable=False)
    source_step = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )

    watched = ("is_member", "segment_id", "reason")

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["segment", "patient"], name="one_membership_a_segment")]
        indexes = [
            models.Index(fields=["segment", "patient"], condition=models.Q(is_member=True), name="segment_members")
        ]

    def __str__(self) -> str:
        return f"{self.patient}: {self.segment}"


class DirtyPatient(ClinicModel):
    """A patient of whom a record of kind `source` changed, written in the transaction that changed it.

    The refresh that has seen the change removes the row. `caused_by` is the latest step that made such a change;
    `muted` says why no event may follow, if every such change was silent.
    """

    patient = ClinicForeignKey("patients.Patient", db_index=False, related_name="+")
    source = models.CharField(max_length=80)
    muted = models.CharField(max_length=100, blank=True)
    caused_by = ClinicForeignKey("automations.Step", db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("patient to look at again")
        verbose_name_plural = _("patients to look at again")
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["patient", "source"], name="dirty_once_a_source")]

    def __str__(self) -> str:
        return f"{self.source} #{self.patient_id}"
