"""The trigger schedule.date: each date comes once for a rule and patient, whoever looks, and however late."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from automations import dates, lifecycle, ticking
from automations.dates import Coming
from automations.engine.moments import at_local, local_day, shift_day
from automations.engine.problems import RuleInvalid
from automations.models import DateCursor, Event
from automations.tests.builders import document, published, titles, visit
from clinic import clock
from patients.models import Patient

pytestmark = pytest.mark.django_db
KEY = "schedule.date"
ZONE = ZoneInfo("Europe/Bucharest")
DAY = timedelta(days=1)


def config(field, amount=0, unit="days", at="09:00"):
    return {"field": field, "offset": {"amount": amount, "unit": unit}, "at": at}


def on(clinic, *asked, name="Rule", **kw):
    return published(clinic, KEY, config=config(*asked, **kw), name=name)


def walk_to(day, at=time(12)):
    for _ in ticking.walk_to(at_local(day, at, ZONE)):
        pass


def jump_to(day):
    """Move the clock past all that lies between: the engine was down so long, and catches up."""
    clock.advance_to(at_local(day, time(12), ZONE))
    ticking.drain_all()


def came():
    """Return (patient's name, local time at which it came) of all events, oldest first."""
    rows = Event.objects.filter(trigger=KEY).order_by("pk").select_related("patient")
    return [(row.patient.given_name, f"{row.occurred_at.astimezone(ZONE):%Y-%m-%d %H:%M}") for row in rows]


def today():
    return local_day(clock.now(), ZONE)


@pytest.fixture
def noon(db):
    """The clock stands at noon, so that today's 09:00 has passed."""
    clock.advance_to(at_local(today() + DAY, time(12), ZONE))
    return today()


def born(clinic, name, day):
    return Patient.objects.create(clinic=clinic, given_name=name, birth_date=day)


def test_a_birthday_comes_every_year_at_the_local_time(clinic, noon):
    born(clinic, "Ana", date(1960, *(noon + 10 * DAY).timetuple()[1:3]))
    born(clinic, "Dan", None)
    on(clinic, "patient.birth_date", at="08:30")
    jump_to(noon + 400 * DAY)
    first = noon + 10 * DAY
    assert came() == [("Ana", f"{first.replace(year=first.year + n)} 08:30") for n in (0, 1)]
    assert titles() == ["Call", "Call"]


@pytest.mark.parametrize(
    ("amount", "unit", "birthday", "comes"),
    [
        (0, "days", "02-29", ["2027-03-01", "2028-02-29"]),
        (-1, "days", "02-29", ["2027-02-28", "2028-02-28"]),
        (0, "days", "03-01", ["2027-03-01", "2028-03-01"]),
        (-1, "months", "03-31", ["2027-02-28", "2028-02-29"]),
        (1, "months", "01-31", ["2027-02-28", "2028-02-29"]),
        (-1, "weeks", "01-03", ["2026-12-27", "2027-12-27", "2028-12-27"]),
    ],
)
def test_birthdays_with_an_offset_on_the_calendar(amount, unit, birthday, comes):
    base = date.fromisoformat(f"1956-{birthday}")
    wanted = Coming("patient.birth_date", amount, unit, time(9), yearly=True)
    days = [date(2026, 12, 1) + n * DAY for n in range(760)]
    pairs = {day: [(m, d) for one in wanted.dates(day) for m, d in dates._birthdays(one)] for day in days}
    assert [str(day) for day, found in pairs.items() if (base.month, base.day) in found] == comes
    assert len({wanted.name(1, base, date.fromisoformat(day)) for day in comes}) == len(comes)


def test_last_visit_and_six_months_is_on_the_same_day_of_the_month_and_follows_a_newer_visit(clinic, patient, noon):
    visit(patient, starts_at=at_local(noon - 30 * DAY, time(10), ZONE), status="completed")
    neighbour = Patient.objects.create(clinic=clinic, given_name="Nora")
    visit(neighbour, starts_at=at_local(noon - 30 * DAY, time(10), ZONE), status="completed")
    on(clinic, "patient.last_appointment_at", 6, "months")
    walk_to(noon + 20 * DAY)
    visit(neighbour, starts_at=clock.now() + DAY, status="confirmed")
    jump_to(noon + 170 * DAY)
    [(who, when)] = came()
    assert (who, when) == ("Maria", f"{shift_day(noon - 30 * DAY, 6, 'months')} 09:00")


def test_before_a_date_that_is_ahead(clinic, patient, noon):
    starts = at_local(noon + 10 * DAY, time(15), ZONE)
    visit(patient, starts_at=starts)
    on(clinic, "patient.next_appointment_at", -3)
    walk_to(noon + 20 * DAY)
    assert came() == [("Maria", f"{noon + 7 * DAY} 09:00")]


def test_each_rule_has_its_own_and_no_other_answers(clinic, noon):
    born(clinic, "Ana", noon.replace(year=1960) + DAY)
    first = on(clinic, "patient.birth_date", at="09:00")
    second = on(clinic, "patient.birth_date", at="10:00", name="Second")
    walk_to(noon + 3 * DAY)
    assert [(e.rule_id, [run.rule_id for run in e.runs.all()]) for e in Event.objects.filter(trigger=KEY)] == [
        (second.pk, [second.pk]),
        (first.pk, [first.pk]),
    ]


# --- once, and late ---


@pytest.fixture
def birthday(clinic, noon):
    """Ana's birthday is tomorrow, and a rule waits for it."""
    ana = born(clinic, "Ana", (noon + DAY).replace(year=1960))
    return ana, on(clinic, "patient.birth_date")


def test_looking_again_after_a_restart_finds_nothing_new(birthday, noon):
    walk_to(noon + 2 * DAY)
    DateCursor.objects.update(day=noon, next_at=clock.now(), after_patient=0)
    dates.sweep_dates()
    assert len(came()) == 1


def test_a_tick_that_is_five_days_late_catches_up_with_the_moment_at_which_it_was(birthday, noon):
    dates.sweep_dates()
    clock.advance_by(6 * DAY)
    assert dates.sweep_dates() > 0
    assert came() == [("Ana", f"{noon + DAY} 09:00")]
    assert DateCursor.objects.get().day == noon + 7 * DAY


def test_a_rule_hears_of_no_date_from_before_it_was_published(clinic, noon):
    born(clinic, "Ana", noon.replace(year=1960))
    on(clinic, "patient.birth_date", at="11:59")
    walk_to(noon + 5 * DAY)
    assert came() == []


def test_nor_of_those_while_it_was_archived(clinic, birthday, noon):
    _ana, rule = birthday
    dates.sweep_dates()
    lifecycle.archive(rule)
    walk_to(noon + 5 * DAY)
    lifecycle.publish(rule)
    walk_to(noon + 6 * DAY)
    assert came() == []


def test_while_it_is_paused_its_steps_are_planned_and_held(birthday, noon):
    _ana, rule = birthday
    lifecycle.pause(rule)
    walk_to(noon + 3 * DAY)
    assert [step.state for step in rule.steps.all()] == ["held"]


def test_another_time_of_day_does_not_make_the_same_date_come_again(birthday, noon):
    _ana, rule = birthday
    walk_to(noon + DAY, time(10))
    lifecycle.edit_draft(rule, document=document(KEY, config=config("patient.birth_date", at="15:00")))
    lifecycle.publish(rule)
    walk_to(noon + DAY, time(16))
    assert len(came()) == 1
    DateCursor.objects.update(day=noon + DAY, next_at=clock.now())
    dates.sweep_dates()
    assert len(came()) == 1


def test_a_corrected_birthday_comes_once_in_its_year(birthday, noon):
    ana, _rule = birthday
    walk_to(noon + 2 * DAY)
    ana = Patient.objects.get(pk=ana.pk)
    ana.birth_date = (noon + 4 * DAY).replace(year=1960)
    ana.save()
    walk_to(noon + 6 * DAY)
    assert len(came()) == 1


@pytest.mark.parametrize("leaves", [{"status": "archived"}, {"deceased_on": date(2026, 1, 1)}])
def test_whoever_has_left_has_no_dates(birthday, noon, leaves):
    ana = Patient.objects.get(pk=birthday[0].pk)
    for name, value in leaves.items():
        setattr(ana, name, value)
    ana.save()
    walk_to(noon + 3 * DAY)
    assert came() == []


def test_patients_of_another_clinic_are_not_asked(birthday, other_clinic, noon):
    born(other_clinic, "Sam", (noon + DAY).replace(year=1960))
    walk_to(noon + 3 * DAY)
    assert [name for name, _ in came()] == ["Ana"]


@pytest.mark.parametrize(
    ("zone", "at", "day", "moment"),
    [
        ("Europe/Bucharest", "03:30", date(2027, 3, 28), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        ("Europe/Bucharest", "03:30", date(2027, 10, 31), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
def test_on_the_days_when_the_clocks_change_it_comes_once(clinic, zone, at, day, moment):
    born(clinic, "Ana", day.replace(year=1960))
    clock.advance_to(datetime(2027, 3, 1, tzinfo=UTC))
    on(clinic, "patient.birth_date", at=at)
    jump_to(day - 3 * DAY)
    walk_to(day + 3 * DAY)
    assert list(Event.objects.filter(trigger=KEY).values_list("occurred_at", flat=True)) == [moment]


def test_a_thousand_patients_are_one_query_a_batch_and_none_is_left_out(clinic, noon):
    day = (noon + DAY).replace(year=1960)
    Patient.objects.bulk_create(Patient(clinic=clinic, given_name=f"P{n}", birth_date=day) for n in range(1_100))
    rule = on(clinic, "patient.birth_date")
    dates.sweep_dates()
    Event.objects.all().delete()  # that they came
    clock.advance_to(at_local(noon + DAY, time(9, 1), ZONE))
    with_queries = []
    with connection.execute_wrapper(lambda run, sql, *rest: (with_queries.append(sql), run(sql, *rest))[1]):
        dates.sweep_dates()
    assert Event.objects.filter(trigger=KEY, rule=rule).count() == 1_100
    assert len(with_queries) < 70


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"field": "patient.age"}, "/trigger_config/field"),
        ({}, "/trigger_config/field"),
        ({"field": "patient.birth_date", "offset": {"amount": 3, "unit": "hours"}}, "/trigger_config/offset/unit"),
        ({"field": "patient.birth_date", "offset": {"amount": 10**6, "unit": "days"}}, "/trigger_config/offset/amount"),
        ({"field": "patient.birth_date", "offset": 3}, "/trigger_config/offset"),
        ({"field": "patient.birth_date", "at": "25:00"}, "/trigger_config/at"),
    ],
)
def test_what_is_wrong_with_its_settings_is_said_with_its_place(clinic, wrong, path):
    with pytest.raises(RuleInvalid) as refused:
        lifecycle.create_rule(clinic=clinic, name="Rule", document=document(KEY, config=wrong))
    assert path in {problem.path for problem in refused.value.errors}
