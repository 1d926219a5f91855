"""What a fact's ORM expression may speak of: the patient, the moment and the clinic's calendar, in SQL.

The same expression is read for the patients of events (each event has its own moment), for patients at one moment
(re-check, dry run) and inside a WHERE clause (segments): the context decides where the patient and the clock come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    DateField,
    DateTimeField,
    DurationField,
    F,
    Func,
    OuterRef,
    Value,
)

UNITS = {"minutes", "hours", "days", "weeks", "months"}


class LocalDate(Func):
    """The calendar date of an instant in a zone."""

    template = "(timezone(%(expressions)s))::date"
    output_field = DateField()


class Interval(Func):
    """`amount unit` as an interval."""

    template = "(%(expressions)s)::interval"
    output_field = DurationField()

    def __init__(self, window: Mapping[str, Any]) -> None:
        amount, unit = int(window["amount"]), str(window["unit"])
        if unit not in UNITS:
            raise ValueError(f"{unit!r} is not a unit of time; one of {', '.join(sorted(UNITS))} is.")
        super().__init__(Value(f"{amount} {unit}", output_field=CharField()))


class StartOfDay(Func):
    """The instant at which a local timestamp is first on the wall, for the start of a local day.

    Where midnight does not exist, PostgreSQL and Python (with fold=0) both take the offset from before the gap. Where
    it comes twice (Havana, the Azores), PostgreSQL takes the second: so the offset of three hours earlier is tried
    first.
    """

    output_field = DateTimeField()

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Write both readings of the timestamp and choose the earlier one that the wall agrees with."""
        (zone, of_zone), (wall, of_wall) = (compiler.compile(one) for one in self.get_source_expressions())
        both = [*of_zone, *of_wall]
        early = f"(timezone({zone}, {wall} - interval '3 hours') + interval '3 hours')"
        sql = f"CASE WHEN timezone({zone}, {early}) = {wall} THEN {early} ELSE timezone({zone}, {wall}) END"
        return f"({sql})", [*of_zone, *both, *of_wall, *both, *both]


class LocalMidnight(Func):
    """A local date, moved by an interval and by whole days, as a timestamp without zone."""

    template = "((%(expressions)s)::date::timestamp + %(days)s * interval '1 day')"
    output_field = DateTimeField()


class DateMinus(Func):
    """A date minus an interval, clamped to the end of a short month as everywhere in SQL."""

    arg_joiner = " - "
    template = "(%(expressions)s)"
    output_field = DateTimeField()


def _outer(name: Any, levels: int) -> Any:
    return OuterRef(name) if levels == 1 else OuterRef(_outer(name, levels - 1))


class ReadContext:
    """Where an expression finds the patient, the moment and the zone."""

    def __init__(self, prefix: str, now: Any, patient_id: str, subject_id: Any = None) -> None:
        self._prefix = prefix
        self.now = now
        self.zone = F(self.path("clinic__time_zone"))
        self.patient_id = F(patient_id)
        self.outer_patient_id = OuterRef(patient_id)
        self.subject_id = subject_id
        self.today = LocalDate(self.zone, self.now)
        self._names = [self.path("clinic__time_zone"), patient_id, "occurred_at", "subject_id"]

    @classmethod
    def for_patients(cls, moment: datetime, subject_id: int | None = None) -> ReadContext:
        """Read patients as of one moment (and about one subject of theirs); the base query is Patient."""
        subject = None if subject_id is None else Value(subject_id, output_field=BigIntegerField())
        return cls("", Value(moment, output_field=DateTimeField()), "pk", subject)

    @classmethod
    def for_events(cls) -> ReadContext:
        """Read the patients of events, each as of its own moment; the base query is Event."""
        return cls("patient__", F("occurred_at"), "patient_id", F("subject_id"))

    def path(self, name: str) -> str:
        """Return the look-up path of a patient's field."""
        return self._prefix + name

    def outer(self, expression: Any, levels: int = 1) -> Any:
        """Return the expression as a subquery sees it: its columns are those of the query around.

        `levels` 2: as a subquery inside a subquery sees it.
        """
        return expression.replace_expressions({F(name): _outer(name, levels) for name in self._names})

    def window_start(self, window: Mapping[str, Any]) -> Any:
        """Return the instant from which a backward window counts.

        Minutes and hours are elapsed: exclusive start, `now - window`. Days, weeks and months are calendar: the local
        day after `today - window` begins there.
        """
        if window["unit"] in ("minutes", "hours"):
            return DateMinus(self.now, Interval(window))
        return StartOfDay(self.zone, LocalMidnight(DateMinus(self.today, Interval(window)), days=1))

    @property
    def end_of_today(self) -> Any:
        """Return the instant at which the local day of the moment ends (exclusive)."""
        return StartOfDay(self.zone, LocalMidnight(self.today, days=1))
