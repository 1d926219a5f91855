"""The one clock: database time, plus an offset that only a demo or a test may set."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from clinic.errors import Refused


class ClinicNow(models.Func):
    """The SQL function `clinic_now()`: the same clock inside a query or as a column's default."""

    function = "clinic_now"
    template = "%(function)s()"
    output_field = models.DateTimeField()


def now() -> datetime:
    """Return the current moment, aware, in UTC.

    The database answers, so that every process of an installation sees one clock. It is the moment of the call, not
    the start of the transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clinic_now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def movable() -> bool:
    """Tell whether this installation may move its clock (the demo and the tests)."""
    return settings.CLINIC_MODE in ("demo", "test")


def _require_movable(moment: datetime) -> None:
    if not movable():
        raise Refused("The clock moves only in the demo and in tests.", code="clock_fixed")
    if moment.tzinfo is None:
        raise Refused("Name the time zone of the moment, for example 2026-11-24T09:00:00+01:00.", code="naive_time")


def require_movable_to(moment: datetime) -> None:
    """Refuse what `advance_to` would refuse, without moving anything."""
    _require_movable(moment)
    current = now()
    if moment < current:
        raise Refused(
            f"The clock stands at {current.isoformat()}; it does not go back to {moment.isoformat()}.",
            code="clock_backwards",
        )


def advance_to(moment: datetime) -> None:
    """Move the clock forward to `moment`.

    Raises Refused in production, for a naive time, and for a time that has passed: work that is done cannot be undone
    by turning the clock back.
    """
    require_movable_to(moment)
    reach(moment)


def reach(moment: datetime) -> None:
    """Move the clock forward to `moment`, or leave it where it is if it has run past that by itself.

    For walks from stop to stop: whoever looks at the clock first and moves it then may find that it has gone on in
    between. Raises Refused in production and for a naive time.
    """
    _require_movable(moment)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE clinic_clock SET ahead = ahead + greatest(%s - clinic_now(), '0')", [moment])


def advance_by(interval: timedelta) -> None:
    """Move the clock forward by `interval`; see `advance_to`."""
    advance_to(now() + interval)


def begin_at(moment: datetime) -> None:
    """Set the clock to a moment in the past, before anything is recorded: a demo's history begins there.

    Raises Refused in production, and once there is a clinic.
    """
    if not movable():
        raise Refused("The clock moves only in the demo and in tests.", code="clock_fixed")
    if apps.get_model("accounts", "Clinic").objects.exists():
        raise Refused("There are records already; the clock does not go back behind them.", code="clock_backwards")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE clinic_clock SET ahead = ahead + (%s - clinic_now())", [moment])


def is_behind() -> bool:
    """Tell whether the clock stands in the past: a history that was begun is not finished."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clinic_now() < clock_timestamp() - interval '1 millisecond'")
        return bool(cursor.fetchone()[0])


def catch_up() -> None:
    """Bring a clock that stands in the past to the present; leave any other as it is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE clinic_clock SET ahead = greatest(ahead, '0')")


def present() -> datetime:
    """Return the database's own time, whatever the clock says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
