"""Read the first sheet of an XLSX file, and refuse one that would unfold into more than anybody means to send."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import ClinicError

MAX_UNPACKED = 128 * 1024 * 1024
MAX_RATIO = 200
MAX_MEMBERS = 1_000
MAX_SHEETS = 100
SMALL = 1024 * 1024
"""A member of up to this size may be packed as well as it likes."""
ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"})
"""What a cell shows whose formula failed."""
MOST_LINES = 1_048_576


def rows(content: bytes, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of the first sheet with its number; formulas as the values that were last worked out.

    One column more than `columns` is read, so that the caller can see that there are too many. Raises ClinicError.
    """
    from openpyxl import load_workbook

    _check_archive(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that nobody asked about
        try:
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            if len(book.sheetnames) > MAX_SHEETS or not book.worksheets:
                raise _broken(_("The workbook has no sheet, or more than %(most)s.") % {"most": MAX_SHEETS})
            sheet: Any = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its size is not believed
            for number, cells in enumerate(sheet.iter_rows(max_col=columns + 1, values_only=True), 1):
                yield number, [_text(value) for value in cells]
        except ClinicError:
            raise
        except Exception as error:  # openpyxl raises whatever a broken file leads it to
            raise _broken(_("This workbook is damaged. Open it, and save it as .xlsx again.")) from error


def _broken(message: str) -> ClinicError:
    return ClinicError(message, code="not_a_sheet", path="file")


def _check_archive(content: bytes) -> None:
    """Look at the table of contents before anything is unpacked; zipfile never unpacks more than it says."""
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except zipfile.BadZipFile as error:
        raise _broken(_("This workbook is damaged. Open it, and save it as .xlsx again.")) from error
    names = {one.filename for one in members}
    if "xl/workbook.xml" not in names:
        raise _broken(_("This is neither a CSV nor an XLSX file."))
    packed_well = any(one.file_size > SMALL and one.file_size > MAX_RATIO * one.compress_size for one in members)
    if len(members) > MAX_MEMBERS or packed_well or sum(one.file_size for one in members) > MAX_UNPACKED:
        raise _broken(_("This workbook unfolds into far more than its size. Save the sheet alone as CSV."))
    if any(one.flag_bits & 1 for one in members):
        raise _broken(_("This workbook is protected with a password. Save it without one."))


def _text(value: Any) -> str:
    """Return what a cell holds as the text that somebody would have typed; moments as ISO."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime):
        whole = value.replace(microsecond=0) + timedelta(seconds=round(value.microsecond / 1e6))
        return whole.date().isoformat() if whole.time() == time() else whole.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
