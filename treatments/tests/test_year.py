"""A year of many patients: every week as an oracle says, one alert a crossing, none for a week that stays low."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from accounts.models import Clinic
from accounts.services import create_clinic
from automations import ticking
from automations.models import Run
from automations.tests.builders import published
from clinic import clock
from clinic.testing import rounds
from patients.models import Patient
from patients.services import register
from treatments import closing, services
from treatments.models import ExerciseSession, TreatmentPlan, WeeklyAdherence
from treatments.tests.builders import exercise
from treatments.tests.year import CALENDARS, Log, Story, oracle, story

PATIENTS = rounds(8, 200)
BELOW = 50
YEAR = date.today().year + 1  # noqa: DTZ011 - only to lie ahead of the clock, which never goes back
BEGIN = datetime(YEAR, 1, 4, tzinfo=UTC)
END = BEGIN + timedelta(days=rounds(180, 372))
Deed = tuple[datetime, int, Callable[[], Any]]


class Course:
    """One patient's year, carried out through the services; a session logged when it is told, late ones late."""

    def __init__(self, clinic: Clinic, number: int, told: Story) -> None:
        self.told = told
        self.patient: Patient = register(clinic=clinic, given_name=f"P{number}", time_zone=told.zone.key)
        self.plan: TreatmentPlan = TreatmentPlan()
        self.logged: dict[int, ExerciseSession] = {}

    def deeds(self) -> list[tuple[datetime, Callable[[], Any]]]:
        """Return what is done, and when."""
        told = self.told
        found: list[tuple[datetime, Callable[[], Any]]] = [(told.assigned_at, self.assign)]
        for start, end in told.pauses:
            found += [(start, self.pause), (end, self.resume)]
        if told.ended_at:
            found.append((told.ended_at, self.end))
        for log in told.logs:
            found.append((log.logged_at, partial(self.log, log)))
            if log.struck_at:
                found.append((log.struck_at, partial(self.strike, log)))
        return found

    def assign(self) -> None:
        first, *later = self.told.versions
        self.plan = services.create_plan(
            clinic=self.patient.clinic,
            patient=self.patient,
            name="Plan",
            starts_on=self.told.starts_on,
            ends_on=self.told.ends_on,
            exercises=[exercise(first[1])],
        )
        for from_on, number in later:
            services.revise(self.plan, exercises=[exercise(number)], from_on=from_on)
        services.assign(self.plan)

    def pause(self) -> None:
        services.pause(self.plan)

    def resume(self) -> None:
        services.resume(self.plan)

    def end(self) -> None:
        services.complete(self.plan)

    def log(self, log: Log) -> None:
        self.logged[id(log)] = services.log_session(self.plan, done_at=log.done_at)

    def strike(self, log: Log) -> None:
        services.strike_session(self.logged[id(log)])


def live_through(deeds: list[Deed]) -> None:
    """Let the year pass: the lane closes each week at its moment, and between them people do what they do."""
    deeds.sort(key=lambda deed: deed[:2])
    due = closing.next_due()
    for moment, _order, deed in deeds:
        due = close_until(moment, due)
        clock.reach(moment)
        deed()
        if not isinstance(deed, partial):  # a session changes nothing about when weeks close
            due = closing.next_due()
    close_until(END, due)


def close_until(moment: datetime, due: datetime | None) -> datetime | None:
    """Close what is due until a moment, each week at its own; return when the next is due."""
    while due is not None and due <= moment:
        clock.reach(due)
        closing.drain()
        due = closing.next_due()
    return due


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)  # in one transaction, each look at the clock would pass all its old rows
def test_every_week_and_every_alert_of_a_year_is_as_the_oracle_says():
    random = Random(72514)
    clock.advance_to(BEGIN)
    courses = []
    for calendar in CALENDARS:
        slug, zone, week_start, grace = calendar
        clinic = create_clinic(slug=slug, name=slug, time_zone=zone, week_start=week_start, adherence_grace_hours=grace)
        published(clinic, "treatment.adherence_dropped", config={"below_percent": BELOW})
        for number in range(PATIENTS // len(CALENDARS)):
            courses.append(Course(clinic, number, story(random, BEGIN, calendar)))
    live_through([(at, n, deed) for n, course in enumerate(courses) for at, deed in course.deeds() if at < END])
    ticking.drain_engine()

    counted = alerted = corrected = 0
    for course in courses:
        expected, alerts = oracle(course.told, END, BELOW)
        rows = WeeklyAdherence.objects.filter(patient=course.patient).order_by("first_on")
        assert [(row.week_on, row.completed, row.prescribed) for row in rows] == expected
        runs = Run.objects.filter(patient=course.patient, outcome=Run.Outcome.MATCHED).select_related("event")
        assert [run.event.data["week"] for run in runs.order_by("event_id")] == [str(week) for week in alerts]
        counted, alerted = counted + len(expected), alerted + len(alerts)
        corrected += rows.filter(revision__gt=1).count()
    low = WeeklyAdherence.objects.filter(percent__lt=BELOW).count()
    print(f"{counted:,} weeks, {low:,} low, {alerted:,} alerts, {corrected:,} corrected late")  # noqa: T201 - pytest -rP shows it
    assert 0 < alerted < low
    assert corrected > PATIENTS / 10
