"""The demo's seed: complete, repeatable, silent, and never in production."""

import io
from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.models import Clinic, Membership, User
from appointments.models import Appointment, Series, Service
from automations.models import Event, Rule
from automations.recipes import slugs
from clinic import clock
from patients.models import Patient
from staff import demo

pytestmark = pytest.mark.django_db


def seed():
    said = io.StringIO()
    call_command("seed", stdout=said)
    return said.getvalue()


def counts():
    return Counter({model.__name__: model.objects.count() for model in (Clinic, User, Membership, Patient, Service)})


def test_the_seed_makes_two_clinics_with_people_patients_and_visits_today():
    said = seed()

    assert counts() == {"Clinic": 2, "User": 7, "Membership": 6, "Patient": 12, "Service": 6}
    first, second = Clinic.objects.get(slug="harbour"), Clinic.objects.get(slug="hillside")
    assert (first.time_zone, first.quiet_start, first.undo_seconds) == (demo.machine_zone(), None, 3)
    assert (str(second.quiet_start), str(second.quiet_end)) == ("21:00:00", "08:00:00")
    assert Service.objects.filter(clinic=first, slug="initial-evaluation", name="Initial Evaluation").exists()
    assert Appointment.objects.filter(clinic=first, series=None).count() == 5
    assert Series.objects.get().appointments.count() == 3
    for login in demo.LOGINS:
        assert login.username in said
    assert set(Rule.objects.filter(clinic=first, mode="on").values_list("slug", flat=True)) == set(slugs())


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


def test_the_next_day_has_visits_too():
    seed()
    clock.advance_by(timedelta(days=1))

    seed()

    assert Appointment.objects.filter(series=None).count() == 10
    assert Patient.objects.count() == 12


def test_the_seed_tells_rules_nothing():
    seed()

    assert not Event.objects.filter(state="new").exists()


def test_production_is_never_seeded(settings):
    settings.CLINIC_MODE = "production"

    with pytest.raises(CommandError, match="production is never seeded"):
        seed()

    assert counts().total() == 0
