"""Patients and the people who get messages for them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel, WatchedModel
from clinic.text import FoldedField


class Patient(WatchedModel):
    """A person in the clinic's care (FHIR Patient)."""

    class Sex(models.TextChoices):
        FEMALE = "female", _("female")
        MALE = "male", _("male")
        OTHER = "other", _("other")
        UNKNOWN = "unknown", _("unknown")

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        ARCHIVED = "archived", _("archived")
        DISCHARGED = "discharged", _("discharged")

    class EmailStatus(models.TextChoices):
        UNTRIED = "untried", _("not tried")
        WORKS = "works", _("works")
        BOUNCED = "bounced", _("bounced")

    external_id = models.CharField(_("external id"), max_length=200, null=True, blank=True)
    given_name = models.CharField(_("given name"), max_length=200)
    family_name = models.CharField(_("family name"), max_length=200, blank=True)
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=10, choices=Sex.choices, default=Sex.UNKNOWN)
    email = models.EmailField(_("email"), blank=True)
    email_status = models.CharField(
        max_length=10, choices=EmailStatus.choices, default=EmailStatus.UNTRIED, editable=False
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    language_folded = FoldedField("language", max_length=70)
    city = models.CharField(_("city"), max_length=200, blank=True)
    city_folded = FoldedField("city", max_length=600)
    source = models.CharField(_("source"), max_length=50, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_time_zone])
    specialist = ClinicForeignKey(
        "accounts.Membership", null=True, blank=True, related_name="patients", verbose_name=_("specialist")
    )
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True, verbose_name=_("tags"))
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.ACTIVE)
    deceased_on = models.DateField(_("deceased on"), null=True, blank=True)
    registered_at = models.DateTimeField(_("registered at"), db_default=ClinicNow())

    watched = (
        "status",
        "deceased_on",
        "specialist_id",
        "tags",
        "language",
        "birth_date",
        "sex",
        "city",
        "source",
        "time_zone",
        "registered_at",
    )
    snapshot = ("status", "specialist_id")
    patient_path = "id"

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ("family_name", "given_name", "id")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "external_id"], name="patient_external_id_in_clinic"),
        ]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def is_active(self) -> bool:
        """Tell whether automations may act for this patient."""
        return self.status == self.Status.ACTIVE and self.deceased_on is None


class Contact(ClinicModel):
    """Somebody who stands by a patient, and what they may do for them (FHIR RelatedPerson)."""

    patient = ClinicForeignKey(Patient, related_name="contacts")
    name = models.CharField(_("name"), max_length=200)
    relation = models.CharField(_("relation"), max_length=50)
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    gets_messages = models.BooleanField(_("gets messages"), default=False)
    may_sign = models.BooleanField(_("may sign"), default=False)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")

    def __str__(self) -> str:
        return f"{self.name} ({self.relation})"
