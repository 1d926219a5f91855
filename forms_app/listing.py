"""Lists of form requests, as staff filter them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from forms_app.models import FormRequest

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

    `words` must all be found in the patient's name or number.
    """
    rows = FormRequest.objects.for_clinic(clinic).filter(status__in=STATES[state][1])
    if state == "overdue":
        rows = rows.filter(due_at__lt=moment)
    if template is not None:
        rows = rows.filter(template_id=template)
    if patient is not None:
        rows = rows.filter(patient_id=patient)
    for word in words.replace("\x00", " ").split()[:8]:
        named = Q(patient__given_name__icontains=word) | Q(patient__family_name__icontains=word)
        rows = rows.filter(named | Q(patient__external_id__iexact=word))
    rows = rows.select_related("template", "patient", "message")
    if state in ("open", "overdue"):
        return rows.order_by(F("due_at").asc(nulls_last=True), "pk")
    return rows.order_by(F("finished_at").desc(nulls_last=True), "-pk")
