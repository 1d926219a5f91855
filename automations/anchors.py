"""The moments of subjects that steps hang on, read from the rows as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.apps import apps

from automations.engine.declare import catalog

SubjectKey = tuple[str, int]
AnchorValues = dict[str, date | None]


def read_anchors(subjects: Iterable[SubjectKey]) -> dict[SubjectKey, AnchorValues]:
    """Return every anchor of the named subjects, one query a kind; the caller holds their patients' locks."""
    by_kind: dict[str, set[int]] = {}
    for kind, pk in subjects:
        by_kind.setdefault(kind, set()).add(pk)
    found: dict[SubjectKey, AnchorValues] = {}
    for kind, keys in by_kind.items():
        fields = {anchor.key: anchor.field for anchor in catalog.anchors.values() if anchor.subject == kind}
        if not fields:
            continue
        rows = apps.get_model(catalog.subjects[kind].model)._base_manager.filter(pk__in=keys)
        for pk, *values in rows.values_list("pk", *fields.values()):
            found[kind, pk] = dict(zip(fields, values, strict=True))
    return found


def begins_at(subject_type: str, anchors: Mapping[str, Any]) -> datetime | None:
    """Return the moment at which the subject begins, if it is a thing that begins (a visit)."""
    for anchor in catalog.anchors.values():
        if anchor.begins and anchor.subject == subject_type:
            value: datetime | None = anchors.get(anchor.key)
            return value
    return None
