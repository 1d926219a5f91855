"""The rows of a spreadsheet on their way into the records: checked first, then written, part by part as a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ValidationError

from accounts import audit
from accounts.models import Clinic, Membership
from accounts.permissions import Role
from appointments import bulk as appointments
from appointments.api.serializers import AppointmentLine
from appointments.models import Service
from clinic.api.pointers import flattened
from clinic.batches import REFUSED, Written
from clinic.changes import origin, silently
from clinic.clock import now
from clinic.errors import ClinicError
from patients import bulk as patients
from patients.api.serializers import PatientLine
from staff.jobs import Held, Kind
from staff.models import Job, Sheet, SheetPart
from staff.sheets import keeping
from staff.sheets.columns import PATIENTS, plain, targets
from staff.sheets.values import Cells

IMPORTERS = (Role.CLINIC_ADMIN, Role.FRONT_DESK)
Fault = tuple[str, str]
"""The key of the target (empty: the whole row) and the reason."""
Write = Callable[[Clinic, Sequence[Mapping[str, Any]]], Iterable[Written]]
DRY: dict[str, Write] = {PATIENTS: patients.check, "appointments": partial(appointments.check, imported=True)}
REAL: dict[str, Write] = {PATIENTS: patients.upsert, "appointments": partial(appointments.upsert, imported=True)}
LINES: dict[str, Any] = {PATIENTS: PatientLine, "appointments": AppointmentLine}


class Reader:
    """Turns rows of one spreadsheet into the records that the bulk services take."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        known = targets(sheet.noun)
        self.columns = [(at, known[key]) for at, key in enumerate(sheet.columns) if key in known]
        self.headers = {target.key: sheet.headers[at] or str(target.label) for at, target in self.columns}
        self.labels = {key: str(target.label) for key, target in known.items()}
        self.twice: Mapping[str, int] = sheet.reading.get("twice", {})
        self.form = LINES[sheet.noun](context={"clinic": sheet.clinic})
        self.cells = cells_of(sheet)

    def record(self, line: int, row: Sequence[str]) -> tuple[dict[str, Any] | None, list[Fault]]:
        """Read a row: the record, or what is wrong in it. An empty cell says nothing, so what is stored stays."""
        data: dict[str, Any] = {}
        faults: list[Fault] = []
        for at, target in self.columns:
            text = row[at] if at < len(row) else ""
            if text:
                try:
                    data[target.key] = self.cells.read(target.reader, text)
                except ClinicError as error:
                    faults.append((target.key, error.message))
        if str(line) in self.twice:
            message = _("Line %(line)s has the same number.") % {"line": self.twice[str(line)]}
            faults.append(("external_id", message))
        faults += self._join_start(data, {key for key, _why in faults})
        wrong = {key for key, _why in faults}
        try:
            values: dict[str, Any] = self.form.run_validation(data)
        except ValidationError as error:
            found = [(path.strip("/"), why) for path, _code, why in flattened(error.detail)]
            return None, faults + [fault for fault in found if fault[0] not in wrong]
        return (None, faults) if faults else (values, [])

    def _join_start(self, data: dict[str, Any], wrong: set[str]) -> list[Fault]:
        """Make the start of separate columns of date and time."""
        day, clock = data.pop("starts_on", None), data.pop("starts_time", None)
        if (day is None and clock is None) or "starts_at" in data or wrong & {"starts_on", "starts_time"}:
            return []
        if day is None or clock is None:
            missing = "starts_on" if day is None else "starts_time"
            return [(missing, _("Date and time go together; this one is missing."))]
        try:
            data["starts_at"] = self.cells.joined(day, clock)
        except ClinicError as error:
            return [("starts_time", error.message)]
        return []

    def named(self, path: str) -> str:
        """Return the header that a fault is shown under."""
        key = path.strip("/").split("/")[0]
        if key == "starts_at" and key not in self.headers and "starts_on" in self.headers:
            key = "starts_on"
        return self.headers.get(key) or self.labels.get(key, "")


def cells_of(sheet: Sheet) -> Cells:
    """Return what reads the cells of a spreadsheet, with the names that the clinic knows."""
    services: dict[str, set[str]] = {}
    specialists: dict[str, set[str]] = {}
    if sheet.noun != PATIENTS:
        for service in Service.objects.for_clinic(sheet.clinic):
            _know(services, service.slug, service.name)
        for member in Membership.objects.for_clinic(sheet.clinic).filter(role=Role.SPECIALIST):
            _know(specialists, member.slug, member.name)
    return Cells(
        ZoneInfo(sheet.clinic.time_zone),
        day_first=sheet.reading.get("day_first"),
        m_is_female=bool(sheet.reading.get("m_is_female")),
        services=services,
        specialists=specialists,
    )


