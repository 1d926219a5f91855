"""The people and records of the demo: two clinics, their staff, a dozen patients, visits today.

`seed()` may run as often as one likes: it adds what is missing, and today's visits on every new day. It writes
silently, so that nothing is sent before somebody does something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import tzlocal
from django.conf import settings
from django.db import transaction

from accounts.models import Clinic, Membership, User
from accounts.permissions import Role
from accounts.selectors import local_date
from accounts.services import add_membership, create_clinic
from appointments.models import Appointment, Service
from appointments.offers import create_service
from appointments.services import book, book_series
from automations.recipes import install_all
from clinic.clock import now
from clinic.db import silently
from clinic.errors import Refused
from patients.models import Patient
from patients.services import register

PASSWORD = "open the demo door"  # noqa: S105 - everybody may know it: the demo holds no real person's data


@dataclass(frozen=True, slots=True)
class Login:
    """A login that the demo prints."""

    label: str
    username: str
    password: str = PASSWORD


LOGINS = (
    Login("clinic admin", "admin@harbour.example"),
    Login("specialist", "specialist@harbour.example"),
    Login("front desk", "desk@harbour.example"),
    Login("admin of the second clinic", "admin@hillside.example"),
    Login("platform operator", "operator@platform.example"),
)

CLINICS: dict[str, dict[str, Any]] = {
    "harbour": {
        "name": "Harbour Clinic",
        "phone": "+40 21 555 0100",
        "address": "1 Harbour Street",
        "undo_seconds": 3,
    },
    "hillside": {
        "name": "Hillside Physiotherapy",
        "time_zone": "America/New_York",
        "phone": "+1 212 555 0101",
        "address": "20 Hillside Avenue",
        "quiet_start": time(21, 0),
        "quiet_end": time(8, 0),
        "closed_weekdays": [6],
    },
}

STAFF = (
    ("harbour", Role.CLINIC_ADMIN, "ada-admin", "Ada Marinescu", "admin@harbour.example"),
    ("harbour", Role.SPECIALIST, "dr-ionescu", "Dr. Ioana Ionescu", "specialist@harbour.example"),
    ("harbour", Role.SPECIALIST, "dr-weber", "Dr. Jonas Weber", "weber@harbour.example"),
    ("harbour", Role.FRONT_DESK, "felix-front", "Felix Front", "desk@harbour.example"),
    ("hillside", Role.CLINIC_ADMIN, "hanna-hill", "Hanna Hill", "admin@hillside.example"),
    ("hillside", Role.SPECIALIST, "dr-kim", "Dr. Sun Kim", "kim@hillside.example"),
)

SERVICES = (
    ("initial-evaluation", "Initial Evaluation", 45),
    ("follow-up-visit", "Follow-up Visit", 30),
    ("physiotherapy", "Physiotherapy Session", 45),
)

PATIENTS: tuple[tuple[Any, ...], ...] = (
    ("harbour", "Maria", "Marin", date(1957, 3, 2), "female", "en", "Iași", ["vip"]),
    ("harbour", "Ana", "Pop", date(1963, 6, 12), "female", "ro", "Cluj-Napoca", []),
    ("harbour", "Ion", "Dumitru", date(1949, 11, 30), "male", "ro", "Constanța", ["knee"]),
    ("harbour", "Elena", "Radu", date(1988, 1, 20), "female", "en", "București", []),
    ("harbour", "Luis", "García", date(1975, 8, 5), "male", "es", "Madrid", ["back"]),
    ("harbour", "Carmen", "López", date(1992, 2, 29), "female", "es", "Sevilla", []),
    ("harbour", "Omar", "Haddad", date(1968, 4, 17), "male", "ar", "Beirut", ["shoulder"]),
    ("harbour", "Layla", "Nasser", date(1999, 9, 9), "female", "ar", "Tripoli", []),
    ("harbour", "Thomas", "Becker", date(1944, 12, 1), "male", "en", "Hamburg", ["knee"]),
    ("harbour", "Mia", "Weiss", date(2014, 7, 7), "female", "en", "Berlin", []),
    ("hillside", "Grace", "Miller", date(1959, 5, 25), "female", "en", "New York", []),
    ("hillside", "Henry", "Clark", date(1981, 10, 3), "male", "en", "Newark", ["back"]),
)

# (patient, service, hour, minute, status) of the first clinic, every day
TODAY = (
    (0, "initial-evaluation", 9, 0, "confirmed"),
    (1, "initial-evaluation", 10, 0, "booked"),
    (2, "physiotherapy", 11, 0, "confirmed"),
    (4, "follow-up-visit", 14, 30, "booked"),
    (6, "physiotherapy", 16, 0, "confirmed"),
)


def machine_zone() -> str:
    """Return the machine's own time zone, UTC where it has none that the IANA database knows."""
    name = tzlocal.get_localzone_name() or "UTC"
    return name if name in available_timezones() else "UTC"


