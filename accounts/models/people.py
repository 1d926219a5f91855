"""Clinics and the people who work there."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.clock import ClinicNow
from clinic.db import ClinicModel


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
