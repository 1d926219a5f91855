"""Finding the patient whom a page is to be about."""

from __future__ import annotations

from typing import Any

from accounts import audit
from patients.models import Patient
from patients.selectors import search

MOST = 10
LONGEST = 100


def find_patients(clinic: Any, text: str, most: int = MOST) -> list[Patient]:
    """Return the active patients of the clinic whom the words find; that they were shown is on record."""
    words = text[:LONGEST].replace("\x00", " ").strip()
    if not words:
        return []
    rows = search(Patient.objects.for_clinic(clinic).filter(status=Patient.Status.ACTIVE), words)
    found = list(rows.order_by("family_name", "given_name", "pk")[:most])
    audit.listed("patient", found, clinic_id=clinic.pk)
    return found
