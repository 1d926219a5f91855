"""Finding the patient whom a page is to be about."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from accounts import audit
from patients.models import Patient

MOST = 10
LONGEST = 100


def find_patients(clinic: Any, text: str, most: int = MOST) -> list[Patient]:
    """Return active patients of the clinic of whom each word is part of the name, number or phone; on record."""
    words = text[:LONGEST].replace("\x00", " ").split()
    if not words:
        return []
    rows = Patient.objects.for_clinic(clinic).filter(status=Patient.Status.ACTIVE)
    for word in words:
        named = Q(given_name__icontains=word) | Q(family_name__icontains=word)
        rows = rows.filter(named | Q(external_id__iexact=word) | Q(phone__contains=word))
    found = list(rows.order_by("family_name", "given_name", "pk")[:most])
    audit.listed("patient", found, clinic_id=clinic.pk)
    return found
