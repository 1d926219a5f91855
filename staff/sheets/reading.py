"""Read an uploaded CSV or XLSX file into rows of text; its content says which it is, and its size is never trusted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from staff.sheets import workbooks
from staff.sheets.escaping import unescape

MAX_BYTES = 16 * 1024 * 1024
MAX_ROWS = 50_000
MAX_COLUMNS = 100
MAX_LETTERS = 64 * 1024 * 1024
"""In all cells: a workbook may name one long text as often as it likes."""
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
DELIMITERS = ";,\t"
ENCODINGS = ("utf-8", "utf-16", "cp1250", "cp1252", "iso8859-2")
FALLBACK = {"es": "cp1252"}
"""What files without a mark are in, if they are not UTF-8, by the clinic's language; Windows-1250 for all others."""
SAMPLE_ROWS = 20

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: the headers, and each row that is not empty with its line in the file."""

    headers: list[str]
    rows: list[Row]
    encoding: str


def read(content: bytes, *, encoding: str = "", language: str = "en") -> Table:
    """Read a file; `encoding` empty: find out. Raises ClinicError with what is wrong with the file and what to do."""
    if len(content) > MAX_BYTES:
        raise _unreadable(_("The file is larger than 16 MB; split it."), "too_large")
    if content.startswith(b"PK\x03\x04"):
        return _table(workbooks.rows(content, MAX_COLUMNS), "xlsx")
    if content.startswith(OLD_EXCEL):
        raise _unreadable(_("This is an old or a protected Excel file. Save it as .xlsx or CSV."), "old_excel")
    text, used = _decoded(content, encoding, FALLBACK.get(language, "cp1250"))
    return _table(_csv_rows(text), used)


def _unreadable(message: str, code: str) -> ClinicError:
    return ClinicError(message, code=code, path="file")


def _table(found: Iterable[tuple[int, list[Any]]], encoding: str) -> Table:
    headers: list[str] | None = None
    rows: list[Row] = []
    letters = 0
    for line, cells in found:
        texts = [unescape(str(cell)).strip() for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        letters += sum(map(len, texts))
        if letters > MAX_LETTERS:
            raise _unreadable(_("The cells hold far more text than the file's size; split it."), "too_large")
        if len(texts) > MAX_COLUMNS:
            raise _unreadable(_("The file has more than %(most)s columns.") % {"most": MAX_COLUMNS}, "too_wide")
        if any("\0" in text for text in texts):
            raise _unreadable(_("This is neither a CSV nor an XLSX file."), "not_a_sheet")
        if headers is None:
            headers = texts
        elif len(rows) == MAX_ROWS:
            raise _unreadable(_("The file has more than %(most)s rows; split it.") % {"most": MAX_ROWS}, "too_long")
        else:
            rows.append((line, texts))
    if headers is None:
        raise _unreadable(_("The file is empty."), "empty")
    if not rows:
        raise _unreadable(_("The file has headers only; there is no row to import."), "no_rows")
    width = max(len(headers), *(len(cells) for _line, cells in rows))
    headers += [""] * (width - len(headers))
    return Table(headers, rows, encoding)


# --- text ---


def _decoded(content: bytes, encoding: str, fallback: str) -> tuple[str, str]:
    """Return the text and the encoding that it was read in."""
    for name in [encoding] if encoding else list(_candidates(content, fallback)):
        try:
            return content.decode("utf-8-sig" if name == "utf-8" else name), name
        except UnicodeError:
            continue
    message = _("The letters of this file cannot be read. Save it as CSV (UTF-8) or as .xlsx.")
    raise _unreadable(message, "encoding")


def _candidates(content: bytes, fallback: str) -> Iterator[str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
        return
    head = content[:4096]
    if b"\0" in head:  # text has none, unless two bytes make a letter
        yield "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        return
    yield "utf-8"
    yield fallback


def _csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first, _newline, rest = text.partition("\n")
    skipped = 0
    delimiter = ""
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # Excel's own hint
        delimiter, text, skipped = first.strip()[4], rest, 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
    try:
        for cells in reader:
            yield reader.line_num + skipped, cells
    except csv.Error as error:
        message = _("Line %(line)s is no CSV: a quotation mark is not closed, or a cell is far too long.")
        raise _unreadable(message % {"line": reader.line_num + skipped}, "not_a_sheet") from error


def _delimiter(text: str) -> str:
    """Return what separates cells: the one with which the first rows have the most columns alike."""

    def columns(delimiter: str) -> int:
        try:
            reader = csv.reader(io.StringIO(text[:65_536], newline=""), delimiter=delimiter)
            widths = [len(cells) for cells, _n in zip(reader, range(SAMPLE_ROWS), strict=False) if cells]
        except csv.Error:
            return 0
        most = max(widths, key=widths.count, default=0)
        return most * widths.count(most) if most > 1 else 0

    return max(DELIMITERS, key=columns)
