"""Templates, in-platform notifications, and what leaves the house: deliveries and their attempts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel
from patients.categories import Category


class MessageTemplate(ClinicModel):
    """A message that rules send, one body a language."""

    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=200)
    category = models.CharField(_("category"), max_length=20, choices=Category.choices, default=Category.TRANSACTIONAL)
    inside_only = models.BooleanField(
        _("only inside the platform"),
        default=False,
        help_text=_("Never sent by email, so it may name services, scores and diagnoses."),
    )
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="message_template_slug_in_clinic")]

    def __str__(self) -> str:
        return self.name


class MessageBody(ClinicModel):
    """Subject and text of a template in one language, in Liquid."""

    template = ClinicForeignKey(MessageTemplate, related_name="bodies", verbose_name=_("template"))
    language = models.CharField(_("language"), max_length=35)
    subject = models.CharField(_("subject"), max_length=200)
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("body")
        verbose_name_plural = _("bodies")
        constraints = [models.UniqueConstraint(fields=["template", "language"], name="one_body_a_language")]

    def __str__(self) -> str:
        return f"{self.template} ({self.language})"


class Notification(ClinicModel):
    """A message inside the platform, to one person of the staff or to a patient.

    `not_after`: what could not be seen by then never appears. `listed_in`: one of many of a rule within an hour, shown
    in the list that another one begins (messaging/digest.py).
    """

    patient = ClinicForeignKey("patients.Patient", related_name="notifications", verbose_name=_("about the patient"))
    recipient = ClinicForeignKey(
        "accounts.Membership", db_index=False, null=True, blank=True, related_name="notifications", verbose_name=_("to")
    )
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("body"), blank=True)
    category = models.CharField(_("category"), max_length=20, choices=Category.choices, default=Category.CLINICAL)
    link_kind = models.CharField(max_length=30, blank=True)
    link_id = models.BigIntegerField(null=True)
    visible_at = models.DateTimeField(_("visible from"), db_default=ClinicNow())
    not_after = models.DateTimeField(_("not after"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawn_reason = models.CharField(max_length=40, blank=True, editable=False)
    is_list = models.BooleanField(default=False, editable=False)
    listed_in = ClinicForeignKey("self", null=True, blank=True, editable=False, related_name="listed")
    read_at = models.DateTimeField(_("read at"), null=True, blank=True, editable=False)
    source_step = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["source_step", "recipient"], nulls_distinct=True, name="one_notification_a_person"
            ),
            models.UniqueConstraint(
                fields=["source_step"], condition=models.Q(recipient__isnull=True), name="one_notification_a_patient"
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "read_at"], name="notification_unread"),
            models.Index(fields=["recipient", "created_at"], name="notification_recent"),
        ]

    def __str__(self) -> str:
        return self.title


class PushSubscription(ClinicModel):
    """A browser that a person of the staff, or a patient, let show notifications; removed when it takes none any more.

    `endpoint` and the keys are the browser's, and whoever knows them can write to it; `vapid_key` is the public key of
    ours with which it subscribed: nobody else's signature counts there.
    """

    recipient = ClinicForeignKey("accounts.Membership", null=True, blank=True, related_name="push_subscriptions")
    patient = ClinicForeignKey("patients.Patient", null=True, blank=True, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=1000)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    vapid_key = models.CharField(max_length=100)

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "recipient", "patient"], nulls_distinct=False, name="push_once_a_person"
            ),
        ]

    def __str__(self) -> str:
        """Name the push service alone: the rest of the address is a secret."""
        return urlsplit(self.endpoint).hostname or ""


LABELS: dict[str, Any] = {}
"""What messages without a template are called, by purpose; filled by messaging.purposes."""


class Delivery(ClinicModel):
    """One message to one address, from queued to its outcome.

    `sending` is committed before a byte leaves, with a lease; address and text are read then and kept here. `attempts`
    also tells the holder of the lease from one who lost it; of them, `attempts_before` do not count any more, because a
    person had it tried again. `maybe_left`: an attempt may have reached the server, so this delivery can never again be
    called withdrawn, suppressed or failed, only sent or unknown. `on_behalf_of`: the ids of the rules that a message
    which several share stands for, so that a rule's pause holds it only if all are paused; empty: a person's, null: its
    source step's rule alone.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        RETRY = "retry", _("waiting to retry")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")
        SUPPRESSED = "suppressed", _("suppressed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    WAITING = (State.QUEUED, State.RETRY)
    ENDED_BADLY = (State.FAILED, State.UNKNOWN, State.SUPPRESSED)

    patient = ClinicForeignKey(
        "patients.Patient", db_index=False, related_name="deliveries", verbose_name=_("about the patient")
    )
    channel = models.CharField(max_length=10, default="email")
    purpose = models.CharField(max_length=20, default="template")
    category = models.CharField(_("category"), max_length=20, choices=Category.choices)
    template = ClinicForeignKey(MessageTemplate, db_index=False, null=True, blank=True, related_name="+")
    contact = ClinicForeignKey("patients.Contact", db_index=False, null=True, blank=True, related_name="+")
    recipient = ClinicForeignKey("accounts.Membership", db_index=False, null=True, blank=True, related_name="+")
    recipient_key = models.CharField(max_length=40)
    context = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    not_before = models.DateTimeField(_("not before"), db_default=ClinicNow())
    not_after = models.DateTimeField(_("not after"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempts_before = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    maybe_left = models.BooleanField(default=False, editable=False)
    withdraw_asked_at = models.DateTimeField(null=True, editable=False)
    message_id = models.CharField(max_length=200, unique=True)
    address = models.CharField(_("address"), max_length=254, blank=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    body_text = models.TextField(_("text"), blank=True)
    body_html = models.TextField(_("HTML"), blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)
    source_step = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )
    on_behalf_of = ArrayField(models.BigIntegerField(), null=True, editable=False)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["source_step", "recipient_key"], name="one_delivery_a_person")]
        indexes = [
            models.Index(
                fields=["not_before", "id"], condition=models.Q(state__in=["queued", "retry"]), name="delivery_due"
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state="sending"), name="delivery_leased"),
            models.Index(fields=["patient", "-id"], name="delivery_of_patient"),
            models.Index(
                fields=["clinic", "-id"],
                condition=models.Q(state__in=["failed", "unknown"]),
                name="delivery_not_arrived",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} #{self.pk}"

    @property
    def called(self) -> str:
        """What the staff call it: its template, or what its purpose is called, or its category."""
        return str(self.template or LABELS.get(self.purpose) or self.get_category_display())


class DeliveryAttempt(ClinicModel):
    """One conversation with a mail server or push service: when it began, how it ended, in the server's words."""

    delivery = ClinicForeignKey(Delivery, related_name="attempt_log")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"#{self.number}: {self.outcome}"
