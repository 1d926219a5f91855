"""Weeks close when they are over and the grace has passed: in the clinic's zone, once, and late entries are silent."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import update_clinic
from automations import ticking
from automations.models import Event
from automations.tests.builders import Busy, published, states
from clinic import clock
from clinic.lanes import lanes
from patients import services as patients
from treatments import closing, services
from treatments.models import WeeklyAdherence
from treatments.tests.builders import exercise, make_plan, make_session

pytestmark = pytest.mark.django_db
DROPPED, RECOVERED = "treatment.adherence_dropped", "treatment.adherence_recovered"
ZONE = ZoneInfo("Europe/Bucharest")


YEAR = date.today().year + 1  # noqa: DTZ011 - only to lie ahead of the clock, which never goes back


def monday() -> date:
    """Return the first Monday of a February, far from any change of the clocks."""
    day = date(YEAR, 2, 1)
    return day + timedelta(days=-day.weekday() % 7)


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


def on(day: date, hour: int = 9) -> None:
    """Let it be that hour of that day, with nothing done on the way."""
    clock.advance_to(at(day, hour))


def weeks() -> list[tuple[int, int, float | None]]:
    rows = WeeklyAdherence.objects.order_by("pk")
    return list(rows.values_list("completed", "prescribed", "previous"))


def fired() -> list[str]:
    return list(Event.objects.filter(trigger__in=(DROPPED, RECOVERED)).order_by("pk").values_list("trigger", flat=True))


@pytest.fixture
def first(patient):
    """A Monday on which Maria's plan of four sessions a week begins."""
    on(monday())
    return monday()


def test_a_week_is_evaluated_at_noon_of_the_day_after_and_not_before(patient, first):
    plan = make_plan(patient, 4)
    make_session(plan)
    noon = at(first + timedelta(days=7), 12)
    assert closing.next_due() == noon
    clock.advance_to(noon - timedelta(seconds=30))
    assert closing.drain() == 0
    clock.advance_to(noon)
    assert closing.drain() == 1
    [row] = WeeklyAdherence.objects.all()
    assert (row.week_on, row.first_on, row.last_on) == (first, first, first + timedelta(days=6))
    assert (row.completed, row.prescribed, row.percent, row.previous) == (1, 4, 25.0, None)
    assert row.closed_at == noon
    assert Event.objects.get(trigger=DROPPED).occurred_at == noon
    assert closing.drain() == 0
    assert closing.next_due() == noon + timedelta(days=7)


def test_the_lane_is_swept_and_the_walk_of_the_clock_stops_at_it(patient, first):
    assert [lane.sweep for lane in lanes() if lane.name == "weeks"] == [True]
    make_plan(patient, 4)
    stops = [moment for moment, _count in ticking.walk_to(at(first + timedelta(days=15)))]
    assert at(first + timedelta(days=7), 12) in stops
    assert at(first + timedelta(days=14), 12) in stops
    assert weeks() == [(0, 4, None), (0, 4, 0.0)]


def test_a_late_entry_within_the_grace_counts_as_any_other(patient, first):
    plan = make_plan(patient, 1)
    on(first + timedelta(days=7), 11)
    make_session(plan, at(first + timedelta(days=6), 23))
    on(first + timedelta(days=7), 13)
    closing.drain()
    assert weeks() == [(1, 1, None)]
    assert fired() == []  # nothing is below 100 %


def test_a_session_counts_on_the_patients_own_day(clinic, patient, first):
    patients.update(patient, time_zone="Pacific/Auckland")  # eleven hours ahead of the clinic
    plan = make_plan(patient, 2)
    on(first + timedelta(days=6), 22)
    session = make_session(plan)
    assert session.done_on == first + timedelta(days=7)
    on(first + timedelta(days=7), 13)
    closing.drain()
    assert weeks() == [(0, 2, None)]