@transaction.atomic
def seed() -> None:
    """Add what the demo needs and does not have yet. Raises Refused in production."""
    if settings.CLINIC_MODE not in ("demo", "test"):
        raise Refused("The demo's people have passwords that everybody knows; production is never seeded.")
    with silently("demo seed"):
        clinics = {slug: _clinic(slug, values) for slug, values in CLINICS.items()}
        _operator()
        for slug, role, name_slug, name, email in STAFF:
            _member(clinics[slug], role, name_slug, name, email)
        for clinic in clinics.values():
            _services(clinic)
        patients = [_patient(clinics[row[0]], number, row) for number, row in enumerate(PATIENTS, start=1)]
        _visits(clinics["harbour"], patients)
        _series(clinics["harbour"], patients[8])
    for clinic in clinics.values():
        install_all(clinic=clinic, mode="on")


def _clinic(slug: str, values: dict[str, Any]) -> Clinic:
    known = Clinic.objects.filter(slug=slug).first()
    return known or create_clinic(slug=slug, **{"time_zone": machine_zone(), **values})


def _operator() -> None:
    name = "operator@platform.example"
    if not User.objects.filter(username=name).exists():
        User.objects.create_user(name, name, PASSWORD, is_staff=True, is_platform_operator=True, first_name="Olga")


def _member(clinic: Clinic, role: str, slug: str, name: str, email: str) -> None:
    if not Membership.objects.filter(clinic=clinic, slug=slug).exists():
        add_membership(clinic=clinic, role=role, slug=slug, name=name, email=email, password=PASSWORD)


def _services(clinic: Clinic) -> None:
    have = set(Service.objects.for_clinic(clinic).values_list("slug", flat=True))
    for slug, name, minutes in SERVICES:
        if slug not in have:
            create_service(clinic=clinic, slug=slug, name=name, minutes=minutes)


def _patient(clinic: Clinic, number: int, row: tuple[Any, ...]) -> Patient:
    external_id = f"demo-{number}"
    known = Patient.objects.filter(clinic=clinic, external_id=external_id).first()
    if known is not None:
        return known
    _clinic_slug, given, family, born, sex, language, city, tags = row
    specialists = Membership.objects.filter(clinic=clinic, role=Role.SPECIALIST).order_by("pk")
    return register(
        clinic=clinic,
        external_id=external_id,
        given_name=given,
        family_name=family,
        birth_date=born,
        sex=sex,
        email=f"{given}@patients.example".lower(),
        language=language,
        city=city,
        tags=tags,
        source="website" if number % 2 else "referral",
        specialist=specialists[number % len(specialists)] if number % 4 else None,
    )


def _visits(clinic: Clinic, patients: list[Patient]) -> None:
    """Book today's visits, once a day."""
    today, zone = local_date(clinic, now()), ZoneInfo(clinic.time_zone)
    services = {one.slug: one for one in Service.objects.for_clinic(clinic)}
    doctor = Membership.objects.get(clinic=clinic, slug="dr-ionescu")
    for number, service, hour, minute, status in TODAY:
        external_id = f"demo-{today.isoformat()}-{number}"
        if not Appointment.objects.filter(clinic=clinic, external_id=external_id).exists():
            book(
                clinic=clinic,
                patient=patients[number],
                service=services[service],
                specialist=doctor,
                starts_at=datetime.combine(today, time(hour, minute), zone),
                status=status,
                location="Room 2",
                external_id=external_id,
                override_reason="demo",
            )


def _series(clinic: Clinic, patient: Patient) -> None:
    """Book three sessions in the coming weeks for one patient, once."""
    if patient.series.exists():
        return
    today, zone = local_date(clinic, now()), ZoneInfo(clinic.time_zone)
    starts = [datetime.combine(today + timedelta(days=7 * week), time(12, 0), zone) for week in (1, 2, 3)]
    book_series(
        clinic=clinic,
        patient=patient,
        service=Service.objects.get(clinic=clinic, slug="physiotherapy"),
        specialist=Membership.objects.get(clinic=clinic, slug="dr-weber"),
        starts=starts,
        name="Knee, three sessions",
        location="Gym",
    )
