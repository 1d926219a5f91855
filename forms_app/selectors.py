"""The questions about forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet

from forms_app.models import FormRequest, FormResponse


def open_requests(patient_id: int) -> QuerySet[FormRequest]:
    """List what a patient still has to fill, the most urgent first."""
    rows = FormRequest.objects.filter(patient_id=patient_id, status__in=FormRequest.OPEN)
    rows = rows.select_related("template", "version")
    return rows.order_by(F("due_at").asc(nulls_last=True), "pk")


def blocking_forms(patient_id: int) -> QuerySet[FormRequest]:
    """List the open requests that must be filled before the patient may be booked."""
    return open_requests(patient_id).filter(blocking=True)


def patients_with_blocking_forms(patient_ids: Iterable[int]) -> set[int]:
    """Return those of the patients for whom `blocking_forms` are open; one query."""
    rows = FormRequest.objects.filter(patient_id__in=list(patient_ids), status__in=FormRequest.OPEN, blocking=True)
    return set(rows.order_by().values_list("patient_id", flat=True))


def newest_responses(patient_id: int) -> list[FormResponse]:
    """List the newest response of each form that the patient filled, newest first; withdrawn consents left out."""
    rows = FormResponse.objects.filter(patient_id=patient_id, request__status__in=FormRequest.FILLED)
    rows = rows.select_related("template", "version").order_by("template_id", "-id").distinct("template_id")
    return sorted(rows, key=lambda one: one.pk, reverse=True)


def newest_answers(patient_id: int, template_slugs: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Give the newest answers by form slug and question id."""
    wanted = None if template_slugs is None else set(template_slugs)
    found = {one.template.slug: one.answers for one in newest_responses(patient_id)}
    return {slug: answers for slug, answers in found.items() if wanted is None or slug in wanted}
