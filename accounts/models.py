"""Clinics, the people who work there, what is paused, and the audit trail."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel


def validate_time_zone(value: str) -> None:
    """Refuse a name that the IANA database does not have."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(zone)s” is not a time zone; use a name such as Europe/Bucharest."), params={"zone": value}
        )


def validate_phone(value: str) -> None:
    """Refuse what nobody can dial: other signs than those of a number, or fewer than three digits."""
    if set(value) - set("+0123456789 ()./-") or sum(sign.isdigit() for sign in value) < 3:
        raise ValidationError(_("Write the number in digits, for example +40 21 555 0100."))


def _cap(name: Any) -> models.PositiveSmallIntegerField:
    """Return the setting of a cap: messages to one patient in a day or a week; empty is no cap."""
    return models.PositiveSmallIntegerField(name, null=True, blank=True, validators=[MinValueValidator(1)])


class Clinic(models.Model):
    """A tenant: one clinic with its zone, its week, its quiet hours."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    language = models.CharField(_("language"), max_length=10, default="en")
    phone = models.CharField(_("phone"), max_length=40, blank=True, validators=[validate_phone])
    address = models.CharField(_("address"), max_length=300, blank=True)
    week_start = models.PositiveSmallIntegerField(
        _("first day of the week"), choices=Weekday.choices, default=Weekday.MONDAY
    )
    quiet_start = models.TimeField(_("quiet hours begin"), null=True, blank=True)
    quiet_end = models.TimeField(_("quiet hours end"), null=True, blank=True)
    closed_weekdays = ArrayField(
        models.PositiveSmallIntegerField(choices=Weekday.choices),
        default=list,
        blank=True,
        verbose_name=_("closed days"),
    )
    undo_seconds = models.PositiveIntegerField(_("undo time (seconds)"), default=60)
    age_of_consent = models.PositiveSmallIntegerField(_("age of consent (years)"), default=16)
    cap_survey_day = _cap(_("surveys a day"))
    cap_survey_week = _cap(_("surveys a week"))
    cap_marketing_day = _cap(_("marketing messages a day"))
    cap_marketing_week = _cap(_("marketing messages a week"))
    cap_total_day = _cap(_("messages of any kind a day"))
    cap_total_week = _cap(_("messages of any kind a week"))
    adherence_grace_hours = models.PositiveSmallIntegerField(
        _("grace for late entries (hours)"), default=12, validators=[MaxValueValidator(72)]
    )
    require_mfa = models.BooleanField(
        _("second factor required"),
        default=False,
        help_text=_("Whoever works here signs in with a code from their phone as well as with a password."),
    )
    rules_epoch = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=ClinicNow(), editable=False)

    class Meta:
        verbose_name = _("clinic")
        verbose_name_plural = _("clinics")
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                name="quiet_hours_whole",
                condition=models.Q(quiet_start__isnull=True, quiet_end__isnull=True)
                | models.Q(quiet_start__isnull=False, quiet_end__isnull=False),
                violation_error_message=_("Give both ends of the quiet hours, or neither."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    MAX_UNDO_SECONDS = 600

    def clean(self) -> None:
        """Refuse settings that could never let a message leave."""
        problems: dict[str, Any] = {}
        if (self.quiet_start is None) != (self.quiet_end is None):
            missing = "quiet_start" if self.quiet_start is None else "quiet_end"
            problems[missing] = _("Give both ends of the quiet hours, or neither.")
        elif self.quiet_start is not None and self.quiet_start == self.quiet_end:
            problems["quiet_end"] = _("Quiet hours that end when they begin are empty; leave both out instead.")
        if len(set(self.closed_weekdays)) != len(self.closed_weekdays):
            problems["closed_weekdays"] = _("A closed day is named twice.")
        elif len(self.closed_weekdays) == len(self.Weekday):
            problems["closed_weekdays"] = _("At least one day of the week must be open.")
        if self.undo_seconds is not None and self.undo_seconds > self.MAX_UNDO_SECONDS:
            problems["undo_seconds"] = _("The undo time is at most 600 seconds.")
        if problems:
            raise ValidationError(problems)


class User(AbstractUser):
    """A person who signs in; what they may do at a clinic is their membership there."""

    is_platform_operator = models.BooleanField(_("platform operator"), default=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["email"],
                condition=~models.Q(email=""),
                name="user_email_once",
                violation_error_message=_("Somebody signs in with this address already."),
            )
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the address as it is compared, and take it from a name that is one: people sign in by it."""
        email = (self.email or (self.username if "@" in self.username else "")).lower()
        if email != self.email:
            self.email = email
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "email"}
        super().save(*args, **kwargs)


class Membership(ClinicModel):
    """A person's role at one clinic. Rules and records name staff by it."""

    class Role(models.TextChoices):
        CLINIC_ADMIN = "clinic_admin", _("clinic admin")
        SPECIALIST = "specialist", _("specialist")
        FRONT_DESK = "front_desk", _("front desk")

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=200)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("member of staff")
        verbose_name_plural = _("staff")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["clinic", "slug"], name="membership_slug_in_clinic"),
            models.UniqueConstraint(fields=["clinic", "user", "role"], name="membership_once_a_role"),
        ]

    def __str__(self) -> str:
        return self.name


class Invitation(ClinicModel):
    """A place at a clinic that waits for somebody to take it. Only a digest of the link's secret is kept.

    Expiry is real time, whatever the clinic's clock says.
    """

    email = models.EmailField(_("email"))
    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("slug"))
    role = models.CharField(_("role"), max_length=20, choices=Membership.Role.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    membership = ClinicForeignKey(Membership, null=True, blank=True, editable=False, related_name="+")

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                "clinic",
                Lower("email"),
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_open_once",
                violation_error_message=_("This address is invited already; send that invitation again."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


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


class ApiToken(ClinicModel):
    """A program's way in: it acts for one clinic, within its scopes, until it expires.

    Only a digest of the secret is kept. Expiry is real time, whatever the clinic's clock says.
    """

    class Scope(models.TextChoices):
        READ = "read", _("read")
        WRITE = "write", _("write")
        RULES = "rules", _("change rules")
        EVENTS = "events", _("post events")

    name = models.CharField(_("name"), max_length=100)
    hint = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), verbose_name=_("scopes"))
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    replaces = ClinicForeignKey("self", null=True, blank=True, editable=False, related_name="replaced_by")

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class IdempotencyRecord(ClinicModel):
    """The answer that a request with an Idempotency-Key got, kept for a day to be given again."""

    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")
        constraints = [models.UniqueConstraint(fields=["clinic", "caller", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expired")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


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
