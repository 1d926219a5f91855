"""The demo's seed: complete, repeatable, and never in production."""

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.models import Clinic, Membership, User
from appointments.lifecycle import UPCOMING
from appointments.models import Appointment, Series, Service
from automations.models import Event, Rule
from automations.recipes import slugs
from clinic import clock
from patients.models import Patient
from staff import demo
from staff.demo.people import people
from staff.demo.today import VISITS, times

pytestmark = pytest.mark.django_db


def seed(days=0):
    said = io.StringIO()
    call_command("seed", days=days, stdout=said)
    return said.getvalue()


def counts():
    return Counter({model.__name__: model.objects.count() for model in (Clinic, User, Membership, Patient, Service)})


def to_come():
    """The visits of the first clinic's today that are still ahead."""
    moment = clock.now()
    midnight = datetime.combine(moment.astimezone(ZoneInfo(demo.machine_zone())).date() + timedelta(days=1),
                                datetime.min.time(), ZoneInfo(demo.machine_zone()))  # fmt: skip
    rows = Appointment.objects.filter(clinic__slug="harbour", starts_at__gt=moment, starts_at__lt=midnight)
    return rows.filter(status__in=UPCOMING)


def test_the_seed_makes_two_clinics_with_people_patients_and_visits_today():
    said = seed()

    assert counts() == {"Clinic": 2, "User": 7, "Membership": 6, "Patient": 60, "Service": 6}
    first, second = Clinic.objects.get(slug="harbour"), Clinic.objects.get(slug="hillside")
    assert (first.time_zone, first.quiet_start, first.undo_seconds) == (demo.machine_zone(), None, 2)
    assert (str(second.quiet_start), str(second.quiet_end)) == ("21:00:00", "08:00:00")
    assert Patient.objects.filter(clinic=second).count() == 12
    assert Patient.objects.values("email").distinct().count() == 60
    assert to_come().filter(service__name="Initial Evaluation").count() == 2
    assert to_come().count() == 5
    assert Series.objects.get().appointments.count() == 3
    for login in demo.LOGINS:
        assert login.username in said
    assert set(Rule.objects.filter(clinic=first, mode="on").values_list("slug", flat=True)) == {
        *slugs(),
        demo.rules.SLUG,
    }


def test_everybody_can_sign_in(rf):
    seed()

    for login in demo.LOGINS:
        assert authenticate(rf.post("/"), username=login.username, password=login.password) is not None


def test_a_second_seed_adds_nothing():
    seed()
    before, visits, rules = counts(), Appointment.objects.count(), Rule.objects.count()

    seed()

    assert counts() == before
    assert (Appointment.objects.count(), Rule.objects.count()) == (visits, rules)


@pytest.mark.parametrize("later", [timedelta(days=1), timedelta(hours=9), timedelta(hours=30)])
def test_later_and_on_the_next_day_there_are_visits_to_come_too(later):
    seed()
    clock.advance_by(later)

    seed()

    assert to_come().count() == 5
    assert Patient.objects.count() == 60


@pytest.mark.parametrize(
    "local", ["09:00:00", "13:07:31", "18:59:59", "21:40:00", "23:30:00", "23:50:10", "23:59:00", "23:59:50"]
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Bucharest", "America/New_York", "Asia/Kolkata"])
def test_the_visits_are_today_and_ahead_however_late_it_is(local, zone):
    moment = datetime.fromisoformat(f"2026-11-24T{local}").replace(tzinfo=ZoneInfo(zone))
    found = times(moment.astimezone(UTC), ZoneInfo(zone), len(VISITS))
    assert found == sorted(set(found))
    assert [at for at in found if at <= moment or at.astimezone(ZoneInfo(zone)).date() != moment.date()] == []


def test_by_day_the_visits_begin_on_the_quarter_hour():
    found = times(datetime(2026, 11, 24, 9, 7, 31, tzinfo=UTC), ZoneInfo("UTC"), 3)
    assert [f"{at:%H:%M:%S}" for at in found] == ["10:15:00", "11:30:00", "12:45:00"]


def test_the_seed_tells_rules_nothing():
    seed()

    assert not Event.objects.filter(state="new").exists()


def test_the_people_are_the_same_at_every_start():
    first = people()
    people.cache_clear()
    assert people() == first
    assert len({one.external_id for one in first}) == 60


def test_production_is_never_seeded(settings):
    settings.CLINIC_MODE = "production"

    with pytest.raises(CommandError, match="production is never seeded"):
        seed()

    assert counts().total() == 0


def test_a_nonsense_length_is_refused():
    with pytest.raises(CommandError, match="between 0 and 365"):
        seed(-1)
    assert counts().total() == 0
