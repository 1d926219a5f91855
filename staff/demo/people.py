"""The people of the demo: two clinics, their staff, sixty patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from random import Random
from typing import Any
from zoneinfo import available_timezones

import tzlocal

from accounts.models import Clinic, Membership, User
from accounts.permissions import Role
from accounts.services import add_membership, create_clinic
from appointments.models import Service
from appointments.offers import create_service
from clinic.text import fold
from patients.models import Patient
from patients.services import add_contact, register

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
        "undo_seconds": 2,
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

# Those of whom only a name is needed, to make a list of two clinics look like one.
GIVEN = (
    "Andrei Bianca Cristina Dan Diana Elisa Florin Gabriela Horia Ioan Irina Iulia Laura Liviu Magda Mihai Nadia Oana "
    "Paul Petra Radu Raluca Sabina Sergiu Silvia Sorin Stefan Tudor Vera Victor Alina Bogdan Corina Doru Emil Felicia "
    "Ada Luca"
)
GIVEN_THERE = "Alice Brian Carol Diego Emma Frank Gloria Hugo Irene Jack"
FAMILY = "Albu Bucur Cojocaru Dima Enache Florea Georgescu Ilie Lazar Manea Neagu Oprea Preda Sandu Toma"
FAMILY_THERE = "Adams Baker Cole Diaz Evans Fisher Green Hayes Irwin Jones"


def machine_zone() -> str:
    """Return the machine's own time zone, UTC where it has none that the IANA database knows."""
    name = tzlocal.get_localzone_name() or "UTC"
    return name if name in available_timezones() else "UTC"


def clinics() -> dict[str, Clinic]:
    """Make the two clinics, their staff and services, as far as they are missing; return them by slug."""
    found = {slug: _clinic(slug, values) for slug, values in CLINICS.items()}
    _operator()
    for slug, role, name_slug, name, email in STAFF:
        _member(found[slug], role, name_slug, name, email)
    for clinic in found.values():
        _services(clinic)
    return found


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


@dataclass(frozen=True, slots=True)
class Person:
    """A patient to be: who they are, and the number that they are known by from one start to the next."""

    number: int
    clinic: str
    given_name: str
    family_name: str
    birth_date: date
    sex: str
    language: str
    city: str
    tags: tuple[str, ...]

    @property
    def external_id(self) -> str:
        """Return the id by which the patient is found again."""
        return f"demo-{self.number}"


@cache
def people() -> tuple[Person, ...]:
    """Return the sixty patients of the demo, the same at every start."""
    named = [_known(number, *row) for number, row in enumerate(PATIENTS, start=1)]
    dice = Random(7)  # noqa: S311 - a story to be told the same way each time, no secret
    more = [("harbour", given) for given in GIVEN.split()] + [("hillside", given) for given in GIVEN_THERE.split()]
    invented = [_invented(number, clinic, given, dice) for number, (clinic, given) in enumerate(more, len(named) + 1)]
    return (*named, *invented)


def _known(number: int, *row: Any) -> Person:
    clinic, given, family, born, sex, language, city, tags = row
    return Person(number, clinic, given, family, born, sex, language, city, tuple(tags))


def _invented(number: int, clinic: str, given: str, dice: Random) -> Person:
    here = clinic == "harbour"
    return Person(
        number=number,
        clinic=clinic,
        given_name=given,
        family_name=dice.choice((FAMILY if here else FAMILY_THERE).split()),
        birth_date=date(dice.randint(1938, 2004), dice.randint(1, 12), dice.randint(1, 28)),
        sex=dice.choice(("female", "male")),
        language=dice.choice(("ro", "ro", "en")) if here else "en",
        city=dice.choice(("Iași", "București", "Cluj-Napoca", "Constanța")) if here else "New York",
        tags=tuple(dice.sample(("knee", "back", "shoulder", "hip"), k=dice.choice((0, 1, 1)))),
    )


def missing(clinics: Iterable[Clinic]) -> list[Person]:
    """Return the people who are not registered yet."""
    known = Patient.objects.filter(clinic__in=clinics, external_id__startswith="demo-")
    ids = set(known.values_list("external_id", flat=True))
    return [person for person in people() if person.external_id not in ids]


def admit(clinic: Clinic, person: Person, at: datetime | None = None) -> Patient:
    """Register a person, or return the patient that they are already."""
    known = Patient.objects.filter(clinic=clinic, external_id=person.external_id).first()
    if known is not None:
        return known
    specialists = Membership.objects.filter(clinic=clinic, role=Role.SPECIALIST).order_by("pk")
    patient = register(
        clinic=clinic,
        occurred_at=at,
        external_id=person.external_id,
        given_name=person.given_name,
        family_name=person.family_name,
        birth_date=person.birth_date,
        sex=person.sex,
        email=_address(person),
        language=person.language,
        city=person.city,
        tags=list(person.tags),
        source="website" if person.number % 2 else "referral",
        specialist=specialists[person.number % len(specialists)] if person.number % 4 else None,
    )
    if person.birth_date.year > 2009:
        add_contact(
            patient,
            name=f"Paula {person.family_name}",
            relation="mother",
            email="paula@patients.example",
            gets_messages=True,
            may_sign=True,
        )
    return patient


def _address(person: Person) -> str:
    plain = fold(f"{person.given_name}{'' if person.number <= len(PATIENTS) else f'.{person.family_name}'}")
    return f"{plain}@patients.example"