@pytest.mark.parametrize(
    ("begins", "expected"),
    [(0, [(0, 7, None)]), (4, [(0, 3, None)]), (5, []), (6, [])],  # Monday, Friday (three days), Saturday, Sunday
)
def test_a_first_week_that_is_covered_under_three_days_is_not_evaluated(patient, first, begins, expected):
    make_plan(patient, 7, starts_on=first + timedelta(days=begins))
    on(first + timedelta(days=7), 13)
    closing.drain()
    assert weeks() == expected
    assert len(fired()) == len(expected)


def test_a_plan_counts_from_the_day_it_was_assigned_on(patient, first):
    plan = services.create_plan(
        clinic=patient.clinic, patient=patient, name="Knee", starts_on=first, exercises=[exercise(7)]
    )
    on(first + timedelta(days=3))
    services.assign(plan)
    on(first + timedelta(days=7), 13)
    closing.drain()
    assert weeks() == [(0, 4, None)]


def test_a_last_week_counts_its_days_and_then_no_week_does(patient, first):
    make_plan(patient, 7, ends_on=first + timedelta(days=9))
    on(first + timedelta(days=40))
    closing.drain()
    assert weeks() == [(0, 7, None), (0, 3, 0.0)]
    assert closing.next_due() is None


def test_the_day_on_which_a_plan_ends_is_no_longer_covered(patient, first):
    plan = make_plan(patient, 7)
    on(first + timedelta(days=4))
    services.complete(plan)
    on(first + timedelta(days=40))
    closing.drain()
    assert weeks() == [(0, 4, None)]


def test_a_week_in_a_pause_has_no_value_and_the_next_is_compared_with_the_one_before_it(patient, first):
    plan = make_plan(patient, 1)
    make_session(plan)
    on(first + timedelta(days=7))
    plan = services.pause(plan)
    on(first + timedelta(days=21))
    services.resume(plan)
    on(first + timedelta(days=29))
    closing.drain()
    assert weeks() == [(1, 1, None), (0, 1, 100.0)]
    assert fired() == [DROPPED]


def test_what_is_prescribed_changes_on_its_day(patient, first):
    plan = make_plan(patient, 7)
    on(first + timedelta(days=4))
    services.revise(plan, exercises=[exercise(14), exercise(7)])
    on(first + timedelta(days=8), 13)
    closing.drain()
    assert weeks() == [(0, 4 + 9, None)]


def test_a_patient_who_left_has_no_weeks(patient, first):
    make_plan(patient, 4)
    patients.archive(patient)
    on(first + timedelta(days=8))
    assert closing.drain() == 1
    assert (weeks(), fired()) == ([], [])


def test_weeks_missed_while_nothing_ran_are_closed_in_order_each_with_its_own_moment(patient, first):
    make_plan(patient, 4)
    on(first + timedelta(days=22))
    assert closing.drain() == 1
    moments = [at(first + timedelta(days=7 * n), 12) for n in (1, 2, 3)]
    assert list(WeeklyAdherence.objects.order_by("pk").values_list("closed_at", flat=True)) == moments
    assert fired() == [DROPPED]


def test_many_plans_take_as_many_queries_as_few(clinic, patient, first, django_assert_max_num_queries):
    make_plan(patient, 4)
    on(first + timedelta(days=8), 13)
    with CaptureQueriesContext(connection) as few:
        assert closing.close_batch() == 1
    for number in range(30):
        make_session(make_plan(patients.register(clinic=clinic, given_name=f"P{number}"), 4))
    on(first + timedelta(days=15), 13)
    with django_assert_max_num_queries(len(few) + 2):  # COPY asks for the keys first
        assert closing.close_batch() == 31


# --- the clinic's own calendar ---


@pytest.mark.parametrize(("week_start", "began"), [(0, 0), (6, -1), (5, -2), (2, -5)])
def test_the_week_starts_as_the_clinic_says(clinic, patient, first, week_start, began):
    update_clinic(clinic, week_start=week_start)
    patient.refresh_from_db()
    make_plan(patient, 7)
    on(first + timedelta(days=7 + began + 7), 13)
    closing.drain()
    row = WeeklyAdherence.objects.earliest("pk")
    covered = 7 + began
    expected = (first + timedelta(days=began), covered) if covered >= 3 else (first + timedelta(days=2), 7)
    assert (row.week_on, row.prescribed) == expected


