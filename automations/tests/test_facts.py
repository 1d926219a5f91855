"""Facts about patients against a second, plain reading of the same rows: no SQL, no code of the readers."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appointments.models import Appointment
from automations.engine.declare import catalog
from automations.facts import Ask, read_events, read_patients
from automations.models import Event
from automations.tests.worlds import YEARS, World, build
from patients.models import Patient

WINDOWS: tuple[dict[str, Any], ...] = (
    {"amount": 1, "unit": "minutes"},
    {"amount": 25, "unit": "hours"},
    {"amount": 1, "unit": "days"},
    {"amount": 2, "unit": "days"},
    {"amount": 1, "unit": "weeks"},
    {"amount": 1, "unit": "months"},
    {"amount": 3, "unit": "months"},
    {"amount": 12, "unit": "months"},
)


@pytest.fixture
def world(db: None, request: Any) -> World:
    return build(request.param)


def months_before(day: date, months: int) -> date:
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def in_window(starts_at: datetime, window: dict[str, Any], moment: datetime, zone: ZoneInfo) -> bool:
    """Whether a start lies in (today - window, today], read off the calendar on the wall; hours are elapsed time."""
    amount, unit = window["amount"], window["unit"]
    if unit in ("minutes", "hours"):
        return moment - timedelta(**{unit: amount}) < starts_at <= moment
    today, day = moment.astimezone(zone).date(), starts_at.astimezone(zone).date()
    first = months_before(today, amount) if unit == "months" else today - timedelta(**{unit: amount})
    return first < day <= today


def visits_of(world: World) -> dict[int, list[Appointment]]:
    found: dict[int, list[Appointment]] = {pk: [] for pk in world.patients}
    for visit in Appointment.objects.filter(clinic=world.clinic).select_related("service"):
        found[visit.patient_id].append(visit)
    return found


def ask(world: World, field: str, moment: datetime, **params: Any) -> dict[int, object]:
    return {
        pk: next(iter(facts.values())) for pk, facts in read_patients(world.patients, [(field, params)], moment).items()
    }


CALLED_OFF = ("cancelled", "entered_in_error")


@pytest.mark.parametrize("world", YEARS, indirect=True)
def test_counted_visits_are_those_of_the_calendar_days(world):
    visits = visits_of(world)
    counted = 0
    for moment in world.moments:
        for window in WINDOWS:
            expected = {
                pk: sum(v.status not in CALLED_OFF and in_window(v.starts_at, window, moment, world.zone) for v in rows)
                for pk, rows in visits.items()
            }
            assert ask(world, "patient.appointment_count", moment, window=window) == expected, (moment, window)
            counted += sum(expected.values())
    assert counted > 300


@pytest.mark.parametrize("world", ["Europe/Bucharest"], indirect=True)
def test_states_services_and_no_window_narrow_the_count_as_they_say(world):
    visits = visits_of(world)
    for moment in world.moments:
        today = moment.astimezone(world.zone).date()
        for statuses, services in ((["cancelled"], []), (["completed", "booked"], ["massage"]), ([], ["massage"])):
            params = {key: value for key, value in (("statuses", statuses), ("services", services)) if value}
            expected = {
                pk: sum(
                    (v.status in statuses if statuses else v.status not in CALLED_OFF)
                    and (not services or v.service.slug in services)
                    and v.starts_at.astimezone(world.zone).date() <= today
                    for v in rows
                )
                for pk, rows in visits.items()
            }
            assert ask(world, "patient.appointment_count", moment, **params) == expected


@pytest.mark.parametrize("world", ["Australia/Lord_Howe", "America/Havana"], indirect=True)
def test_the_last_and_the_next_visit_are_the_nearest_on_their_side_of_now(world):
    visits = visits_of(world)
    for moment in world.moments:
        last, ahead = {}, {}
        for pk, rows in visits.items():
            past = [v.starts_at for v in rows if v.starts_at <= moment and v.status not in CALLED_OFF]
            coming = [
                v.starts_at for v in rows if v.starts_at > moment and v.status in ("booked", "confirmed", "in_progress")
            ]
            last[pk] = max(past).astimezone(UTC).isoformat() if past else None
            ahead[pk] = min(coming).astimezone(UTC).isoformat() if coming else None
        assert ask(world, "patient.last_appointment_at", moment) == last
        assert ask(world, "patient.next_appointment_at", moment) == ahead


def age_on(born: date | None, today: date) -> int | None:
    """Count birthdays lived through; a 29 February that the year lacks is celebrated on 1 March."""
    if born is None or born > today:
        return None
    birthdays = 0
    for year in range(born.year + 1, today.year + 1):
        exists = born.day <= monthrange(year, born.month)[1]
        birthdays += (date(year, born.month, born.day) if exists else date(year, 3, 1)) <= today
    return birthdays


@pytest.mark.parametrize("world", YEARS, indirect=True)
def test_an_age_is_whole_years_on_the_clinics_date(world):
    born = dict(Patient.objects.filter(pk__in=world.patients).values_list("pk", "birth_date"))
    for moment in world.moments:
        today = moment.astimezone(world.zone).date()
        assert ask(world, "patient.age", moment) == {pk: age_on(day, today) for pk, day in born.items()}


@pytest.mark.parametrize(
    ("zone", "moment", "age"),
    [
        ("Europe/Bucharest", "2023-02-28T12:00+00:00", 22),
        ("Europe/Bucharest", "2023-02-28T21:59:59+00:00", 22),
        ("Europe/Bucharest", "2023-02-28T22:00+00:00", 23),
        ("America/New_York", "2023-03-01T04:59:59+00:00", 22),
        ("America/New_York", "2023-03-01T05:00+00:00", 23),
        ("Europe/Bucharest", "2024-02-28T21:59:59+00:00", 23),
        ("Europe/Bucharest", "2024-02-28T22:00+00:00", 24),
    ],
)
def test_born_on_29_february_one_ages_on_1_march_in_a_common_year(patient, zone, moment, age):
    patient.clinic.time_zone = zone
    patient.clinic.save()
    Patient.objects.filter(pk=patient.pk).update(birth_date=date(2000, 2, 29))
    at = datetime.fromisoformat(moment)
    assert read_patients([patient.pk], [("patient.age", {})], at)[patient.pk] == {"patient.age": age}


@pytest.mark.parametrize("born", [None, date(2023, 3, 2)])
def test_an_age_without_a_date_of_birth_or_before_birth_is_unknown(patient, born):
    Patient.objects.filter(pk=patient.pk).update(birth_date=born)
    at = datetime(2023, 3, 1, 12, tzinfo=UTC)
    assert read_patients([patient.pk], [("patient.age", {})], at)[patient.pk] == {"patient.age": None}


@pytest.mark.parametrize("world", ["America/Havana", "Asia/Beirut"], indirect=True)
def test_the_patients_of_events_are_read_as_of_each_events_own_moment(world):
    """One query for events of many moments says what one query a moment says."""
    asks: list[Ask] = [
        (key, {name: value for name, value in fact.example.items() if name in {param.name for param in fact.params}})
        for key, fact in catalog.facts.items()
        if fact.subject == "patient"
    ]
    asks += [("patient.appointment_count", {"window": window}) for window in WINDOWS]
    events = [
        Event(
            clinic=world.clinic,
            trigger="patient.onboarded",
            patient_id=pk,
            subject_type="patient",
            subject_id=pk,
            revision=1,
            occurred_at=world.moments[position % len(world.moments)],
            origin="system",
        )
        for position, pk in enumerate(world.patients)
    ]
    Event.objects.filter(clinic=world.clinic).delete()
    Event.objects.bulk_create(events)
    read = read_events(events, {event.pk: asks for event in events})
    for event in events:
        alone = read_patients([event.patient_id], asks, event.occurred_at)
        assert read[event.pk] == alone[event.patient_id]
