"""The sweep behind `schedule.date`: one query a rule and day finds the patients whose date has come.

A rule's cursor says which local day is next. Whoever finds its moment passed locks the cursor, works the day off in
batches and moves on, so that a late tick catches up day by day, and two sweeps never share one. That an occurrence is
never recorded twice is the event's unique occasion: the rule, the date's name, and which date (or which year's) it is.
"""

from __future__ import annotations

import time as real_time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, QuerySet

from automations.compiled import spec_of
from automations.context import LocalDate, ReadContext
from automations.engine.declare import catalog
from automations.engine.moments import at_local, local_day, shift_day
from automations.models import DateCursor, Rule
from automations.occasions import Occasion, record, unrecorded
from automations.populations import active_patients
from automations.sql import is_plain_date
from clinic.asking import Earliest
from clinic.changes import origin
from clinic.clock import ClinicNow, now
from clinic.db import lock_patients

TRIGGER = "schedule.date"
BATCH = 500
BUDGET_SECONDS = 2.0
DAY = timedelta(days=1)
NEAR = range(-4, 5)
"""Days around the reckoned one in which every date lies that an offset in months brings to the same day."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What a rule waits for: a date of its patients, how much later, and at which local time."""

    field: str
    amount: int
    unit: str
    at: time
    yearly: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Coming:
        """Read a trigger's settings."""
        offset, fact = config["offset"], catalog.facts[config["field"]]
        return cls(fact.key, offset["amount"], offset["unit"], time.fromisoformat(config["at"]), fact.yearly)

    def dates(self, day: date) -> list[date]:
        """Return the dates that the offset brings to this day: often one, none or several at the end of a month."""
        guess = shift_day(day, -self.amount, self.unit)
        near = (guess + step * DAY for step in NEAR)
        return [one for one in near if shift_day(one, self.amount, self.unit) == day]

    def asked(self, day: date) -> Q:
        """Return the question whether `base`, the patient's date, comes on this day."""
        dates = self.dates(day)
        if not self.yearly:
            return Q(base__in=dates)
        question = Q(pk__in=())
        for one in dates:
            for month, number in _birthdays(one):
                question |= Q(base__month=month, base__day=number, base__lt=one)
        return question

    def name(self, rule_id: int, base: date, day: date) -> str:
        """Name the occurrence: the date itself, or the year in which a yearly one comes round."""
        if not self.yearly:
            return f"{rule_id}:{self.field}:{base.isoformat()}"
        year = next(one.year for one in self.dates(day) if (base.month, base.day) in _birthdays(one))
        return f"{rule_id}:{self.field}:{year}"


def _birthdays(day: date) -> list[tuple[int, int]]:
    """Return the (month, day) that come round on this day: on 1 March of a common year 29 February too."""
    found = [(day.month, day.day)]
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return [*found, (2, 29)] if found == [(3, 1)] and not leap else found


def coming(clinic_id: int, wanted: Coming, day: date, moment: datetime) -> QuerySet:
    """Return the active patients whose date comes on this day, each with it as `base`; read as of `moment`."""
    ctx = ReadContext.for_patients(moment)
    fact = catalog.facts[wanted.field]
    value = fact.expression(ctx)  # type: ignore[misc]
    day_of = value if is_plain_date(value, ctx) else LocalDate(ctx.zone, value)
    rows = active_patients(clinic_id).annotate(base=day_of)
    return rows.filter(wanted.asked(day)).order_by("pk")


# --- the sweep ---


def sweep_dates() -> int:
    """Work off the days that have come, rule by rule; return how many occurrences and days that were."""
    deadline = real_time.monotonic() + BUDGET_SECONDS
    total = _place_new()
    while real_time.monotonic() < deadline and (count := _sweep_one()):
        total += count
    return total


next_due = Earliest(lambda: _unplaced().values_list(ClinicNow()), lambda: _placed().values_list("next_at"))
"""Return the earliest moment at which a rule's next day comes; for one that has no cursor yet, the present one."""


def _rules() -> QuerySet[Rule]:
    return Rule.objects.filter(mode__in=Rule.MATCHING, published__trigger=TRIGGER)


def _placed() -> QuerySet[DateCursor]:
    return DateCursor.objects.filter(rule__mode__in=Rule.MATCHING, rule__published__trigger=TRIGGER)


