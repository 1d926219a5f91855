"""Appointments, the services they are for, and what the specialist wrote about the visit."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.db import ClinicForeignKey, ClinicModel, WatchedModel


class Service(ClinicModel):
    """A kind of appointment, for example "Initial Evaluation" (FHIR HealthcareService)."""

    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=200)
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=30)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="service_slug_in_clinic")]

    def __str__(self) -> str:
        return self.name


class Series(ClinicModel):
    """Appointments that were booked together, for example ten physiotherapy sessions."""

    patient = ClinicForeignKey("patients.Patient", related_name="series")
    name = models.CharField(_("name"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"


class Appointment(WatchedModel):
    """A visit of one patient (FHIR Appointment, and Encounter once it happened)."""

    class Status(models.TextChoices):
        BOOKED = "booked", _("booked")
        CONFIRMED = "confirmed", _("confirmed")
        IN_PROGRESS = "in_progress", _("in progress")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")
        NO_SHOW = "no_show", _("no-show")
        ENTERED_IN_ERROR = "entered_in_error", _("entered in error")

    external_id = models.CharField(_("external id"), max_length=200, null=True, blank=True)
    patient = ClinicForeignKey("patients.Patient", related_name="appointments", verbose_name=_("patient"))
    service = ClinicForeignKey(Service, related_name="appointments", verbose_name=_("service"))
    specialist = ClinicForeignKey(
        "accounts.Membership", null=True, blank=True, related_name="appointments", verbose_name=_("specialist")
    )
    starts_at = models.DateTimeField(_("starts at"))
    minutes = models.PositiveIntegerField(_("minutes"), default=30)  # an imported hospital stay may last months
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.BOOKED)
    location = models.CharField(_("location"), max_length=200, blank=True)
    join_url = models.URLField(_("join link"), null=True, blank=True)
    series = ClinicForeignKey(Series, null=True, blank=True, related_name="appointments", verbose_name=_("series"))
    series_position = models.PositiveSmallIntegerField(_("position in the series"), null=True, blank=True)

    watched = (
        "status",
        "starts_at",
        "specialist_id",
        "service_id",
        "series_position",
        "minutes",
        "location",
        "join_url",
    )
    snapshot = ("status", "starts_at", "specialist_id", "service_id", "series_position")

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ("starts_at", "id")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "external_id"], name="appointment_external_id_in_clinic"),
        ]
        indexes = [
            models.Index(fields=["patient", "starts_at"], name="appointment_of_patient"),
            models.Index(fields=["clinic", "starts_at"], name="appointment_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"


class VisitSummary(WatchedModel):
    """What the specialist wrote about a visit; the patient sees it once it is released (FHIR ClinicalImpression)."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        RELEASED = "released", _("released")

    appointment = ClinicForeignKey(Appointment, related_name="summaries", verbose_name=_("appointment"))
    patient = ClinicForeignKey("patients.Patient", related_name="visit_summaries", verbose_name=_("patient"))
    text = models.TextField(_("text"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    released_by = ClinicForeignKey("accounts.Membership", null=True, blank=True, related_name="+")

    watched = ("status", "appointment_id", "text")
    snapshot = ("status", "appointment_id")

    class Meta:
        verbose_name = _("visit summary")
        verbose_name_plural = _("visit summaries")
        constraints = [models.UniqueConstraint(fields=["appointment"], name="one_summary_a_visit")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"
