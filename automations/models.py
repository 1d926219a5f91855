"""Rules and their versions; events, runs and steps. docs/architecture.md says how rows flow through them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel


class Rule(ClinicModel):
    """An automation: its draft, its published version and its mode."""

    class Mode(models.TextChoices):
        DRAFT = "draft", _("draft")
        ON = "on", _("on")
        REVIEW = "review", _("review")
        PAUSED = "paused", _("paused")
        QUARANTINED = "quarantined", _("quarantined")
        ARCHIVED = "archived", _("archived")

    MATCHING = (Mode.ON, Mode.REVIEW, Mode.PAUSED)

    slug = models.SlugField(_("slug"), max_length=80)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    mode = models.CharField(_("mode"), max_length=12, choices=Mode.choices, default=Mode.DRAFT)
    mode_reason = models.CharField(_("why"), max_length=500, blank=True)
    owner = ClinicForeignKey("accounts.Membership", null=True, blank=True, related_name="+", verbose_name=_("owner"))
    draft = models.JSONField(_("draft"), default=dict, blank=True)
    published = ClinicForeignKey("automations.RuleVersion", null=True, blank=True, editable=False, related_name="+")
    active_since = models.DateTimeField(_("active since"), null=True, editable=False)
    error_streak = models.PositiveSmallIntegerField(default=0, editable=False)
    recipe = models.SlugField(_("recipe"), blank=True, editable=False)
    edits = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="rule_slug_in_clinic")]

    def __str__(self) -> str:
        return self.name


class RuleVersion(ClinicModel):
    """One published wording of a rule; never changed."""

    rule = ClinicForeignKey(Rule, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    trigger = models.CharField(_("trigger"), max_length=60)
    trigger_config = models.JSONField(_("trigger settings"), default=dict)
    conditions = models.JSONField(_("conditions"), default=dict)
    actions = models.JSONField(_("actions"), default=list)
    settings = models.JSONField(_("settings"), default=dict)
    published_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("rule version")
        verbose_name_plural = _("rule versions")
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_number_once")]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"


class Event(ClinicModel):
    """Something that happened to a patient's records; written in the transaction that made it happen.

    `data` holds codes, ids, numbers and moments: `new` (the subject as it then was), `old` (what changed). `facts` is
    what every evaluation of this event reads. `created_at` is the moment of recording. An event with a `rule` was made
    for that rule alone and no other answers it. One that no change of a record made has revision 0, and an `occasion`
    that names it once and for all; where another record than the subject changed, the `occasion` is that record's id.
    """

    class State(models.TextChoices):
        NEW = "new", _("new")
        MATCHED = "matched", _("matched")
        DEAD = "dead", _("dead")

    trigger = models.CharField(_("trigger"), max_length=60)
    patient = ClinicForeignKey("patients.Patient", db_index=False, related_name="events", verbose_name=_("patient"))
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    revision = models.PositiveIntegerField()
    occasion = models.CharField(max_length=120, blank=True)
    rule = ClinicForeignKey(Rule, db_index=False, null=True, blank=True, related_name="+", verbose_name=_("for rule"))
    data = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(_("occurred at"))
    origin = models.CharField(max_length=10)
    muted = models.CharField(_("muted because"), max_length=100, blank=True)
    caused_by = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, related_name="caused_events"
    )
    depth = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["trigger", "subject_type", "subject_id", "revision", "occasion"],
                name="one_event_a_transition",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="new"), name="event_new"),
            models.Index(fields=["patient", "id"], condition=models.Q(state="new"), name="event_new_of_patient"),
            models.Index(fields=["subject_type", "subject_id", "id"], name="event_of_subject"),
            models.Index(fields=["patient", "id"], name="event_of_patient"),
            models.Index(fields=["clinic", "trigger", "occurred_at"], name="event_of_clinic"),
            models.Index(fields=["caused_by"], condition=models.Q(caused_by__isnull=False), name="event_caused_by"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} #{self.pk}"


class Run(ClinicModel):
    """A rule that answered an event: it matched, was suppressed (and why), or met an error."""

    class Outcome(models.TextChoices):
        MATCHED = "matched", _("matched")
        SUPPRESSED = "suppressed", _("suppressed")
        ERROR = "error", _("error")

    event = ClinicForeignKey(Event, db_index=False, related_name="runs")
    rule = ClinicForeignKey(Rule, db_index=False, related_name="runs")
    version = ClinicForeignKey(RuleVersion, db_index=False, null=True, related_name="runs")
    patient = ClinicForeignKey("patients.Patient", db_index=False, related_name="runs")
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    reason_text = models.CharField(max_length=500, blank=True)
    verdict = models.JSONField(_("verdict"), null=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["event", "rule"], name="one_run_a_rule_and_event")]
        indexes = [
            models.Index(fields=["rule", "-created_at"], name="run_of_rule"),
            models.Index(fields=["patient", "rule", "-created_at"], name="run_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} #{self.pk}"


class Step(ClinicModel):
    """One action of one run for one recipient, from its plan to its end."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        HELD = "held", _("held")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("failed")

    OPEN = (State.PENDING, State.HELD)

    run = ClinicForeignKey(Run, related_name="steps")
    version = ClinicForeignKey("automations.RuleVersion", db_index=False, null=True, editable=False, related_name="+")
    rule = ClinicForeignKey(Rule, db_index=False, related_name="steps")
    patient = ClinicForeignKey("patients.Patient", db_index=False, related_name="steps")
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    action_id = models.CharField(max_length=40)
    action = models.CharField(_("action"), max_length=60)
    config = models.JSONField(_("settings"), default=dict)
    role = models.CharField(max_length=60, blank=True)
    due_at = models.DateTimeField(_("due"))
    waiting_for = models.CharField(_("waiting for"), max_length=60, blank=True)
    not_after = models.DateTimeField(_("not after"), null=True)
    anchor = models.CharField(max_length=60, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    stop_on = ArrayField(models.CharField(max_length=80), default=list)
    recheck = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    reason_text = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(null=True)
    result = models.JSONField(_("result"), null=True)
    key = models.CharField(max_length=200)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("due_at", "id")
        constraints = [models.UniqueConstraint(fields=["key"], name="one_step_a_key")]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=models.Q(state="pending"), name="step_due"),
            models.Index(fields=["subject_type", "subject_id"], name="step_of_subject"),
            models.Index(fields=["patient", "state"], name="step_of_patient"),
            models.Index(fields=["rule", "state"], name="step_of_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.action} #{self.pk}"

    @property
    def wording_id(self) -> int | None:
        """The version whose settings the step acts by: its run's, unless a newer one was applied to what is pending.

        When the step is due stays what the version of its run has planned.
        """
        return self.version_id or self.run.version_id


class DateCursor(ClinicModel):
    """How far a rule on a date of its patients has come: the next local day to look at, and whom it has looked at."""

    rule = ClinicForeignKey(Rule, db_index=False, related_name="date_cursors")
    version = ClinicForeignKey(RuleVersion, db_index=False, related_name="+")
    day = models.DateField()
    after_patient = models.BigIntegerField(default=0)
    next_at = models.DateTimeField()

    class Meta:
        verbose_name = _("date cursor")
        verbose_name_plural = _("date cursors")
        constraints = [models.UniqueConstraint(fields=["rule"], name="one_date_cursor_a_rule")]
        indexes = [models.Index(fields=["next_at"], name="date_cursor_next")]

    def __str__(self) -> str:
        return f"{self.rule} {self.day}"


class Enrolment(ClinicModel):
    """A rule started for patients who were there before it, so many a minute, until all have had their turn."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    rule = ClinicForeignKey(Rule, related_name="enrolments", verbose_name=_("rule"))
    who = models.CharField(_("who"), max_length=100)
    patient_ids = ArrayField(models.BigIntegerField(), default=list, editable=False)
    per_minute = models.PositiveIntegerField(_("patients a minute"))
    position = models.PositiveIntegerField(default=0, editable=False)
    started = models.PositiveIntegerField(_("started"), default=0, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RUNNING)
    next_at = models.DateTimeField(db_default=ClinicNow(), editable=False)
    started_by = ClinicForeignKey("accounts.Membership", null=True, related_name="+", verbose_name=_("by"))
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=models.Q(state="running"), name="one_running_enrolment_a_rule"
            )
        ]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(state="running"), name="enrolment_next")]

    def __str__(self) -> str:
        return f"{self.rule} #{self.pk}"
