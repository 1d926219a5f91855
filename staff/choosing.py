"""Finding the patient whom a page is to be about."""

from __future__ import annotations

from typing import Any

from accounts import audit
from clinic.text import fold
from patients.models import Patient
from patients.selectors import search

MOST = 10
LONGEST = 100


def find_patients(clinic: Any, text: str, most: int = MOST, *, everybody: bool = False) -> list[Patient]:
    """Return the active patients of the clinic whom the words find (or `everybody`, those too who left its care).

    That they were shown is on record. Words of which nothing is left without accents and marks find nobody.
    """
    words = text[:LONGEST]
    if not fold(words.replace("\x00", " ")).strip():
        return []
    asked = Patient.objects.for_clinic(clinic)
    rows = search(asked if everybody else asked.filter(status=Patient.Status.ACTIVE), words)
    found = list(rows.order_by("family_name", "given_name", "pk")[:most])
    audit.listed("patient", found, clinic_id=clinic.pk)
    return found
