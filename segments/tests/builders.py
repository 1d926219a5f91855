"""Segments and crossings for tests."""

from __future__ import annotations

from typing import Any

from automations.models import Event
from patients.models import Patient
from segments import building, services
from segments.models import Segment, SegmentMembership


def tagged(*words: str) -> dict[str, Any]:
    """Return the conditions that a patient carries one of these tags."""
    return {"match": "all", "items": [{"field": "patient.tags", "op": "has_any_of", "value": list(words)}]}


def older_than(years: int) -> dict[str, Any]:
    """Return the conditions that a patient is at least this old."""
    return {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": years}]}


def dynamic(clinic: Any, conditions: Any, slug: str = "vips") -> Segment:
    """Define a dynamic segment; a clinic this small has it built at once."""
    return services.create(clinic=clinic, name=slug.title(), slug=slug, conditions=conditions)


def manual(clinic: Any, slug: str = "needs-a-call") -> Segment:
    """Define a manual segment."""
    return services.create(clinic=clinic, name=slug.title(), slug=slug, kind="manual")


def member_ids(segment: Segment) -> set[int]:
    """Return who is in the segment."""
    rows = SegmentMembership.objects.filter(segment=segment, is_member=True)
    return set(rows.values_list("patient_id", flat=True))


def told(**where: Any) -> list[tuple[str, str]]:
    """Return (trigger, why) of the crossings that rules heard of, oldest first."""
    rows = Event.objects.filter(subject_type="segment", muted="", **where).order_by("pk")
    return [(event.trigger, event.data["new"]["reason"]) for event in rows]


def change(patient: Patient, **fields: Any) -> Patient:
    """Change a patient as any caller would: read, set, save."""
    fresh = Patient.objects.get(pk=patient.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh.save()
    return fresh


def refresh() -> int:
    """Do what the sweep does."""
    return building.drain()
