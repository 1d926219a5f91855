"""Lists of form requests, as staff filter them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from forms_app.models import FormRequest
from patients.models import Patient
from patients.selectors import search

Status = FormRequest.Status
STATES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "open": (_("Still open"), FormRequest.OPEN),
    "overdue": (_("Overdue"), FormRequest.OPEN),
    "signed": (_("Signed"), FormRequest.FILLED),
    "declined": (_("Declined"), (Status.DECLINED,)),
    "ended": (_("Taken back"), (Status.VOIDED, Status.EXPIRED, Status.WITHDRAWN)),
}
"""What a list may be about: its name, and the states of its requests."""


def requests_of(
    clinic: Any,
    *,
    state: str,
    moment: datetime,
    template: int | None = None,
    patient: int | None = None,
    words: str = "",
) -> QuerySet[FormRequest]:
    """List the clinic's requests in one of STATES: what is open with the most urgent first, else the newest first.

    `words` find the patient as `patients.selectors.search` does.
    """
    rows = FormRequest.objects.for_clinic(clinic).filter(status__in=STATES[state][1])
    if state == "overdue":
        rows = rows.filter(due_at__lt=moment)
    if template is not None:
        rows = rows.filter(template_id=template)
    if patient is not None:
        rows = rows.filter(patient_id=patient)
    if words.strip():
        rows = rows.filter(patient__in=search(Patient.objects.for_clinic(clinic), words))
    rows = rows.select_related("template", "patient", "message")
    if state in ("open", "overdue"):
        return rows.order_by(F("due_at").asc(nulls_last=True), "pk")
    return rows.order_by(F("finished_at").desc(nulls_last=True), "-pk")
