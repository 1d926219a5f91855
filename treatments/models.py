"""Treatment plans, what they prescribe, the sessions that patients log, and what is counted of them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import ClinicForeignKey, ClinicModel, WatchedModel

PAIN_MAX = 10
SESSIONS_A_WEEK_MAX = 50
STILL_COUNTED = (
    Q(counted_until_on__isnull=False)
    & (Q(ends_on__isnull=True) | Q(counted_until_on__lte=F("ends_on")))
    & (Q(ended_on__isnull=True) | Q(counted_until_on__lt=F("ended_on")))
)
"""Plans of which a week is still to be closed, now or later."""


class Program(ClinicModel):
    """A kind of plan that a clinic offers, for example "Knee rehabilitation"; rules name it by its slug.

    `exercises` are what a new plan of it begins with, as `treatments.exercising` writes them; plans keep their own.
    """

    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=200)
    exercises = models.JSONField(_("exercises"), default=list, blank=True, editable=False)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    class Meta:
        verbose_name = _("treatment program")
        verbose_name_plural = _("treatment programs")
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="program_slug_in_clinic")]

    def __str__(self) -> str:
        return self.name


class TreatmentPlan(WatchedModel):
    """What one patient is to do at home, from a day on (FHIR CarePlan).

    `active_on` and `ended_on` are the clinic's local days on which it was assigned and on which it was completed or
    cancelled; `counted_until_on` is the first day that no closed week holds.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")

    external_id = models.CharField(_("external id"), max_length=200, null=True, blank=True)
    patient = ClinicForeignKey("patients.Patient", related_name="plans", verbose_name=_("patient"))
    program = ClinicForeignKey(Program, null=True, blank=True, related_name="plans", verbose_name=_("program"))
    name = models.CharField(_("name"), max_length=200)
    specialist = ClinicForeignKey(
        "accounts.Membership", null=True, blank=True, related_name="plans", verbose_name=_("specialist")
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    active_on = models.DateField(_("active from"), null=True, blank=True, editable=False)
    ended_on = models.DateField(_("ended on"), null=True, blank=True, editable=False)
    counted_until_on = models.DateField(null=True, blank=True, editable=False)

    watched = ("status", "specialist_id", "program_id", "starts_on", "ends_on")
    snapshot = ("status", "specialist_id", "program_id")

    class Meta:
        verbose_name = _("treatment plan")
        verbose_name_plural = _("treatment plans")
        ordering = ("-starts_on", "-id")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "external_id"], name="plan_external_id_in_clinic"),
            models.CheckConstraint(
                name="plan_ends_after_it_starts",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The last day lies before the first."),
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "status"], name="plan_of_patient"),
            models.Index(fields=["clinic", "counted_until_on"], condition=STILL_COUNTED, name="plan_still_counted"),
        ]

    def __str__(self) -> str:
        return self.name


class PlanVersion(ClinicModel):
    """What a plan prescribes from a day on. Versions never change: a new one takes over from its day."""

    plan = ClinicForeignKey(TreatmentPlan, related_name="versions", verbose_name=_("treatment plan"))
    number = models.PositiveSmallIntegerField(_("version"))
    from_on = models.DateField(_("valid from"))
    sessions_per_week = models.PositiveSmallIntegerField(_("sessions a week"))
    written_by = ClinicForeignKey("accounts.Membership", null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("version of a plan")
        verbose_name_plural = _("versions of plans")
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["plan", "number"], name="version_number_in_plan")]

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"


class Exercise(ClinicModel):
    """One exercise of a version of a plan, and how often a week it is to be done."""

    version = ClinicForeignKey(PlanVersion, related_name="exercises")
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=200)
    instructions = models.TextField(_("instructions"), blank=True)
    sessions_per_week = models.PositiveSmallIntegerField(
        _("sessions a week"), validators=[MaxValueValidator(SESSIONS_A_WEEK_MAX)]
    )

    class Meta:
        verbose_name = _("exercise")
        verbose_name_plural = _("exercises")
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["version", "position"], name="exercise_position_in_version")]

    def __str__(self) -> str:
        return self.name


class PlanPause(ClinicModel):
    """A stretch of days on which nothing is prescribed: from the day of pausing, until the day of resuming."""

    plan = ClinicForeignKey(TreatmentPlan, related_name="pauses", verbose_name=_("treatment plan"))
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("until (that day excluded)"), null=True, blank=True)

    class Meta:
        verbose_name = _("pause of a plan")
        verbose_name_plural = _("pauses of plans")
        ordering = ("from_on", "id")
        constraints = [
            models.UniqueConstraint(fields=["plan"], condition=Q(until_on__isnull=True), name="one_open_pause_a_plan")
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.from_on} - {self.until_on or '…'}"