def _unplaced() -> QuerySet[Rule]:
    """Return the rules whose wording has changed since their cursor was set, or that have none."""
    return _rules().exclude(date_cursors__version_id=F("published_id")).order_by("pk")


def _place_new() -> int:
    """Give rules a cursor from which their new wording counts; return how many. What was looked at stays so."""
    found = list(_unplaced())
    for rule in found:
        assert rule.published is not None
        with transaction.atomic():
            # One places it; it is looked at again if another worker holds it, or somebody who publishes just now.
            held = Rule.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(pk=rule.pk)
            if held.first() is None:
                continue
            DateCursor.objects.get_or_create(
                rule=rule,
                clinic_id=rule.clinic_id,
                defaults={"version": rule.published, "day": date.min + DAY, "next_at": now()},
            )
            cursor = DateCursor.objects.select_for_update(no_key=True).get(rule=rule)
            if not _move(cursor, rule, cursor.day):
                cursor.version_id = rule.published_id or 0
                cursor.save(update_fields=["version"])
    return len(found)


def _move(cursor: DateCursor, rule: Rule, day: date) -> Coming | None:
    """Set a cursor on a day, or on the first that counts for the rule; None if the wording cannot be read."""
    spec = spec_of(rule.published_id)
    if isinstance(spec, str):
        return None
    wanted, zone = Coming.of(spec.trigger_config), ZoneInfo(rule.clinic.time_zone)
    cursor.day, cursor.after_patient = max(day, _first_day(rule, wanted.at, zone)), 0
    cursor.version_id = rule.published_id or 0
    cursor.next_at = at_local(cursor.day, wanted.at, zone)
    cursor.save()
    return wanted


def _first_day(rule: Rule, at: time, zone: ZoneInfo) -> date:
    """Return the first local day whose moment is not before the rule came into force."""
    since = rule.active_since or now()
    day = local_day(since, zone)
    return day if at_local(day, at, zone) >= since else day + DAY


def _sweep_one() -> int:
    """Work off one batch of one day of one rule; 0 if nothing has come, or if others are at all that has."""
    moment = now()
    with transaction.atomic(), origin("tick"):
        due = _placed().filter(next_at__lte=moment).select_related("rule__clinic").order_by("next_at", "pk")
        cursor = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
        if cursor is None:
            return 0
        return 1 + _sweep_day(cursor, cursor.rule, moment)


def _sweep_day(cursor: DateCursor, rule: Rule, moment: datetime) -> int:
    spec, zone = spec_of(rule.published_id), ZoneInfo(rule.clinic.time_zone)
    if isinstance(spec, str):  # nothing can be read of it; an hour from now somebody may have mended it
        DateCursor.objects.filter(pk=cursor.pk).update(next_at=moment + timedelta(hours=1))
        return 0
    wanted = Coming.of(spec.trigger_config)
    came_at = at_local(cursor.day, wanted.at, zone)
    if cursor.day < _first_day(rule, wanted.at, zone) or came_at > moment:
        _move(cursor, rule, cursor.day)
        return 0
    found = coming(rule.clinic_id, wanted, cursor.day, came_at).filter(pk__gt=cursor.after_patient)
    batch = list(found.values_list("pk", flat=True)[:BATCH])
    count = _record(rule, wanted, cursor.day, came_at, batch)
    if len(batch) < BATCH:
        _move(cursor, rule, cursor.day + DAY)
    else:
        DateCursor.objects.filter(pk=cursor.pk).update(after_patient=batch[-1])
    return count


def _record(rule: Rule, wanted: Coming, day: date, came_at: datetime, batch: list[int]) -> int:
    """Write the events of the patients whose date still comes on this day once they are locked."""
    if not batch:
        return 0
    lock_patients(batch)
    rows = coming(rule.clinic_id, wanted, day, came_at).filter(pk__in=batch).values_list("pk", "base")
    occasions = [
        Occasion(
            patient_id=pk,
            name=wanted.name(rule.pk, base, day),
            occurred_at=came_at,
            data={"field": wanted.field, "date": base.isoformat(), "on": day.isoformat()},
        )
        for pk, base in rows
    ]
    return len(record(rule.clinic_id, TRIGGER, unrecorded(TRIGGER, occasions), rule_id=rule.pk))
