"""Asking patients for forms, in bulk, without asking twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import Refused
from forms_app.models import FormRequest, FormTemplate, FormTemplateVersion
from patients.models import Patient

Status = FormRequest.Status
ONCE_FOR = "appointment"  # what a questionnaire is answered once for; about anything else it may be asked again

CREATED, REUSED, ALREADY_SIGNED = "created", "reused", "already_signed"


class Requested(NamedTuple):
    """The request that stands now, and how it came: created, reused (it was open) or already_signed."""

    request: FormRequest
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One form that one patient shall fill."""

    clinic_id: int
    patient_id: int
    template: FormTemplate
    due_at: datetime | None = None
    due_days_before: int | None = None
    blocking: bool = False
    about_type: str = ""
    about_id: int | None = None
    source_step_id: int | None = None
    occurred_at: datetime | None = None

    @property
    def about(self) -> tuple[str, int | None]:
        """Name what the request belongs to; a consent belongs to the patient alone."""
        if self.template.kind == FormTemplate.Kind.CONSENT or self.about_id is None:
            return "", None
        return self.about_type, self.about_id

    @property
    def key(self) -> tuple[int, int, str, int | None]:
        """Tell which requests are the same one."""
        return (self.patient_id, self.template.pk, *self.about)


def request_form(
    *,
    clinic: Any,
    patient: Any,
    template: FormTemplate,
    due_at: datetime | None = None,
    due_days_before: int | None = None,
    blocking: bool = False,
    about_type: str = "",
    about_id: int | None = None,
    source_step_id: int | None = None,
    occurred_at: datetime | None = None,
) -> Requested:
    """Ask a patient for a form.

    An open request for the same thing is reused (its demands only grow stricter), and what was signed or answered
    already is not asked again. Raises Refused for an archived or unpublished form and a patient who has left.
    """
    require(clinic)
    wanted = Wanted(
        clinic_id=clinic.pk,
        patient_id=patient.pk,
        template=template,
        due_at=due_at,
        due_days_before=due_days_before,
        blocking=blocking,
        about_type=about_type,
        about_id=about_id,
        source_step_id=source_step_id,
        occurred_at=occurred_at,
    )
    with transaction.atomic():
        requested = request_forms([wanted])[0]
        if requested.outcome == CREATED:
            audit.record("form.requested", obj=requested.request, detail={"form": template.slug})
    return requested


def request_forms(wanted: Sequence[Wanted]) -> list[Requested]:
    """Ask many patients for forms at once; one answer for each, in the same order. See `request_form`."""
    if not wanted:
        return []
    with transaction.atomic():
        lock_patients(one.patient_id for one in wanted)
        versions = _current_versions(wanted)
        _refuse_impossible(wanted, versions)
        known = _Known(wanted, versions)
        answers = [known.answer(one) for one in wanted]
        FormRequest.objects.bulk_create(known.new)
        if known.stricter:
            FormRequest.objects.bulk_update(
                known.stricter.values(), ["due_at", "due_days_before", "blocking", "version"]
            )
    return answers


def _current_versions(wanted: Iterable[Wanted]) -> dict[int, FormTemplateVersion]:
    templates = {one.template.pk for one in wanted}
    rows = FormTemplateVersion.objects.filter(template_id__in=templates).order_by("template_id", "-number")
    return {version.template_id: version for version in rows.distinct("template_id")}


def _refuse_impossible(wanted: Sequence[Wanted], versions: dict[int, FormTemplateVersion]) -> None:
    found = Patient.objects.filter(pk__in={one.patient_id for one in wanted}).in_bulk()
    stored = FormTemplate.objects.in_bulk({one.template.pk for one in wanted})
    for one in wanted:
        patient, template = found.get(one.patient_id), stored.get(one.template.pk)
        if patient is None or patient.clinic_id != one.clinic_id:
            raise Refused(_("This clinic has no such patient."), code="not_found", path="patient")
        if template is None or template.clinic_id != one.clinic_id:
            raise Refused(_("This clinic has no such form."), code="not_found", path="form")
        if not patient.is_active:
            raise Refused(_("This patient has left the clinic's care."), code="patient_inactive", path="patient")
        if template.archived_at is not None:
            message = _("The form %(form)s is archived; restore it first.") % {"form": template.slug}
            raise Refused(message, code="template_archived", path="form")
        if template.pk not in versions:
            raise Refused(_("Publish a version of this form first."), code="no_version", path="form")


