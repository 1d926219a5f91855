"""Long work that people asked for and can look after, and the spreadsheets that they bring."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel


class Sheet(ClinicModel):
    """A spreadsheet that somebody uploaded, on its way into the clinic's records; its cells are in its parts."""

    class Noun(models.TextChoices):
        PATIENTS = "patients", _("patients")
        APPOINTMENTS = "appointments", _("appointments")

    class State(models.TextChoices):
        READ = "read", _("uploaded")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        IMPORTING = "importing", _("being imported")
        DONE = "done", _("imported")
        STOPPED = "stopped", _("stopped half-way")
        GONE = "gone", _("no longer kept")

    noun = models.CharField(_("what it holds"), max_length=20, choices=Noun.choices)
    name = models.CharField(_("file"), max_length=200)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    headers = models.JSONField(default=list, editable=False)
    rows = models.PositiveIntegerField(_("rows"), default=0, editable=False)
    columns = models.JSONField(default=list, editable=False)
    reading = models.JSONField(default=dict, editable=False)
    tell_rules = models.BooleanField(_("tell the rules"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.READ)
    uploaded_by = ClinicForeignKey("accounts.Membership", null=True, related_name="+", verbose_name=_("by"))
    counts = models.JSONField(default=dict, editable=False)
    expires_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("spreadsheet")
        verbose_name_plural = _("spreadsheets")
        ordering = ("-id",)
        indexes = [models.Index(fields=["expires_at"], name="sheet_expires")]

    def __str__(self) -> str:
        return self.name


class SheetPart(ClinicModel):
    """So many rows of a spreadsheet as are written at once: [line in the file, [cells]], and those that were refused.

    A refusal is [line, header of the column, reason]. Once a sheet is imported its parts keep the refused rows alone.
    """

    sheet = ClinicForeignKey(Sheet, db_index=False, related_name="parts")
    number = models.PositiveIntegerField()
    rows = models.JSONField(default=list)
    refused = models.JSONField(default=list)

    class Meta:
        verbose_name = _("part of a spreadsheet")
        verbose_name_plural = _("parts of spreadsheets")
        ordering = ("sheet", "number")
        constraints = [models.UniqueConstraint(fields=["sheet", "number"], name="sheet_part_once")]


class SheetHabit(ClinicModel):
    """Which column meant what when this clinic last brought a spreadsheet of the kind; headers are folded."""

    noun = models.CharField(max_length=20, choices=Sheet.Noun.choices)
    columns = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("habit of spreadsheets")
        verbose_name_plural = _("habits of spreadsheets")
        constraints = [models.UniqueConstraint(fields=["clinic", "noun"], name="sheet_habit_once")]


class Job(ClinicModel):
    """Long work that a person asked for: it goes on without them, tells how far it is, and can be cancelled.

    A worker holds it by a lease. `turn` rises with each claim: what a worker writes under an older turn is refused, so
    a part is written once, whoever was killed or slow. `attempts` counts claims since a part was last written.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    OPEN = (State.QUEUED, State.RUNNING)

    kind = models.CharField(_("kind"), max_length=30)
    title = models.CharField(_("title"), max_length=250)
    asked_by = ClinicForeignKey("accounts.Membership", null=True, related_name="+", verbose_name=_("by"))
    sheet = ClinicForeignKey(Sheet, null=True, related_name="jobs")
    params = models.JSONField(default=dict, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(_("done"), default=0, editable=False)
    total = models.PositiveIntegerField(_("of"), default=0, editable=False)
    result = models.JSONField(default=dict, editable=False)
    error = models.CharField(_("error"), max_length=500, blank=True, editable=False)
    next_at = models.DateTimeField(db_default=ClinicNow(), editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    turn = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(state__in=["queued", "running"]), name="job_next"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Tell whether it still goes on."""
        return self.state in self.OPEN

    @property
    def percent(self) -> int:
        """Return how much is done, in percent; 0 while nobody knows how much there is."""
        return min(100 * self.done // self.total, 100) if self.total else 0
