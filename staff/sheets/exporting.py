"""Patients and appointments as a spreadsheet: streamed, safe to open, named in the audit trail, fit to be imported."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from import_export import fields, resources

from accounts import audit
from accounts.models import Clinic, Membership
from accounts.permissions import Role, require
from appointments.models import Appointment, Service
from automations.engine.moments import start_of_day
from patients.models import Patient
from staff.models import Sheet
from staff.sheets.columns import APPOINTMENTS, PATIENTS, targets
from staff.sheets.escaping import RISKY, escape

CHUNK = 1_000
SEMICOLON = ("ro", "es")
"""Languages whose spreadsheets write decimals with a comma and so part cells with a semicolon."""


class PatientResource(resources.ModelResource):
    """A patient's columns, named so that an import knows them."""

    specialist = fields.Field(attribute="specialist__slug")

    class Meta:
        model = Patient
        fields = (
            "external_id",
            "given_name",
            "family_name",
            "birth_date",
            "sex",
            "email",
            "phone",
            "language",
            "city",
            "source",
            "status",
            "specialist",
            "registered_at",
        )
        export_order = fields


class AppointmentResource(resources.ModelResource):
    """An appointment's columns, named so that an import knows them."""

    patient = fields.Field(attribute="patient__external_id")
    patient_name = fields.Field(attribute="patient")
    service = fields.Field(attribute="service__slug")
    specialist = fields.Field(attribute="specialist__slug")

    class Meta:
        model = Appointment
        fields = (
            "external_id",
            "patient",
            "patient_name",
            "service",
            "specialist",
            "starts_at",
            "minutes",
            "status",
            "location",
            "join_url",
        )
        export_order = fields


RESOURCES: dict[str, type[resources.ModelResource]] = {PATIENTS: PatientResource, "appointments": AppointmentResource}
RELATED: dict[str, tuple[str, ...]] = {PATIENTS: ("specialist",), "appointments": ("patient", "service", "specialist")}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: every filter that is set narrows; days are those of the clinic's calendar, the last included."""

    status: str = ""
    specialist: Membership | None = None
    service: Service | None = None
    since: date | None = None
    until: date | None = None


def _rows(clinic: Clinic, noun: str, wanted: Wanted) -> QuerySet[Any]:
    moment = "registered_at" if noun == PATIENTS else "starts_at"
    model: Any = RESOURCES[noun]._meta.model
    rows: QuerySet[Any] = model.objects.for_clinic(clinic)
    zone = ZoneInfo(clinic.time_zone)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.specialist is not None:
        rows = rows.filter(specialist=wanted.specialist)
    if wanted.service is not None and noun != PATIENTS:
        rows = rows.filter(service=wanted.service)
    if wanted.since is not None:
        rows = rows.filter(**{f"{moment}__gte": start_of_day(wanted.since, zone)})
    if wanted.until is not None:
        rows = rows.filter(**{f"{moment}__lt": start_of_day(wanted.until + timedelta(days=1), zone)})
    return rows


def count(clinic: Clinic, noun: str, wanted: Wanted) -> int:
    """Return how many records an export would hold."""
    require(clinic, Role.CLINIC_ADMIN)
    return _rows(clinic, noun, wanted).count()


def export(clinic: Clinic, noun: str, wanted: Wanted) -> Iterator[list[Any]]:
    """Write into the audit trail whose records leave, and return exactly those, headers first, read as they are taken.

    Clinic admins only.
    """
    require(clinic, Role.CLINIC_ADMIN)
    rows = _rows(clinic, noun, wanted).order_by("pk")
    people = "pk" if noun == PATIENTS else "patient_id"
    keys = list(rows.values_list("pk", people))
    detail = {"patients": sorted({person for _pk, person in keys}), "records": len(keys)}
    audit.record(f"{noun.removesuffix('s')}.exported", clinic_id=clinic.pk, detail=detail)
    return _cells(clinic, noun, [pk for pk, _person in keys], translation.get_language() or "en")


def _cells(clinic: Clinic, noun: str, keys: Sequence[int], language: str) -> Iterator[list[Any]]:
    resource, zone = RESOURCES[noun](), ZoneInfo(clinic.time_zone)
    names = list(resource.get_export_order())
    with translation.override(language):
        yield [header(noun, name) for name in names]
    found: Any = RESOURCES[noun]._meta.model.objects.for_clinic(clinic).select_related(*RELATED[noun])
    columns = [resource.fields[name] for name in names]
    for start in range(0, len(keys), CHUNK):
        for row in found.filter(pk__in=keys[start : start + CHUNK]).order_by("pk"):
            yield [_plain(column.get_value(row), zone) for column in columns]


def header(noun: str, name: str) -> str:
    """Return the header of a column, as the import's page names it."""
    names = {
        "registered_at": str(targets(PATIENTS)["occurred_at"].label),
        "patient_name": _("patient's name"),
    }
    known = targets(APPOINTMENTS) | targets(noun)  # state and specialist are called alike everywhere
    return names.get(name) or (str(known[name].label) if name in known else name)


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """Return what a cell holds: times by the clinic's clock, numbers as numbers, all else as text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


# --- files ---


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def as_csv(rows: Iterable[Sequence[Any]], language: str) -> Iterator[bytes]:
    """Write rows as CSV in UTF-8 with the mark that Excel needs, a piece at a time; nothing in it can be a formula."""
    write: Callable[[Sequence[Any]], Any] = csv.writer(
        _Echo(), delimiter=";" if language in SEMICOLON else ","
    ).writerow
    yield b"\xef\xbb\xbf"
    for row in rows:
        yield write([escape(cell) if isinstance(cell, str) else cell for cell in row]).encode()


def as_xlsx(rows: Iterable[Sequence[Any]], title: str) -> IO[bytes]:
    """Write rows into a workbook on disk, row by row; texts are texts, whatever they begin with."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    for number, row in enumerate(rows):
        cells = []
        for value in row:
            text = isinstance(value, str)
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", value) if text else value)
            if text:
                cell.data_type = "s"
                cell.quotePrefix = value.startswith(RISKY)  # so that it stays a text when somebody edits it
            if number == 0:
                cell.font = bold
            cells.append(cell)
        sheet.append(cells)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    book.save(file)
    file.seek(0)
    return file


def file_name(noun: str, clinic: Clinic, day: date, kind: str) -> str:
    """Return the name of the download."""
    return f"{clinic.slug}-{Sheet.Noun(noun).value}-{day.isoformat()}.{kind}"
