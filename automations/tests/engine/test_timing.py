"""When steps are due, over every clock change that a clinic may meet."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.engine.moments import shift, shift_day, start_of_day
from automations.engine.timing import QuietHours, due, expires, release_at
from automations.engine.values import Delay, Immediately, Relative, WaitFor

from .cast import proved

NY, LONDON, HOWE = ZoneInfo("America/New_York"), ZoneInfo("Europe/London"), ZoneInfo("Australia/Lord_Howe")
SAO_PAULO, SANTIAGO, BEIRUT = ZoneInfo("America/Sao_Paulo"), ZoneInfo("America/Santiago"), ZoneInfo("Asia/Beirut")
STARTS = "appointment.starts_at"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


GOLDEN = [
    # zone, the event (UTC), the delay, when it is due (UTC)
    (NY, "2026-03-07 17:00", Delay(24, "hours"), "2026-03-08 17:00"),  # 12:00 -> 13:00 on the wall
    (NY, "2026-03-07 17:00", Delay(1, "days"), "2026-03-08 16:00"),  # 12:00 stays 12:00
    (NY, "2026-03-07 07:30", Delay(1, "days"), "2026-03-08 07:30"),  # 02:30 does not exist: 03:30
    (NY, "2026-10-31 05:30", Delay(1, "days"), "2026-11-01 05:30"),  # 01:30 comes twice: the first
    (NY, "2026-10-31 17:00", Delay(24, "hours"), "2026-11-01 17:00"),
    (NY, "2026-10-18 14:00", Delay(2, "weeks"), "2026-11-01 15:00"),  # 10:00 before and after
    (NY, "2026-11-24 23:59", Delay(1, "days", time(9, 0)), "2026-11-25 14:00"),
    (LONDON, "2026-03-16 09:00", Delay(2, "weeks"), "2026-03-30 08:00"),
    (LONDON, "2026-03-28 01:30", Delay(1, "days"), "2026-03-29 01:30"),  # 01:30 does not exist: 02:30
    (LONDON, "2026-10-24 00:30", Delay(1, "days"), "2026-10-25 00:30"),  # 01:30 comes twice: the first
    (LONDON, "2026-10-24 12:00", Delay(1, "days"), "2026-10-25 13:00"),
    (HOWE, "2026-10-02 15:45", Delay(1, "days"), "2026-10-03 15:45"),  # 02:15 + half an hour = 02:45
    (HOWE, "2026-04-03 14:45", Delay(1, "days"), "2026-04-04 14:45"),  # 01:45 comes twice: the first
    (HOWE, "2026-10-03 02:00", Delay(24, "hours"), "2026-10-04 02:00"),  # 12:30 -> 13:00 on the wall
    (HOWE, "2026-10-03 02:00", Delay(1, "days"), "2026-10-04 01:30"),
    (SAO_PAULO, "2018-11-03 03:00", Delay(1, "days"), "2018-11-04 03:00"),  # no midnight: 01:00
    (SAO_PAULO, "2018-02-17 01:30", Delay(1, "days"), "2018-02-18 01:30"),  # 23:30 comes twice: the first
    (SAO_PAULO, "2018-11-03 15:00", Delay(1, "days", time(0, 0)), "2018-11-04 03:00"),
    (SAO_PAULO, "2026-11-03 15:00", Delay(1, "days"), "2026-11-04 15:00"),  # no summer time any more
    (SANTIAGO, "2026-09-05 04:30", Delay(1, "days"), "2026-09-06 04:30"),  # 00:30 does not exist: 01:30
    (SANTIAGO, "2026-03-05 02:30", Delay(1, "months"), "2026-04-05 02:30"),  # 4 April 23:30 comes twice
    (SANTIAGO, "2026-09-05 16:00", Delay(24, "hours"), "2026-09-06 16:00"),
    (BEIRUT, "2026-03-28 08:00", Delay(1, "days", time(0, 0)), "2026-03-28 22:00"),  # no midnight: 01:00
    (BEIRUT, "2026-03-28 08:00", Delay(1, "days"), "2026-03-29 07:00"),
    (BEIRUT, "2026-10-23 20:30", Delay(1, "days"), "2026-10-24 20:30"),  # 23:30 comes twice: the first
    (NY, "2026-01-31 15:00", Delay(1, "months"), "2026-02-28 15:00"),  # a short month clamps
    (NY, "2028-01-31 15:00", Delay(1, "months"), "2028-02-29 15:00"),
    (NY, "2026-11-24 14:00", Immediately(), "2026-11-24 14:00"),
    (NY, "2026-11-24 15:00", Delay(0, "days", time(9, 0)), "2026-11-24 15:00"),  # today at 09:00, asked for at ten
    (NY, "2026-10-31 16:00", WaitFor("x", 3, "days", "task"), "2026-11-03 17:00"),
]


@pytest.mark.parametrize(("zone", "event", "delay", "expected"), GOLDEN)
def test_a_delay_is_due_at_the_golden_moment(zone, event, delay, expected):
    assert due(delay, utc(event), zone, {}) == utc(expected)


@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        (Relative(24, "hours", "before", STARTS), "2026-03-07 14:00"),  # over the change: 09:00 on the wall
        (Relative(1, "days", "before", STARTS), "2026-03-07 15:00"),  # 10:00 on the wall
        (Relative(2, "weeks", "after", STARTS), "2026-03-22 14:00"),
        (Relative(30, "minutes", "after", STARTS), "2026-03-08 14:30"),
    ],
)
def test_a_relative_step_counts_from_its_anchor(relative, expected):
    anchors = {STARTS: datetime(2026, 3, 8, 10, 0, tzinfo=NY)}
    assert due(relative, utc("2026-03-01 00:00"), NY, anchors) == utc(expected)


def test_a_plain_date_as_anchor_is_the_start_of_its_local_day():
    relative = Relative(1, "weeks", "before", "plan.ends_on")
    assert due(relative, utc("2026-03-01 00:00"), NY, {"plan.ends_on": date(2026, 3, 12)}) == utc("2026-03-05 05:00")


def test_an_anchor_without_a_value_gives_no_due_time():
    assert due(Relative(1, "days", "before", STARTS), utc("2026-03-01 00:00"), NY, {STARTS: None}) is None


def test_a_step_before_an_anchor_expires_at_the_anchor():
    anchors = {STARTS: utc("2026-03-08 14:00")}
    step = Relative(1, "days", "before", STARTS)
    assert expires(step, utc("2026-03-07 15:00"), NY, anchors, message=False) == utc("2026-03-08 14:00")


def test_a_message_lives_72_hours_and_ends_when_the_appointment_begins():
    due_at = utc("2026-03-07 15:00")
    assert expires(Immediately(), due_at, NY, {}, message=True) == due_at + timedelta(hours=72)
    soon = expires(
        Immediately(), due_at, NY, {}, message=True, appointment_starts_at=datetime(2026, 3, 8, 10, 0, tzinfo=NY)
    )
    assert soon == utc("2026-03-08 14:00")


def test_a_message_after_the_appointment_is_not_cut_short_by_it():
    due_at = utc("2026-03-09 15:00")
    limit = expires(Immediately(), due_at, NY, {}, message=True, appointment_starts_at=utc("2026-03-08 14:00"))
    assert limit == due_at + timedelta(hours=72)


def test_what_is_no_message_never_expires():
    assert expires(Delay(1, "days"), utc("2026-03-07 15:00"), NY, {}, message=False) is None


NIGHT = QuietHours(time(21, 0), time(8, 0))
QUIET = [
    # quiet hours, zone, ready (UTC), released (UTC)
    (NIGHT, NY, "2026-11-24 17:00", "2026-11-24 17:00"),
    (NIGHT, NY, "2026-11-25 02:00", "2026-11-25 13:00"),  # exactly 21:00: held to 08:00
    (NIGHT, NY, "2026-11-25 12:59", "2026-11-25 13:00"),
    (NIGHT, NY, "2026-11-25 13:00", "2026-11-25 13:00"),  # exactly 08:00: open
    (NIGHT, NY, "2026-03-08 04:00", "2026-03-08 12:00"),  # over the clock change
    (QuietHours(time(12), time(14)), LONDON, "2026-11-24 13:00", "2026-11-24 14:00"),
    (QuietHours(closed_weekdays=frozenset({5, 6})), NY, "2026-11-28 17:00", "2026-11-30 05:00"),
    (QuietHours(time(21), time(8), frozenset({5, 6})), NY, "2026-11-28 03:00", "2026-11-30 13:00"),
    (QuietHours(closed_weekdays=frozenset({6})), BEIRUT, "2026-03-28 22:30", "2026-03-29 21:00"),
    (QuietHours(closed_weekdays=frozenset({5})), BEIRUT, "2026-03-27 23:00", "2026-03-28 22:00"),  # no midnight
    (QuietHours(closed_weekdays=frozenset(range(7))), NY, "2026-11-28 17:00", "2026-11-28 17:00"),
    (QuietHours(time(9), time(9)), NY, "2026-11-24 14:00", "2026-11-24 14:00"),
    (QuietHours(time(1, 0), time(1, 45)), NY, "2026-11-01 06:10", "2026-11-01 06:45"),  # the second 01:10
    (QuietHours(time(21), time(2, 30)), NY, "2026-03-08 06:00", "2026-03-08 07:30"),  # 02:30 does not exist
]


@pytest.mark.parametrize(("quiet", "zone", "ready", "expected"), QUIET)
def test_quiet_hours_hold_a_message_to_their_end(quiet, zone, ready, expected):
    assert release_at(utc(ready), quiet, zone, not_after=None) == utc(expected)


def test_a_hold_past_not_after_lets_the_message_go_at_once():
    ready = utc("2026-11-25 03:00")
    assert release_at(ready, NIGHT, NY, not_after=utc("2026-11-25 12:00")) == ready


def test_an_appointment_message_is_not_held_past_twelve_hours_before_the_start():
    ready = utc("2026-11-25 03:00")
    at_once = release_at(ready, NIGHT, NY, not_after=None, appointment_starts_at=utc("2026-11-26 00:59"))
    held = release_at(ready, NIGHT, NY, not_after=None, appointment_starts_at=utc("2026-11-26 01:00"))
    assert (at_once, held) == (ready, utc("2026-11-25 13:00"))


def test_a_message_after_the_appointment_is_held_like_any_other():
    ready = utc("2026-11-25 03:00")
    released = release_at(ready, NIGHT, NY, not_after=None, appointment_starts_at=utc("2026-11-24 15:00"))
    assert released == utc("2026-11-25 13:00")


ZONES = st.sampled_from([NY, LONDON, HOWE, SAO_PAULO, SANTIAGO, BEIRUT])
MOMENTS = st.integers(0, 30 * 365 * 24 * 60).map(lambda n: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(minutes=n))


@proved()
@given(MOMENTS, ZONES, st.integers(0, 500), st.sampled_from(["minutes", "hours"]))
def test_elapsed_units_are_elapsed_whatever_the_clocks_do(moment, zone, amount, unit):
    seconds = 60 if unit == "minutes" else 3600
    assert shift(moment, amount, unit, zone) - moment == timedelta(seconds=amount * seconds)


@proved()
@given(MOMENTS, ZONES, st.integers(-500, 500), st.sampled_from(["days", "weeks", "months"]))
def test_calendar_units_keep_the_wall_clock_or_move_forward_by_the_gap(moment, zone, amount, unit):
    local = moment.astimezone(zone)
    wanted = datetime.combine(shift_day(local.date(), amount, unit), local.time())
    got = shift(moment, amount, unit, zone).astimezone(zone).replace(tzinfo=None, fold=0)
    if amount == 0:
        assert got == local.replace(tzinfo=None, fold=0)
    else:
        assert got - wanted in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))


@proved()
@given(MOMENTS, ZONES)
def test_a_day_starts_at_its_first_moment(moment, zone):
    day = moment.astimezone(zone).date()
    start = start_of_day(day, zone)
    assert start.astimezone(zone).date() == day
    assert (start - timedelta(minutes=1)).astimezone(zone).date() < day


@proved()
@given(
    MOMENTS,
    ZONES,
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(0, 6)),
    st.one_of(st.none(), st.integers(0, 100)),
)
def test_a_released_message_is_late_by_quiet_hours_only(moment, zone, start, end, closed, life):
    quiet = QuietHours(start, end, closed)
    not_after = None if life is None else moment + timedelta(hours=life)
    released = release_at(moment, quiet, zone, not_after=not_after)
    assert released >= moment
    assert not_after is None or released <= not_after
    if released > moment:
        assert release_at(released, quiet, zone, not_after=None) == released
