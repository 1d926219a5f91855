"""The calendar of visits: whose and which days are asked for, and the columns they fall into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.permissions import Role
from accounts.selectors import local_date, members
from appointments.lifecycle import NOT_COUNTED
from appointments.models import Appointment
from appointments.selectors import appointments_between
from staff import days
from staff.visiting import QUICK, Row, rows_of

DAY, WEEK = "day", "week"
EVERYBODY, NOBODY = "", "none"
MOST = 400
COLUMNS_MAX = 8
"""With more specialists than this, those who have no visits that day are left out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for."""

    view: str
    day: date
    specialist: str
    status: str

    @classmethod
    def of(cls, request: HttpRequest, today: date) -> Asked:
        """Read the address; what makes no sense there is as if it were left out."""
        given = request.GET
        status = given.get("status", "")
        known = {"all", *Appointment.Status.values}
        return cls(
            view=WEEK if given.get("view") == WEEK else DAY,
            day=days.asked_day(given.get("day", ""), today),
            specialist=given.get("specialist", ""),
            status=status if status in known else "",
        )

    @property
    def step(self) -> timedelta:
        """Return how far the next page lies."""
        return timedelta(weeks=1) if self.view == WEEK else timedelta(days=1)


@dataclass(slots=True)
class Column:
    """One specialist's day, or one day."""

    title: str
    rows: list[Row] = field(default_factory=list)
    day: date | None = None
    specialist: Membership | None = None
    is_today: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the page shows; `cut`: there are more visits than it has room for."""

    asked: Asked
    first: date
    last: date
    columns: list[Column]
    specialists: list[Membership]
    visits: list[Appointment]
    cut: bool


def calendar(desk: Any, asked: Asked, moment: datetime) -> Calendar:
    """Read the visits asked for and put them into columns: four queries at most."""
    shown = days.week_of(desk.clinic, asked.day) if asked.view == WEEK else [asked.day]
    specialists = list(members(desk.clinic, Role.SPECIALIST).order_by("name", "pk"))
    found = list(_visits(desk.clinic, asked, shown)[: MOST + 1])
    visits = found[:MOST]
    rows = rows_of(desk, visits, moment, QUICK if asked.view == DAY else ())
    if asked.view == WEEK:
        columns = _by_day(shown, rows, local_date(desk.clinic, moment))
    else:
        columns = _by_specialist(asked, rows, specialists)
    return Calendar(asked, shown[0], shown[-1], columns, specialists, visits, len(found) > MOST)


def _visits(clinic: Any, asked: Asked, shown: Sequence[date]) -> QuerySet[Appointment]:
    rows = appointments_between(clinic, *days.bounds(clinic, shown[0], shown[-1]))
    if asked.specialist == NOBODY:
        rows = rows.filter(specialist=None)
    elif asked.specialist != EVERYBODY:
        rows = rows.filter(specialist__slug=asked.specialist)
    if asked.status == "":
        return rows.exclude(status__in=NOT_COUNTED)
    return rows if asked.status == "all" else rows.filter(status=asked.status)


def _by_day(shown: Sequence[date], rows: Sequence[Row], today: date) -> list[Column]:
    columns = {day: Column("", day=day, is_today=day == today) for day in shown}
    for row in rows:
        columns[timezone.localdate(row.visit.starts_at)].rows.append(row)
    return list(columns.values())


def _by_specialist(asked: Asked, rows: Sequence[Row], specialists: Sequence[Membership]) -> list[Column]:
    offered = [one for one in specialists if asked.specialist in (EVERYBODY, one.slug)]
    columns = {one.pk: Column(one.name, specialist=one, day=asked.day) for one in offered}
    for row in rows:
        who = row.visit.specialist
        key = who.pk if who else 0
        if key not in columns:
            columns[key] = Column(who.name if who else _("No specialist yet"), day=asked.day, specialist=who)
        columns[key].rows.append(row)
    many = len(columns) > COLUMNS_MAX
    return [one for one in columns.values() if one.rows or not many]
