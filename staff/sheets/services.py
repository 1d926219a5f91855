"""The verbs of spreadsheets: upload one, say what its columns mean and have it checked, have it imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic
from accounts.permissions import Role, membership_at, require
from clinic.batches import BATCH
from clinic.clock import now
from clinic.errors import ClinicError, Refused
from staff import jobs
from staff.models import Job, Sheet, SheetHabit, SheetPart
from staff.sheets import keeping, values
from staff.sheets.columns import guess, plain, targets
from staff.sheets.reading import read
from staff.sheets.writing import IMPORTERS

State = Sheet.State
DATES = ("day", "moment", "moment_or_day")


@transaction.atomic
def upload(*, clinic: Clinic, noun: str, name: str, content: bytes, encoding: str = "") -> Sheet:
    """Read a file and keep its cells, so that its columns can be named. Raises ClinicError for one that is no sheet."""
    require(clinic, *IMPORTERS)
    table = read(content, encoding=encoding, language=clinic.language)
    habit = SheetHabit.objects.filter(clinic=clinic, noun=noun).first()
    sheet = Sheet.objects.create(
        clinic=clinic,
        noun=noun,
        name=name[-200:],
        encoding=table.encoding,
        headers=[header or _("Column %(number)s") % {"number": at} for at, header in enumerate(table.headers, 1)],
        rows=len(table.rows),
        columns=guess(noun, table.headers, habit.columns if habit else {}),
        uploaded_by=membership_at(clinic),
        expires_at=now() + keeping.KEPT,
    )
    SheetPart.objects.bulk_create(
        SheetPart(clinic=clinic, sheet=sheet, number=number, rows=table.rows[start : start + BATCH])
        for number, start in enumerate(range(0, len(table.rows), BATCH))
    )
    audit.record("spreadsheet.uploaded", obj=sheet, detail={"noun": noun, "rows": sheet.rows})
    return sheet


def undecided_dates(sheet: Sheet, columns: Sequence[str]) -> tuple[bool, bool | None]:
    """Say whether dates of these columns can be read in two ways, and what others beside them show."""
    known = targets(sheet.noun)
    places = [at for at, key in enumerate(columns) if key in known and known[key].reader in DATES]
    return values.day_first(_cells(sheet, places))


def _cells(sheet: Sheet, places: Sequence[int]) -> Iterator[str]:
    for part in sheet.parts.order_by("number").iterator(chunk_size=20):
        for _line, row in part.rows:
            for at in places:
                if at < len(row):
                    yield row[at]


@transaction.atomic
def choose_columns(sheet: Sheet, columns: Sequence[str], *, day_first: bool | None = None) -> Job:
    """Say what each column means, and have the rows checked: what would be created, changed, refused, and why.

    The clinic's next spreadsheet of the kind begins with these columns. Raises ClinicError for what is missing or
    named twice, and for dates that nobody can tell apart unless `day_first` does.
    """
    stored = _locked(sheet, (State.READ, State.CHECKED))
    _check_columns(stored, columns)
    doubtful, shown = undecided_dates(stored, columns)
    if day_first is None and doubtful and shown is None:
        message = _("Say what comes first in dates like 03/04/2026: the day or the month.")
        raise ClinicError(message, code="date_order", path="day_first")
    stored.columns = list(columns)
    stored.reading = {
        "day_first": shown if day_first is None else day_first,
        "m_is_female": "sex" in columns and values.m_is_female(_cells(stored, [columns.index("sex")])),
        "twice": _twice(stored, columns.index("external_id")),
    }
    stored.state, stored.counts = State.CHECKING, {}
    stored.save(update_fields=["columns", "reading", "state", "counts"])
    _remember(stored)
    title = _("Check of %(name)s") % {"name": stored.name}
    return jobs.ask(
        clinic=stored.clinic,
        kind="sheet_check",
        title=title,
        total=stored.rows,
        sheet=stored,
        language=get_language(),
    )


def _locked(sheet: Sheet, states: Sequence[str]) -> Sheet:
    require(sheet.clinic, *IMPORTERS)
    rows = Sheet.objects.select_related("clinic").select_for_update(no_key=True, of=("self",))
    stored: Sheet = rows.get(pk=sheet.pk)
    if stored.state not in states:
        message = _("This spreadsheet is %(state)s.") % {"state": stored.get_state_display()}
        raise Refused(message, code="wrong_state")
    return stored


def _check_columns(sheet: Sheet, columns: Sequence[str]) -> None:
    known = targets(sheet.noun)
    used = [key for key in columns if key]
    if len(columns) != len(sheet.headers) or not set(used) <= set(known):
        raise ClinicError(_("Choose for each column one of what is offered."), code="columns")
    for key in used:
        if used.count(key) > 1:
            message = _("Two columns are the %(what)s; choose one.") % {"what": known[key].label}
            raise ClinicError(message, code="twice")
    for key, target in known.items():
        if target.required and key not in used:
            message = _("Say which column is the %(what)s: rows are known by it again.") % {"what": target.label}
            raise ClinicError(message, code="required")
    if len(used) == 1:
        raise ClinicError(_("Choose at least one column besides; there is nothing to import."), code="nothing")


def _twice(sheet: Sheet, at: int) -> dict[str, int]:
    """Return the lines whose number an earlier line has already, each with that line."""
    first: dict[str, int] = {}
    again: dict[str, int] = {}
    for part in sheet.parts.order_by("number").iterator(chunk_size=20):
        for line, row in part.rows:
            number = row[at] if at < len(row) else ""
            if number and first.setdefault(number, line) != line:
                again[str(line)] = first[number]
    return again


def _remember(sheet: Sheet) -> None:
    told = {plain(header): key for header, key in zip(sheet.headers, sheet.columns, strict=True)}
    habit, _made = SheetHabit.objects.get_or_create(clinic=sheet.clinic, noun=sheet.noun)
    habit.columns = habit.columns | told
    habit.save(update_fields=["columns"])


@transaction.atomic
def begin_import(sheet: Sheet, *, tell_rules: bool = False) -> Job:
    """Have the checked rows written into the records. Rules hear of it only if a clinic admin wants them to."""
    stored = _locked(sheet, (State.CHECKED, State.STOPPED))
    if tell_rules:
        require(stored.clinic, Role.CLINIC_ADMIN)
    stored.state, stored.tell_rules = State.IMPORTING, tell_rules
    stored.save(update_fields=["state", "tell_rules"])
    return jobs.ask(
        clinic=stored.clinic,
        kind="sheet_import",
        title=_("Import of %(name)s") % {"name": stored.name},
        total=_left(stored),
        sheet=stored,
        language=get_language(),
    )


def _left(sheet: Sheet) -> int:
    return sum(len(rows) for rows in sheet.parts.values_list("rows", flat=True))


def faults(sheet: Sheet) -> list[dict[str, Any]]:
    """List what was refused: line, column, what the cell holds, and the reason."""
    found = []
    for part in sheet.parts.exclude(refused=[]).order_by("number"):
        rows = dict(part.rows)
        for line, header, why in part.refused:
            at = sheet.headers.index(header) if header in sheet.headers else None
            row = rows.get(line, [])
            cell = row[at] if at is not None and at < len(row) else ""
            found.append({"line": line, "column": header, "cell": cell, "why": why})
    return found


def refused_rows(sheet: Sheet) -> Iterator[list[str]]:
    """Yield the refused rows as they were in the file, each with its line and the reasons, headers first."""
    yield [*sheet.headers, _("Line"), _("Why it was refused")]
    for part in sheet.parts.exclude(refused=[]).order_by("number"):
        reasons: dict[int, list[str]] = {}
        for line, header, why in part.refused:
            reasons.setdefault(line, []).append(f"{header}: {why}" if header else why)
        for line, row in part.rows:
            if line in reasons:
                padded = [*row, *[""] * (len(sheet.headers) - len(row))]
                yield [*padded, str(line), " ".join(reasons[line])]