def test_another_grace_holds_for_the_week_that_waits(clinic, patient, first):
    make_plan(patient, 4)
    update_clinic(clinic, adherence_grace_hours=0)
    assert closing.next_due() == at(first + timedelta(days=7), 0)
    on(first + timedelta(days=7), 0)
    assert closing.drain() == 1


def test_another_week_start_counts_no_day_twice_and_leaves_none_out(clinic, patient, first):
    plan = make_plan(patient, 7)
    on(first + timedelta(days=8))
    make_session(plan)
    on(first + timedelta(days=8), 13)
    closing.drain()
    update_clinic(clinic, week_start=6)
    on(first + timedelta(days=30), 13)
    closing.drain()
    spans = list(WeeklyAdherence.objects.order_by("pk").values_list("first_on", "last_on", "prescribed", "completed"))
    assert [(start - first).days for start, *_ in spans] == [0, 7, 13, 20]
    assert [(end - first).days for _, end, *_ in spans] == [6, 12, 19, 26]
    assert [one[2:] for one in spans] == [(7, 0), (6, 1), (7, 0), (7, 0)]


# --- late corrections ---


def test_a_late_entry_counts_the_week_anew_and_fires_nothing(patient, first):
    plan = make_plan(patient, 4)
    on(first + timedelta(days=7), 13)
    closing.drain()
    for day in range(4):
        make_session(plan, at(first + timedelta(days=day)))
    assert weeks() == [(4, 4, None)]
    assert WeeklyAdherence.objects.get().percent == 100
    assert Event.objects.filter(state="new", trigger__in=(DROPPED, RECOVERED)).count() == 1  # the week itself
    on(first + timedelta(days=14), 13)
    closing.drain()
    assert weeks() == [(4, 4, None), (0, 4, 100.0)]


@pytest.mark.parametrize(("late", "state"), [(1, "pending"), (2, "cancelled")])
def test_a_late_entry_that_lifts_the_week_stops_what_waits_because_it_was_low(clinic, patient, first, late, state):
    later = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 3, "unit": "days"}}
    rule = published(clinic, DROPPED, later, config={"below_percent": 50})
    plan = make_plan(patient, 4)
    on(first + timedelta(days=7), 13)
    ticking.drain_all()
    assert states(rule) == [("a1", "pending", "")]
    for day in range(late):
        make_session(plan, at(first + timedelta(days=day)))
    ticking.drain_all()
    assert [one[1] for one in states(rule)] == [state]


def test_striking_out_and_moving_a_session_count_anew(patient, first):
    plan = make_plan(patient, 2)
    kept, struck = make_session(plan), make_session(plan)
    on(first + timedelta(days=15), 13)
    closing.drain()
    assert weeks() == [(2, 2, None), (0, 2, 100.0)]
    services.strike_session(struck)
    services.correct_session(kept, done_at=at(first + timedelta(days=9)))
    assert weeks() == [(0, 2, None), (1, 2, 100.0)]
    assert Event.objects.filter(trigger__in=(DROPPED, RECOVERED), state="new").count() == 1


def test_a_version_from_a_past_day_counts_closed_weeks_anew(patient, first):
    plan = make_plan(patient, 7)
    make_session(plan)
    on(first + timedelta(days=8), 13)
    closing.drain()
    services.revise(plan, exercises=[exercise(1)], from_on=first)
    assert weeks() == [(1, 1, None)]


def test_a_held_patient_is_left_for_later(transactional_db, clinic, patient):
    on(monday())
    make_plan(patient, 4)
    on(monday() + timedelta(days=8), 13)
    with Busy(patient):
        assert closing.drain() == 0
        assert weeks() == []
    assert closing.drain() == 1
    assert weeks() == [(0, 4, None)]
