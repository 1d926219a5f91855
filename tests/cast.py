"""The named cast of the tests: a clinic with its people and a patient, and strangers from another clinic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.actor import Actor, acting_as
from accounts.models import Clinic, Membership, User
from clinic.testing.emptying import empty_quickly
from patients.models import Patient
from tests.callers import Caller, caller_of

PASSWORD = "a long enough password"


def make_member(clinic: Clinic, role: str, slug: str, name: str) -> Membership:
    """Make a person who works at `clinic`; the email address is slug@clinic.example."""
    email = f"{slug}@{clinic.slug}.example"
    user = User.objects.create_user(email, email, PASSWORD, is_staff=True)
    return Membership.objects.create(clinic=clinic, user=user, role=role, slug=slug, name=name)


@pytest.fixture
def clinic(db: None) -> Clinic:
    """A clinic in Bucharest: no quiet hours, undo time 60 s, consent from 16."""
    return Clinic.objects.create(slug="north", name="North Clinic", time_zone="Europe/Bucharest")


@pytest.fixture
def other_clinic(db: None) -> Clinic:
    """A clinic in New York that must never see anything of the first."""
    return Clinic.objects.create(slug="south", name="South Clinic", time_zone="America/New_York")


@pytest.fixture
def admin(clinic: Clinic) -> Membership:
    """The clinic's admin, slug "ada"."""
    return make_member(clinic, "clinic_admin", "ada", "Ada Admin")


@pytest.fixture
def specialist(clinic: Clinic) -> Membership:
    """A specialist of the clinic, slug "dr-ionescu"."""
    return make_member(clinic, "specialist", "dr-ionescu", "Dr. Ioana Ionescu")


@pytest.fixture
def front_desk(clinic: Clinic) -> Membership:
    """The clinic's front desk, slug "felix"."""
    return make_member(clinic, "front_desk", "felix", "Felix Front")


@pytest.fixture
def stranger(other_clinic: Clinic) -> Membership:
    """An admin of the other clinic, slug "stan"."""
    return make_member(other_clinic, "clinic_admin", "stan", "Stan Stranger")


@pytest.fixture
def operator(db: None) -> User:
    """A person who runs the platform."""
    return User.objects.create_user(
        "olga@platform.example", "olga@platform.example", PASSWORD, is_staff=True, is_platform_operator=True
    )


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    """Maria, born 2 March 1957, with an email address, English, no specialist of her own."""
    return Patient.objects.create(
        clinic=clinic,
        external_id="A-17",
        given_name="Maria",
        family_name="Marin",
        birth_date=date(1957, 3, 2),
        sex="female",
        email="maria@patients.example",
        language="en",
        city="Iași",
    )


@pytest.fixture
def stranger_patient(other_clinic: Clinic) -> Patient:
    """A patient of the other clinic."""
    return Patient.objects.create(
        clinic=other_clinic, given_name="Sam", family_name="Stranger", email="sam@patients.example", language="en"
    )


def client_of(user: User) -> Client:
    """Return a test client in which this person is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def recently_asked(client: Client) -> Client:
    """Let a signed-in browser have given its password a moment ago, so that nothing asks for it again."""
    session = client.session
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session.save()
    return client


@pytest.fixture
def fresh() -> Callable[[Client], Client]:
    """Let a signed-in browser have given its password a moment ago."""
    return recently_asked


@contextmanager
def acting(member: Membership) -> Iterator[None]:
    """Act as a member of staff."""
    with acting_as(Actor("user", user_id=member.user_id, membership_id=member.pk, clinic_id=member.clinic_id)):
        yield


@pytest.fixture
def as_admin(admin: Membership) -> Client:
    """A browser where the clinic's admin is signed in."""
    return client_of(admin.user)


@pytest.fixture
def as_specialist(specialist: Membership) -> Client:
    """A browser where the specialist is signed in."""
    return client_of(specialist.user)


@pytest.fixture
def as_front_desk(front_desk: Membership) -> Client:
    """A browser where the front desk is signed in."""
    return client_of(front_desk.user)


@pytest.fixture
def as_stranger(stranger: Membership) -> Client:
    """A browser where the other clinic's admin is signed in."""
    return client_of(stranger.user)


@pytest.fixture
def as_operator(operator: User) -> Client:
    """A browser where the platform operator is signed in."""
    return client_of(operator)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the tests empty tables between them: the tables that only grow refuse even TRUNCATE.

    The tests that prove the refusal switch it on again for themselves.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in append_only_tables():
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER append_only_table')
        empty_quickly()


def append_only_tables() -> list[str]:
    """List the tables whose rows the database lets nobody change or remove."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only_table' ORDER BY 1")
        return [row[0].strip('"') for row in cursor.fetchall()]


@pytest.fixture(autouse=True)
def _the_clock_does_not_run_ahead(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put the clock back after a test that really committed how far it moved it."""
    committed = "transactional_db" in request.fixturenames or any(
        mark.kwargs.get("transaction") for mark in request.node.iter_markers("django_db")
    )
    if committed:
        request.getfixturevalue("transactional_db")
    yield
    if committed:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE clinic_clock SET ahead = '0'")


@pytest.fixture
def api(clinic: Clinic) -> Caller:
    """A program with a token of the clinic and all scopes."""
    return caller_of(clinic)


@pytest.fixture
def stranger_api(other_clinic: Clinic) -> Caller:
    """A program with a token of the other clinic and all scopes."""
    return caller_of(other_clinic)
