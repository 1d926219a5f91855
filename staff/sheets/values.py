"""What people write into cells, as the values that the API takes; what can be read in two ways is asked before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from automations.engine.moments import at_local, start_of_day
from clinic.errors import ClinicError
from staff.sheets.columns import plain
from staff.sheets.workbooks import ERRORS

ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
LOCAL = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([ap])?\.?\s?(?:m\.?)?", re.IGNORECASE)
MOMENT = re.compile(r"(\S+?)(?:[T,]|\s)\s*(\d.*)")

SEXES = {
    "female": "f fem female feminin feminina femeie femenino femenina mujer",
    "male": "h v masc male masculin masculino barbat hombre varon",
    "other": "o other altul alta otro otra",
    "unknown": "u unknown necunoscut necunoscuta desconocido",
}
STATUSES = {
    "booked": "booked,scheduled,planned,programat,programata,rezervat,programado,programada,reservado,reservada",
    "confirmed": "confirmed,confirmat,confirmata,confirmado,confirmada",
    "in_progress": "in progress,started,in curs,en curso",
    "completed": "completed,done,finished,finalizat,finalizata,efectuat,efectuata,incheiat,completado,completada,"
    "realizado,realizada,finalizado,finalizada",
    "cancelled": "cancelled,canceled,anulat,anulata,cancelado,cancelada",
    "no_show": "no show,noshow,missed,neprezentat,neprezentata,absent,absenta,no presentado,no presentada,ausente",
    "entered_in_error": "entered in error,error,eroare,introdus din greseala",
}
LANGUAGES = (
    {"en": "english,engleza,ingles", "ro": "romanian,romana,rumano", "es": "spanish,spaniola,espanol"}
    | {"ar": "arabic,araba,arabe", "hu": "hungarian,maghiara,hungaro", "de": "german,germana,aleman"}
    | {"fr": "french,franceza,frances", "it": "italian,italiana,italiano", "uk": "ukrainian,ucraineana,ucraniano"}
)
TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


def _words(table: Mapping[str, str], separator: str) -> dict[str, str]:
    return {word: key for key, text in table.items() for word in [*text.split(separator), plain(key)]}


SEX_WORDS, STATUS_WORDS, LANGUAGE_WORDS = _words(SEXES, " "), _words(STATUSES, ","), _words(LANGUAGES, ",")


# --- what a whole column says ---


def day_first(cells: Iterable[str]) -> tuple[bool, bool | None]:
    """Say whether dates of the column can be read in two ways, and what the others of them show (None: nothing).

    Dates that begin with the year and dates with dots (day, month, year wherever they are used) leave no doubt.
    """
    doubtful, shown = False, set()
    for cell in cells:
        match = LOCAL.match(cell.strip())
        if match is None or match[2] == ".":
            continue
        first, second = int(match[1]), int(match[3])
        if first > 12 >= second:
            shown.add(True)
        elif second > 12 >= first:
            shown.add(False)
        elif first != second:
            doubtful = True
    return doubtful, shown.pop() if len(shown) == 1 else None


def m_is_female(cells: Iterable[str]) -> bool:
    """Tell whether M stands for mujer: somebody beside it is H (hombre) or V (varón), and nobody F."""
    letters = {plain(cell) for cell in cells}
    return bool(letters & {"h", "v"}) and "f" not in letters


# --- one cell ---


@dataclass(slots=True)
class Cells:
    """Reads cells of one spreadsheet at one clinic; each reader raises ClinicError with what would be right."""

    zone: ZoneInfo
    day_first: bool | None = None
    m_is_female: bool = False
    services: Mapping[str, set[str]] = field(default_factory=dict)
    specialists: Mapping[str, set[str]] = field(default_factory=dict)

    def read(self, reader: str, text: str) -> Any:
        """Return what a cell says, read as its column is."""
        if text in ERRORS:
            raise ClinicError(_("The formula of this cell failed in the spreadsheet; mend it there."), code="formula")
        return getattr(self, reader)(text)

    def text(self, text: str) -> str:
        """Take a text as it is."""
        return text

    def whole(self, text: str) -> int:
        """Read minutes or another whole number."""
        match = re.fullmatch(r"(\d{1,7})(?:[.,]0+)?(?:\s*(?:min\w*\.?|'))?", text)
        if match is None:
            raise ClinicError(_("Write a whole number, like 30."), code="number")
        return int(match[1])

    def day(self, text: str) -> str:
        """Read a calendar date."""
        return self._day(text).isoformat()

    def clock(self, text: str) -> str:
        """Read a time of day."""
        return self._clock(text).isoformat()

    def moment(self, text: str) -> str:
        """Read a date with a time of the clinic's clock, or a moment that names its own offset."""
        exact = self._exact(text)
        if exact is not None:
            return exact.isoformat()
        match = MOMENT.fullmatch(text)
        if match is None:
            raise ClinicError(_("Write date and time, like 2026-11-30 09:00."), code="moment")
        return self.joined(self._day(match[1]).isoformat(), self._clock(match[2]).isoformat())

    def moment_or_day(self, text: str) -> str:
        """Read a moment; a date alone is the beginning of that day."""
        if ISO.fullmatch(text) or LOCAL.fullmatch(text):
            return start_of_day(self._day(text), self.zone).isoformat()
        return self.moment(text)

    def joined(self, day: str, clock: str) -> str:
        """Put date and time together. Raises ClinicError for a time that the clocks skip."""
        wall = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock))
        moment = at_local(wall.date(), wall.time(), self.zone)
        if moment.astimezone(self.zone).replace(tzinfo=None) != wall:
            raise ClinicError(_("The clocks skip this time on that day."), code="gap")
        return moment.isoformat()

    def sex(self, text: str) -> str:
        """Read a word or letter for the sex."""
        word = plain(text)
        if word == "m":
            return "female" if self.m_is_female else "male"
        return self._one_of(SEX_WORDS, word, "female, male, other, unknown")

    def status(self, text: str) -> str:
        """Read the state of an appointment."""
        return self._one_of(STATUS_WORDS, plain(text), ", ".join(STATUSES))

    def language(self, text: str) -> str:
        """Read a language, by its code or its name."""
        if found := LANGUAGE_WORDS.get(plain(text)):
            return found
        if TAG.fullmatch(text):
            return text
        raise ClinicError(_("Write the code of the language, like ro."), code="language")

    def service(self, text: str) -> str:
        """Find a service by slug or name."""
        return self._named(self.services, text, _("This clinic has no service of that name."))

    def specialist(self, text: str) -> str:
        """Find a specialist by slug or name."""
        return self._named(self.specialists, text, _("This clinic has no specialist of that name."))

    def _exact(self, text: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
        return found if found.tzinfo is not None else None

    def _day(self, text: str) -> date:
        try:
            if match := ISO.fullmatch(text):
                return date(int(match[1]), int(match[2]), int(match[3]))
            if match := LOCAL.fullmatch(text):
                first, second, year = int(match[1]), int(match[3]), int(match[4])
                if match[2] == "." or self.day_first is not False:
                    return date(year, second, first)
                return date(year, first, second)
        except ValueError:
            raise ClinicError(_("There is no such day in the calendar."), code="date") from None
        raise ClinicError(_("Write a date with four digits for the year, like 1957-03-02."), code="date")

    def _clock(self, text: str) -> time:
        match = CLOCK.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError
            hour = int(match[1])
            if match[4]:
                if not 1 <= hour <= 12:
                    raise ValueError
                hour = hour % 12 + (12 if match[4].lower() == "p" else 0)
            return time(hour, int(match[2]), int(match[3] or 0))
        except ValueError:
            raise ClinicError(_("Write a time of day, like 09:00."), code="time") from None

    def _one_of(self, words: Mapping[str, str], word: str, offered: str) -> str:
        if word not in words:
            raise ClinicError(_("Use one of: %(words)s.") % {"words": offered}, code="word")
        return words[word]

    def _named(self, known: Mapping[str, set[str]], text: str, unknown: str) -> str:
        found = known.get(text) or known.get(plain(text)) or set()
        if not found:
            raise ClinicError(unknown, code="not_found")
        if len(found) > 1:
            raise ClinicError(_("Several have this name; write the short name instead."), code="several")
        return next(iter(found))
