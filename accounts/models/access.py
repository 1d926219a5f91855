"""Ways in: invitations of people, tokens of programs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Membership, User
from clinic.db import ClinicForeignKey, ClinicModel


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