class ExerciseSession(WatchedModel):
    """An exercise done once, as somebody logged it. `done_on` is the patient's local day."""

    class Status(models.TextChoices):
        DONE = "done", _("done")
        ENTERED_IN_ERROR = "entered_in_error", _("entered in error")

    class By(models.TextChoices):
        PATIENT = "patient", _("the patient")
        CONTACT = "contact", _("a contact")
        STAFF = "staff", _("staff")

    plan = ClinicForeignKey(TreatmentPlan, related_name="sessions", verbose_name=_("treatment plan"))
    patient = ClinicForeignKey("patients.Patient", related_name="exercise_sessions", verbose_name=_("patient"))
    exercise = ClinicForeignKey(Exercise, null=True, blank=True, related_name="sessions", verbose_name=_("exercise"))
    done_at = models.DateTimeField(_("done at"))
    done_on = models.DateField(_("done on"), editable=False)
    pain = models.PositiveSmallIntegerField(
        _("pain (0 to 10)"), null=True, blank=True, validators=[MaxValueValidator(PAIN_MAX)]
    )
    note = models.TextField(_("note"), blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.DONE)
    logged_by = models.CharField(_("logged by"), max_length=10, choices=By.choices, default=By.STAFF)
    member = ClinicForeignKey(
        "accounts.Membership", null=True, blank=True, related_name="+", verbose_name=_("member of staff")
    )

    watched = ("status", "done_at", "pain", "exercise_id")
    snapshot = ("status", "pain")

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ("-done_at", "-id")
        constraints = [
            models.CheckConstraint(name="session_pain_0_to_10", condition=Q(pain__isnull=True) | Q(pain__lte=PAIN_MAX))
        ]
        indexes = [
            models.Index(fields=["plan", "done_on"], name="session_of_plan"),
            models.Index(fields=["patient", "done_at"], name="session_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.done_on}"


class PainScore(WatchedModel):
    """Pain as a patient rated it, 0 to 10 (LOINC 72514-3): told with a session, measured here, or imported."""

    class Source(models.TextChoices):
        SESSION = "session", _("a session")
        STAFF = "staff", _("staff")
        IMPORT = "import", _("an import")

    class Status(models.TextChoices):
        FINAL = "final", _("final")
        ENTERED_IN_ERROR = "entered_in_error", _("entered in error")

    external_id = models.CharField(_("external id"), max_length=200, null=True, blank=True)
    patient = ClinicForeignKey("patients.Patient", related_name="pain_scores", verbose_name=_("patient"))
    value = models.FloatField(_("pain (0 to 10)"), validators=[MinValueValidator(0), MaxValueValidator(PAIN_MAX)])
    measured_at = models.DateTimeField(_("measured at"))
    source = models.CharField(_("told by"), max_length=10, choices=Source.choices, default=Source.STAFF)
    session = ClinicForeignKey(
        ExerciseSession, null=True, blank=True, related_name="pain_scores", verbose_name=_("session")
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.FINAL)

    watched = ("value", "measured_at", "status")

    class Meta:
        verbose_name = _("pain score")
        verbose_name_plural = _("pain scores")
        ordering = ("-measured_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "external_id"], name="pain_external_id_in_clinic"),
            models.UniqueConstraint(fields=["session"], name="one_pain_score_a_session"),
            models.CheckConstraint(name="pain_0_to_10", condition=Q(value__gte=0) & Q(value__lte=PAIN_MAX)),
        ]
        indexes = [models.Index(fields=["patient", "measured_at"], name="pain_of_patient")]

    def __str__(self) -> str:
        return f"{self.value:g}"


class WeeklyAdherence(WatchedModel):
    """One closed week of one plan. `percent` = min(completed, prescribed) ÷ prescribed, in percent.

    The week begins on `week_on`; counted are `first_on` to `last_on`. `previous` is what the week evaluated before it
    had when this one closed. Weeks in which nothing was prescribed have no row.
    """

    plan = ClinicForeignKey(TreatmentPlan, related_name="weeks", verbose_name=_("treatment plan"))
    patient = ClinicForeignKey("patients.Patient", related_name="weeks", verbose_name=_("patient"))
    week_on = models.DateField(_("week of"))
    first_on = models.DateField(_("first day counted"))
    last_on = models.DateField(_("last day counted"))
    prescribed = models.PositiveSmallIntegerField(_("prescribed"))
    completed = models.PositiveSmallIntegerField(_("completed"))
    percent = models.FloatField(_("adherence (%)"))
    previous = models.FloatField(_("the week before (%)"), null=True)
    closed_at = models.DateTimeField(_("closed at"))

    watched = ("prescribed", "completed", "percent")

    class Meta:
        verbose_name = _("week of a plan")
        verbose_name_plural = _("weeks of plans")
        ordering = ("-week_on", "-id")
        constraints = [models.UniqueConstraint(fields=["plan", "first_on"], name="week_once_a_plan")]
        indexes = [models.Index(fields=["patient", "week_on"], name="week_of_patient")]

    def __str__(self) -> str:
        return f"{self.plan} {self.week_on}: {self.percent:.0f} %"
