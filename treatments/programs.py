"""The treatment programs of a clinic: rules name them by slug, so they are archived and never removed."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.guards import CARE
from accounts.validation import check
from clinic import clock
from clinic.errors import ClinicError
from treatments.models import Program


def create_program(*, clinic: Any, slug: str, name: str) -> Program:
    """Offer a new kind of plan. Raises ClinicError (`taken`) for a slug that the clinic has."""
    permissions.require(clinic, *CARE)
    if Program.objects.for_clinic(clinic).filter(slug=slug).exists():
        raise ClinicError(_("There is a program with this slug already."), code="taken", path="slug")
    with transaction.atomic():
        row = Program(clinic=clinic, slug=slug, name=name)
        check(row)
        row.save()
        audit.record("program.created", obj=row)
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
