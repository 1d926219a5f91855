"""Form templates and their versions, requests to patients, and the signed answers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.changes import muted_reason
from clinic.clock import ClinicNow
from clinic.db import ClinicForeignKey, ClinicModel, WatchedModel
from patients.categories import Category


def why_muted() -> str:
    """Say why events are muted where a request is being made, as briefly as its column holds."""
    return muted_reason()[:100]


class FormTemplate(ClinicModel):
    """A consent, a questionnaire or a survey (FHIR Questionnaire).

    `draft` is a wording that nobody is asked yet: the fields of a version. `external_id` is what an import knows it by.
    """

    class Kind(models.TextChoices):
        CONSENT = "consent", _("consent")
        QUESTIONNAIRE = "questionnaire", _("questionnaire")
        SURVEY = "survey", _("survey")

    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    external_id = models.CharField(_("external id"), max_length=100, blank=True)
    draft = models.JSONField(_("draft"), default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = _("form template")
        verbose_name_plural = _("form templates")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["clinic", "slug"], name="form_template_slug_in_clinic"),
            models.UniqueConstraint(
                fields=["clinic", "external_id"], condition=~models.Q(external_id=""), name="form_template_external_id"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FormTemplateVersion(ClinicModel):
    """One published wording of a template; never changed.

    `questions` is a list of {"id", "type", "text", "required", …}; forms_app/questions.py knows the types and their
    keys. `translations` holds title and text in other languages than the clinic's: {"ro": {"title", "text"}}.
    """

    template = ClinicForeignKey(FormTemplate, related_name="versions", verbose_name=_("template"))
    number = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"), blank=True)
    questions = models.JSONField(_("questions"), default=list, blank=True)
    translations = models.JSONField(_("translations"), default=dict, blank=True)
    published_by = ClinicForeignKey("accounts.Membership", null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="form_version_number_once")]

    def __str__(self) -> str:
        return f"{self.title} (v{self.number})"


class FormRequest(WatchedModel):
    """A form that a patient is asked to sign or fill (FHIR Task and QuestionnaireResponse).

    `about_type` and `about_id` name what it belongs to ("appointment", 812); a consent belongs to the patient alone.
    `due_days_before` ties the due moment to the start of what it is about. `response_number` is the number of the
    newest response (0: none), so that a correction is a change that others can watch. `overdue_since` is the newest due
    time that passed while the form was open; a due time that moves ahead may pass again. `muted` says why the request
    was made in silence: so is its passing of the due time. `message` is the (first) one
    that told the patient of it last, for people to look at; FormTelling has all of them.
    """

    class Status(models.TextChoices):
        REQUIRED = "required", _("required")
        IN_PROGRESS = "in_progress", _("in progress")
        SIGNED = "signed", _("signed")
        SUBMITTED = "submitted", _("submitted")
        AMENDED = "amended", _("amended")
        DECLINED = "declined", _("declined")
        VOIDED = "voided", _("voided")
        EXPIRED = "expired", _("expired")
        WITHDRAWN = "withdrawn", _("withdrawn")

    OPEN = (Status.REQUIRED, Status.IN_PROGRESS)
    FILLED = (Status.SIGNED, Status.SUBMITTED, Status.AMENDED)

    patient = ClinicForeignKey(
        "patients.Patient", db_index=False, related_name="form_requests", verbose_name=_("patient")
    )
    template = ClinicForeignKey(FormTemplate, related_name="requests", verbose_name=_("form"))
    version = ClinicForeignKey(FormTemplateVersion, db_index=False, related_name="+", verbose_name=_("version"))
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.REQUIRED)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    due_days_before = models.PositiveSmallIntegerField(null=True, editable=False)
    blocking = models.BooleanField(_("blocks booking"), default=False)
    about_type = models.CharField(max_length=40, blank=True, editable=False)
    about_id = models.BigIntegerField(null=True, editable=False)
    draft_answers = models.JSONField(default=dict, editable=False)
    message = ClinicForeignKey("messaging.Delivery", null=True, blank=True, editable=False, related_name="+")
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)
    reason = models.CharField(_("why"), max_length=200, blank=True, editable=False)
    response_number = models.PositiveSmallIntegerField(default=0, editable=False)
    overdue_since = models.DateTimeField(_("overdue since"), null=True, editable=False)
    muted = models.CharField(max_length=100, default=why_muted, blank=True, editable=False)
    source_step = ClinicForeignKey(
        "automations.Step", db_index=False, null=True, blank=True, editable=False, related_name="+"
    )

    watched = ("status", "due_at", "template_id", "response_number", "overdue_since")
    snapshot = ("status", "due_at", "template_id")

    class Meta:
        verbose_name = _("form request")
        verbose_name_plural = _("form requests")
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["source_step"], name="one_form_request_a_step")]
        indexes = [
            models.Index(fields=["patient", "status"], name="form_request_of_patient"),
            models.Index(fields=["about_type", "about_id"], name="form_request_about"),
            models.Index(
                fields=["due_at"],
                condition=models.Q(
                    models.Q(overdue_since__isnull=True) | models.Q(overdue_since__lt=models.F("due_at")),
                    status__in=["required", "in_progress"],
                    due_at__isnull=False,
                ),
                name="form_request_coming_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} #{self.pk}"


class FormTelling(ClinicModel):
    """For whom a message tells, or is to tell, a patient of a request: a step, or a person (no step).

    `category` and `not_after` are what the message must be for them: of that category, and of use until then (empty:
    without end). `stopped_at`: the step was stopped before the message had left. A message that waits is wanted by
    whoever has a line for an open request and was not stopped (forms_app/telling.py).
    """

    request = ClinicForeignKey(FormRequest, db_index=False, related_name="tellings")
    delivery = ClinicForeignKey("messaging.Delivery", related_name="form_tellings")
    step = ClinicForeignKey("automations.Step", null=True, related_name="+")
    category = models.CharField(max_length=20, choices=Category.choices, editable=False)
    not_after = models.DateTimeField(null=True, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("message about a form")
        verbose_name_plural = _("messages about forms")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "delivery", "step"], nulls_distinct=False, name="form_told_once_a_step"
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"


class FormResponse(ClinicModel):
    """Signed or submitted answers. The database refuses to change them; a correction is a new number.

    `folded` holds the answers that are texts, without case and accents, so that SQL compares them as Python does.
    `drawing_hash` is the SHA-256 of the drawn signature, part of what was signed; empty where the name was typed.
    What was signed at the clinic, on its tablet or on paper, names who of the staff saw it; `scan_hash` is the SHA-256
    of the scanned paper.
    """

    class Method(models.TextChoices):
        ONLINE = "online", _("online")
        TABLET = "tablet", _("on the clinic's tablet")
        PAPER = "paper", _("on paper")

    request = ClinicForeignKey(FormRequest, related_name="responses", verbose_name=_("request"))
    patient = ClinicForeignKey("patients.Patient", related_name="form_responses")
    template = ClinicForeignKey(FormTemplate, related_name="+")
    version = ClinicForeignKey(FormTemplateVersion, related_name="+")
    number = models.PositiveSmallIntegerField(_("number"), default=1)
    answers = models.JSONField(_("answers"))
    folded = models.JSONField(default=dict, editable=False)
    signed_by = models.CharField(_("signed by"), max_length=200)
    relation = models.CharField(_("relation"), max_length=50)
    signed_at = models.DateTimeField(_("signed at"), db_default=ClinicNow())
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    content_hash = models.CharField(_("content hash (SHA-256)"), max_length=64)
    drawing_hash = models.CharField(max_length=64, default="", blank=True, editable=False)
    method = models.CharField(_("how"), max_length=10, choices=Method.choices, default=Method.ONLINE, editable=False)
    witnessed_by = ClinicForeignKey(
        "accounts.Membership", null=True, blank=True, editable=False, related_name="+", verbose_name=_("witnessed by")
    )
    scan_hash = models.CharField(max_length=64, default="", blank=True, editable=False)

    class Meta:
        verbose_name = _("form response")
        verbose_name_plural = _("form responses")
        ordering = ("request", "number")
        constraints = [models.UniqueConstraint(fields=["request", "number"], name="response_number_once")]
        indexes = [models.Index(fields=["patient", "template", "-id"], name="response_newest")]

    def __str__(self) -> str:
        return f"{self.version} #{self.pk}"


class SignatureDrawing(ClinicModel):
    """A signature as it was drawn: a picture in shades of grey (PNG). The database refuses to change it."""

    response = ClinicForeignKey(FormResponse, related_name="drawings")
    png = models.BinaryField()

    class Meta:
        verbose_name = _("drawn signature")
        verbose_name_plural = _("drawn signatures")
        constraints = [models.UniqueConstraint(fields=["response"], name="one_drawing_a_response")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.response_id}"


class PaperScan(ClinicModel):
    """The scan of a form that was signed on paper. The database refuses to change it.

    `kind` was found by looking into the file, `name` is what its owner called it.
    """

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        PNG = "png", "PNG"
        JPEG = "jpeg", "JPEG"

    response = ClinicForeignKey(FormResponse, related_name="scans")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    name = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("scan of a paper form")
        verbose_name_plural = _("scans of paper forms")
        constraints = [models.UniqueConstraint(fields=["response"], name="one_scan_a_response")]

    def __str__(self) -> str:
        return self.name


class SigningLink(ClinicModel):
    """A link that a message carries to the open forms of one patient (forms_app/links.py).

    Of its token only `digest` (SHA-256) is kept; the site's key and `salt` together write the same token again.
    `address_mark` tells whether the reader's address is still the one it was sent to. Opening it by POST spends it:
    `holder_digest` is then that of the one browser which may go on, until `held_until`. `touched` holds the ids of the
    requests that were kept, signed or declined through it. `wrong_dates` counts wrong dates of birth; too many lock it.
    """

    patient = ClinicForeignKey("patients.Patient", related_name="signing_links")
    contact = ClinicForeignKey("patients.Contact", null=True, blank=True, related_name="+", on_delete=models.CASCADE)
    delivery = ClinicForeignKey("messaging.Delivery", null=True, blank=True, related_name="signing_links")
    salt = models.CharField(max_length=32, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    address_mark = models.CharField(max_length=16, editable=False)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True, editable=False)
    holder_digest = models.CharField(max_length=64, blank=True, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    touched = ArrayField(models.BigIntegerField(), default=list, editable=False)
    wrong_dates = models.PositiveSmallIntegerField(default=0, editable=False)
    locked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("signing link")
        verbose_name_plural = _("signing links")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"
