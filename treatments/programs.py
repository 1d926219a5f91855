"""The treatment programs of a clinic: rules name them by slug, so they are archived and never removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.guards import CARE
from accounts.validation import check
from clinic import clock
from clinic.errors import ClinicError
from treatments.exercising import checked
from treatments.models import Program


def create_program(*, clinic: Any, slug: str, name: str, exercises: Sequence[Mapping[str, Any]] = ()) -> Program:
    """Offer a kind of plan, with what its plans begin with. Raises ClinicError (`taken`) for a slug that is there."""
    permissions.require(clinic, *CARE)
    if Program.objects.for_clinic(clinic).filter(slug=slug).exists():
        raise ClinicError(_("There is a program with this slug already."), code="taken", path="slug")
    with transaction.atomic():
        row = Program(clinic=clinic, slug=slug, name=name, exercises=checked(exercises))
        check(row)
        row.save()
        audit.record("program.created", obj=row)
    return row


def update_program(
    program: Program, *, name: str | None = None, exercises: Sequence[Mapping[str, Any]] | None = None
) -> Program:
    """Change a program's name, or what its plans begin with; its slug stays, and so does every plan."""
    permissions.require(program.clinic_id, *CARE)
    with transaction.atomic():
        row: Program = Program.objects.select_for_update(no_key=True).get(pk=program.pk)
        before = (row.name, row.exercises)
        row.name = row.name if name is None else name.strip()
        row.exercises = row.exercises if exercises is None else checked(exercises)
        if (row.name, row.exercises) == before:
            return row
        check(row)
        row.save(update_fields=["name", "exercises"])
        audit.record("program.updated", obj=row)
    return row


def archive_program(program: Program) -> Program:
    """Offer the program no longer; plans that follow it go on."""
    return _archive(program, True)


def restore_program(program: Program) -> Program:
    """Offer the program again."""
    return _archive(program, False)


def _archive(program: Program, archived: bool) -> Program:
    permissions.require(program.clinic_id, *CARE)
    with transaction.atomic():
        row: Program = Program.objects.select_for_update(no_key=True).get(pk=program.pk)
        if (row.archived_at is not None) == archived:
            return row
        row.archived_at = clock.now() if archived else None
        row.save(update_fields=["archived_at"])
        audit.record("program.archived" if archived else "program.restored", obj=row)
    return row
