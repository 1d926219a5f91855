"""Patients, the people who get messages for them, what they agreed to be sent, and what they may use."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel, WatchedModel
from clinic.text import FoldedField
from patients.categories import Category, Channel


class Searched(models.Func):
    """What the search of patients looks at: a blank before each word, the phone's digits behind a #."""

    template = (
        "' ' || given_name_folded || ' ' || family_name_folded || ' ' || external_id_folded"
        " || ' #' || regexp_replace(phone, '[^0-9]', '', 'g')"
    )
    output_field = models.TextField()


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
    external_id_folded = FoldedField("external_id")
    given_name = models.CharField(_("given name"), max_length=200)
    given_name_folded = FoldedField("given_name")
    family_name = models.CharField(_("family name"), max_length=200, blank=True)
    family_name_folded = FoldedField("family_name")
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=10, choices=Sex.choices, default=Sex.UNKNOWN)
    email = models.EmailField(_("email"), blank=True)
    email_status = models.CharField(
        max_length=10, choices=EmailStatus.choices, default=EmailStatus.UNTRIED, editable=False
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    searched = models.GeneratedField(expression=Searched(), output_field=models.TextField(), db_persist=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    language_folded = FoldedField("language")
    city = models.CharField(_("city"), max_length=200, blank=True)
    city_folded = FoldedField("city")
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
        indexes = [
            GinIndex(OpClass("searched", name="gin_trgm_ops"), name="patient_searched"),
            models.Index(fields=["clinic", "family_name", "given_name", "id"], name="patient_by_name"),
            models.Index("clinic", Upper("email"), name="patient_by_email"),
            models.Index(fields=["clinic", "birth_date"], name="patient_by_birth_date"),
            GinIndex(fields=["tags"], name="patient_tags"),
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


class Consent(WatchedModel):
    """What a patient said about messages of one category on one way: yes or no, and the last word counts.

    No row: nothing was said, and the category's default holds (patients/categories.py).
    """

    patient = ClinicForeignKey(Patient, db_index=False, related_name="consents", verbose_name=_("patient"))
    category = models.CharField(_("category"), max_length=20, choices=Category.choices)
    channel = models.CharField(_("channel"), max_length=15, choices=Channel.choices)
    granted = models.BooleanField(_("agreed"))
    said_at = models.DateTimeField(_("since"), db_default=ClinicNow())

    watched = ("granted",)
    snapshot = ("granted",)

    class Meta:
        verbose_name = _("consent to messages")
        verbose_name_plural = _("consents to messages")
        ordering = ("category", "channel")
        constraints = [models.UniqueConstraint(fields=["patient", "category", "channel"], name="one_consent_a_way")]

    def __str__(self) -> str:
        return f"{self.get_category_display()}, {self.get_channel_display()}"


class Feature(models.TextChoices):
    """A part of the platform that a patient may use once it is granted."""

    TELEREHAB = "telerehab", _("telerehabilitation")
    LIBRARY = "library", _("library")


class FeatureGrant(WatchedModel):
    """A patient may use a feature from one moment to another.

    It ends by itself: whoever reads it compares `expires_at` (empty: no end) with the clock. `ended_at` is when it was
    revoked, or found to have run out when the feature was granted anew.
    """

    patient = ClinicForeignKey(Patient, related_name="grants", verbose_name=_("patient"))
    feature = models.CharField(_("feature"), max_length=20, choices=Feature.choices)
    granted_at = models.DateTimeField(_("granted at"), db_default=ClinicNow())
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    source_step = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )

    watched = ("expires_at", "ended_at")
    snapshot = ()

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("accesses")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "feature"], condition=models.Q(ended_at__isnull=True), name="one_grant_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return str(self.get_feature_display())


class LibraryItem(ClinicModel):
    """Something to read or watch that the clinic offers to patients with access to its library."""

    slug = models.SlugField(_("slug"))
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"), blank=True)
    video_url = models.URLField(_("video link"), blank=True, max_length=500)
    language = models.CharField(_("language"), max_length=35, blank=True, help_text=_("Empty: for everybody."))
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("library item")
        verbose_name_plural = _("library items")
        ordering = ("title",)
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="library_item_slug_in_clinic")]

    def __str__(self) -> str:
        return self.title