class _Known:
    """What the patients were asked and have signed so far, and what must be written."""

    def __init__(self, wanted: Sequence[Wanted], versions: dict[int, FormTemplateVersion]) -> None:
        self.versions = versions
        self.moment = now()
        self.new: list[FormRequest] = []
        self.stricter: dict[int, FormRequest] = {}
        self.by_step: dict[int, FormRequest] = {}
        self.open: dict[tuple[int, int, str, int | None], FormRequest] = {}
        self.done: dict[tuple[int, int, str, int | None], FormRequest] = {}
        rows = FormRequest.objects.filter(patient_id__in={one.patient_id for one in wanted})
        rows = rows.filter(template_id__in={one.template.pk for one in wanted})
        standing = Q(status__in=(*FormRequest.OPEN, *FormRequest.FILLED))
        steps = [one.source_step_id for one in wanted if one.source_step_id is not None]
        for row in rows.filter(standing | Q(source_step_id__in=steps)).order_by("pk"):
            self._remember(row)

    def _remember(self, row: FormRequest) -> None:
        key = (row.patient_id, row.template_id, row.about_type, row.about_id)
        if row.source_step_id is not None:
            self.by_step[row.source_step_id] = row
        if row.status in FormRequest.OPEN:
            self.open[key] = row
        elif row.status in FormRequest.FILLED:
            self.done[key] = row

    def answer(self, one: Wanted) -> Requested:
        """Find the request that answers the wish, or plan a new one."""
        before = self.by_step.get(one.source_step_id) if one.source_step_id is not None else None
        if before is not None:
            return Requested(before, CREATED)
        if (row := self.open.get(one.key)) is not None:
            self._demand(row, one)
            return Requested(row, REUSED)
        if (row := self.done.get(one.key)) is not None and self._still_counts(row, one):
            return Requested(row, ALREADY_SIGNED)
        row = self._new(one)
        self.new.append(row)
        self._remember(row)
        return Requested(row, CREATED)

    def _still_counts(self, row: FormRequest, one: Wanted) -> bool:
        if one.template.kind == FormTemplate.Kind.CONSENT:
            return row.version_id == self.versions[one.template.pk].pk
        return row.about_type == ONCE_FOR

    def _new(self, one: Wanted) -> FormRequest:
        about_type, about_id = one.about
        row = FormRequest(
            clinic_id=one.clinic_id,
            patient_id=one.patient_id,
            template=one.template,
            version=self.versions[one.template.pk],
            due_at=one.due_at,
            due_days_before=one.due_days_before,
            blocking=one.blocking,
            about_type=about_type,
            about_id=about_id,
            source_step_id=one.source_step_id,
        )
        if one.occurred_at is not None:
            row.occurred_at_hint = one.occurred_at  # type: ignore[attr-defined]
        return row

    def _demand(self, row: FormRequest, one: Wanted) -> None:
        """Let the stricter of two wishes stand: the earlier due time, blocking, and the newest wording if untouched."""
        before = (row.due_at, row.blocking, row.version_id)
        if one.due_at is not None and (row.due_at is None or one.due_at < row.due_at):
            row.due_at, row.due_days_before = one.due_at, one.due_days_before
        row.blocking = row.blocking or one.blocking
        if row.status == Status.REQUIRED:
            row.version = self.versions[one.template.pk]
        if row.pk is not None and before != (row.due_at, row.blocking, row.version_id):
            row.caused_by_step_id = one.source_step_id  # type: ignore[attr-defined]
            self.stricter[row.pk] = row
