"""Who of a clinic's patients is meant: everybody, people chosen one by one, or a group that another app knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic.errors import ClinicError

Find = Callable[[Any, str], Iterable[int]]
_groups: dict[str, Find] = {}


def register_group(kind: str, find: Find) -> None:
    """Let patients be named by a group of this kind (from `AppConfig.ready`).

    `find(clinic, slug)` returns the ids of its patients, and raises ClinicError for a slug that the clinic lacks.
    """
    _groups[kind] = find


def kinds() -> tuple[str, ...]:
    """Return the kinds of group by which patients may be named."""
    return tuple(_groups)


def active_patients(clinic_id: int) -> QuerySet:
    """Return the clinic's patients in care."""
    rows = apps.get_model("patients", "Patient").objects.filter(clinic_id=clinic_id, status="active")
    return rows.filter(deceased_on__isnull=True)


def chosen(
    clinic: Any, *, everybody: bool = False, patients: Iterable[int] | None = None, **groups: str | None
) -> list[int]:
    """Return the ids of the patients in care that are meant, in order. Raises ClinicError unless exactly one is given.

    `groups`: the slug of a group by its kind, for example segment="high-pain".
    """
    named = {kind: slug for kind, slug in groups.items() if slug}
    if everybody + (patients is not None) + len(named) != 1:
        message = _("Say who is meant: everybody, or one group, or a list of patients.")
        raise ClinicError(message, code="who", path=next(iter(named), "all"))
    rows = active_patients(clinic.pk)
    if not everybody:
        rows = rows.filter(pk__in=list(patients) if patients is not None else _members(clinic, *named.popitem()))
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _members(clinic: Any, kind: str, slug: str) -> list[int]:
    if kind not in _groups:
        message = _("Patients cannot be named by %(kind)s here.") % {"kind": kind}
        raise ClinicError(message, code="unknown_group", path=kind)
    return list(_groups[kind](clinic, slug))