def _know(known: dict[str, set[str]], slug: str, name: str) -> None:
    short = plain(name).removeprefix("dr ")
    for word in {slug, plain(name), short, f"dr {short}"}:
        known.setdefault(word, set()).add(slug)


def write_part(reader: Reader, part: SheetPart, write: Write) -> Counter[str]:
    """Hand the rows of a part to the service; note the refused ones in the part and return the outcomes."""
    refused: list[list[Any]] = []
    good: list[tuple[int, dict[str, Any]]] = []
    counts: Counter[str] = Counter()
    for line, row in part.rows:
        record, faults = reader.record(line, row)
        if record is not None:
            good.append((line, record))
            continue
        counts[REFUSED] += 1
        refused += [[line, reader.named(key), why] for key, why in faults]
    answers = write(reader.sheet.clinic, [record for _line, record in good])
    for (line, _record), written in zip(good, answers, strict=True):
        counts[written.outcome] += 1
        if written.error is not None:
            refused.append([line, reader.named(written.error.path), written.error.message])
    part.refused = sorted(refused, key=lambda one: one[0])
    return counts


# --- the jobs ---


def _check(held: Held) -> bool:
    """Say what an import would do; nothing is written but what was found."""
    return _walk(held, DRY, Sheet.State.CHECKED)


def _import(held: Held) -> bool:
    """Write the rows: silently, unless the rules shall hear."""
    sheet = _sheet(held.job)
    with ExitStack() as stack:
        stack.enter_context(origin("import"))
        if not sheet.tell_rules:
            stack.enter_context(silently("spreadsheet import"))
        return _walk(held, REAL, Sheet.State.DONE)


def _walk(held: Held, ways: Mapping[str, Write], after: str) -> bool:
    """Go on with the parts that follow the last one that was written, until the turn is over."""
    job = held.job
    sheet = _sheet(job)
    reader = Reader(sheet)
    parts = sheet.parts.order_by("number")
    begun = job.result.get("part", 0)
    while part := parts.filter(number__gte=job.result.get("part", 0)).first():
        if held.out_of_time and part.number > begun:
            return False
        with held.part(len(part.rows)):
            counts = write_part(reader, part, ways[sheet.noun])
            _add(job, counts, part.number + 1)
            if after == Sheet.State.DONE:
                keeping.keep_refused(part)
            part.save(update_fields=["rows", "refused"])
    with held.part():
        sheet.counts, sheet.state, sheet.expires_at = _counted(job), after, now() + keeping.KEPT
        sheet.save(update_fields=["counts", "state", "expires_at"])
        if after == Sheet.State.DONE:
            audit.record("spreadsheet.imported", obj=sheet, detail={"told": sheet.tell_rules, **sheet.counts})
    return True


def _add(job: Job, counts: Mapping[str, int], part: int) -> None:
    total = Counter({key: job.result.get(key, 0) for key in keeping.OUTCOMES})
    total.update(counts)
    job.result = {**total, "part": part}


def _counted(job: Job) -> dict[str, int]:
    return {key: job.result.get(key, 0) for key in keeping.OUTCOMES}


def _sheet(job: Job) -> Sheet:
    sheet: Sheet = Sheet.objects.select_related("clinic").get(jobs=job)
    return sheet


def _back(state: str) -> Callable[[Job], None]:
    """Return what puts a spreadsheet back to where its job began, when that ends early."""

    def put_back(job: Job) -> None:
        Sheet.objects.filter(jobs=job).update(state=state)

    return put_back


KINDS = (
    Kind(
        "sheet_check",
        gettext_lazy("Check of a spreadsheet"),
        _check,
        IMPORTERS,
        cancelled=_back(Sheet.State.READ),
        failed=_back(Sheet.State.READ),
    ),
    Kind(
        "sheet_import",
        gettext_lazy("Spreadsheet import"),
        _import,
        IMPORTERS,
        cancelled=_back(Sheet.State.STOPPED),
        failed=_back(Sheet.State.STOPPED),
    ),
)
