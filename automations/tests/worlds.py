"""Diverse patients of one clinic, and condition trees about them, for proofs over all patient facts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, Case, DateField, F, FloatField, Q, Value, When
from django.db.models.functions import Cast, Length, NullIf

from accounts.models import Clinic, Membership, User
from appointments.models import Appointment, Service
from automations.engine.declare import Fact, FactType, catalog
from automations.engine.moments import UNITS, shift_day, start_of_day
from automations.tests.form_answers import answered
from automations.tests.json_answers import answer, folded_answer
from automations.tests.treatment_world import treated
from forms_app.models import FormRequest, FormTemplate, FormTemplateVersion
from patients.models import Patient
from segments.models import Segment, SegmentMembership

PATIENTS = 40
SERVICES = ("initial-evaluation", "follow-up", "massage")
SPECIALISTS = ("dr-ionescu", "dr-ene")
FORMS = ("privacy", "pain-survey", "satisfaction")
SEGMENTS = ("regulars", "needs-a-call")
SLUGS = {"service": SERVICES, "specialist": SPECIALISTS, "form": FORMS, "segment": SEGMENTS}
TEXTS = (
    "Iași",
    "IASI",
    "iaşi",
    "Straße",
    "STRASSE",
    "İzmir",
    "izmir",
    "São Paulo",
    "Ångström",
    "A\u030angstro\u0308m",
    "ﬁne",
    "en",
    "EN",
    "pt-BR",
    "ro",
    "Αθήνα",
    "ΑΘΗΝΑ",
    "Σοφός",
    "บางกอก",
    "mumbai मुंबई",
    "100%_\\'\"",
    "a",
    " Iași ",
)
WORDS = ("vip", "VIP", "diabetes", "naïve", "a,b", '{"x"}', "NULL", "website", "referral")
YEARS = {
    "Europe/Bucharest": 2026,
    "America/New_York": 2026,
    "Australia/Lord_Howe": 2026,
    "America/Sao_Paulo": 2018,
    "America/Havana": 2026,
    "America/Santiago": 2026,
    "Asia/Beirut": 2026,
    "Asia/Kathmandu": 2024,
}
"""Zones with a year of their clocks: changes by half an hour, midnights that are missing or come twice, a leap year."""


def extra_facts() -> list[Fact]:
    """Return facts of the kinds that no app declares of a patient yet: plain dates, yes or no, fractions, no list."""

    def fact(key: str, kind: FactType, expression: Any, **more: Any) -> Fact:
        return Fact(f"patient.{key}", key, kind, key, {}, expression=expression, **more)

    def known_city(ctx: Any) -> Any:
        asked = When(
            ~Q(**{ctx.path("city"): ""}),
            then=Case(When(Q(**{ctx.path("sex"): "male"}), then=Value(True)), default=Value(False)),
        )
        return Case(asked, default=Value(None), output_field=BooleanField(null=True))

    def tags_or_nothing(ctx: Any) -> Any:
        return NullIf(F(ctx.path("tags")), Value([], output_field=Patient._meta.get_field("tags")))

    def fraction(ctx: Any) -> Any:
        return NullIf(Cast(Length(ctx.path("city")), FloatField()), Value(0.0)) / Value(7.0)

    return [
        fact("x_answer", FactType.any, answer, folded=folded_answer),
        fact("x_born_on", FactType.date, lambda ctx: F(ctx.path("birth_date"))),
        fact("x_local_day", FactType.date, lambda ctx: Cast(ctx.today, DateField())),
        fact("x_flag", FactType.boolean, known_city),
        fact("x_fraction", FactType.number, fraction),
        fact("x_tags", FactType.list, tags_or_nothing),
    ]


@contextmanager
def declared(facts: list[Fact]) -> Iterator[None]:
    """Offer facts to rules while inside."""
    for fact in facts:
        catalog.add(fact)
    try:
        yield
    finally:
        for fact in facts:
            del catalog.facts[fact.key]
        catalog._offered.clear()


@dataclass(frozen=True)
class World:
    """A clinic with its patients, and the moments worth asking at."""

    clinic: Clinic
    zone: ZoneInfo
    patients: tuple[int, ...]
    moments: tuple[datetime, ...]


def build(zone_name: str) -> World:
    """Store a clinic in this zone with its cast; the same rows every time."""
    random = Random(zone_name)
    zone, year = ZoneInfo(zone_name), YEARS[zone_name]
    clinic = Clinic.objects.create(slug="world", name="World", time_zone=zone_name)
    moments = interesting_moments(zone, year)
    members = [_member(clinic, slug) for slug in SPECIALISTS]
    rows = [_patient(clinic, number, members, moments, zone, random) for number in range(PATIENTS)]
    Patient.objects.bulk_create(rows)
    services = [Service.objects.create(clinic=clinic, slug=slug, name=slug) for slug in SERVICES]
    visits = [visit for row in rows for visit in _visits(row, services, moments, zone, random)]
    Appointment.objects.bulk_create(visits)
    FormRequest.objects.bulk_create(_requests(clinic, rows, random))
    SegmentMembership.objects.bulk_create(_memberships(clinic, rows, moments[0], Random(f"segments {zone_name}")))
    answered(clinic, moments, Random(f"answers in {zone_name}"))
    treated(clinic, rows, moments, Random(f"treatments in {zone_name}"))
    return World(clinic, zone, tuple(row.pk for row in rows), moments)


def interesting_moments(zone: ZoneInfo, year: int) -> tuple[datetime, ...]:
    """Return the clock changes of a year, their days' edges, ends of months and an ordinary noon, and around them."""
    found = [datetime(year, 7, 15, 12, 0, tzinfo=UTC)]
    hour = datetime(year, 1, 1, tzinfo=UTC)
    while hour.year == year:
        later = hour + timedelta(hours=1)
        if hour.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            day = later.astimezone(zone).date()
            found += [hour, later, later + timedelta(minutes=30), start_of_day(day, zone)]
            found.append(start_of_day(shift_day(day, 1, "days"), zone))
        hour = later
    ends = (date(year, 2, 28), date(year, 3, 1), date(year, 3, 31), date(year, 5, 31), date(year, 12, 31))
    found += [start_of_day(day, zone) + timedelta(hours=9) for day in ends]
    found += [start_of_day(ends[1], zone), start_of_day(ends[1], zone) - timedelta(microseconds=1)]
    return tuple(sorted(set(found)))


def _member(clinic: Clinic, slug: str) -> Membership:
    user = User.objects.create_user(f"{slug}@world.example", f"{slug}@world.example", None)
    return Membership.objects.create(clinic=clinic, user=user, role="specialist", slug=slug, name=slug)


def _some(random: Random, values: Any, chance: float, otherwise: Any) -> Any:
    return random.choice(values) if random.random() < chance else otherwise


def _patient(
    clinic: Clinic,
    number: int,
    members: list[Membership],
    moments: tuple[datetime, ...],
    zone: ZoneInfo,
    random: Random,
) -> Patient:
    empty = number == 0  # somebody of whom nothing is known at all
    day = random.choice(moments).astimezone(zone).date()
    born = shift_day(day, -12 * random.choice((0, 1, 16, 18, 65, 66)), "months") + timedelta(random.choice((-1, 0, 1)))
    dates = (born, date(1956, 2, 29), date(2000, 2, 29), day + timedelta(days=1), date(1900, 1, 1))
    chance = 0.0 if empty else 0.5
    return Patient(
        clinic=clinic,
        given_name=f"P{number}",
        birth_date=_some(random, dates, chance, None),
        sex="unknown" if empty else random.choice(Patient.Sex.values),
        language=_some(random, TEXTS, chance, ""),
        city=_some(random, TEXTS, chance, ""),
        source=_some(random, WORDS, chance, ""),
        specialist=_some(random, members, chance, None),
        tags=[] if empty else random.sample(WORDS, random.choice((0, 0, 1, 2))),
        registered_at=random.choice(moments) + _nudge(random),
    )


def _nudge(random: Random) -> timedelta:
    spans = (
        timedelta(0),
        timedelta(microseconds=1),
        timedelta(hours=1),
        timedelta(hours=23),
        timedelta(days=1),
        timedelta(days=7),
        timedelta(days=28),
        timedelta(days=31),
        timedelta(days=92),
    )
    return random.choice((-1, 1)) * random.choice(spans)


def _visits(
    row: Patient, services: list[Service], moments: tuple[datetime, ...], zone: ZoneInfo, random: Random
) -> list[Appointment]:
    count = random.choice((0, 0, 0, 1, 2, 5, 12))
    visits = []
    for _ in range(0 if row.given_name == "P0" else count):
        moment = random.choice(moments)
        if random.random() < 0.5:
            day = shift_day(moment.astimezone(zone).date(), random.choice((-3, -1, 0, 1)), random.choice(UNITS[2:]))
            moment = start_of_day(day, zone)
        status = random.choice(Appointment.Status.values)
        starts_at = moment + _nudge(random)
        visits.append(
            Appointment(
                clinic_id=row.clinic_id,
                patient=row,
                service=random.choice(services),
                starts_at=starts_at,
                status=status,
            )
        )
    return visits


def _requests(clinic: Clinic, rows: list[Patient], random: Random) -> list[FormRequest]:
    versions = []
    for slug in FORMS:
        template = FormTemplate.objects.create(clinic=clinic, slug=slug, name=slug, kind="survey")
        versions.append(FormTemplateVersion.objects.create(clinic=clinic, template=template, number=1, title=slug))
    requests = []
    for row in rows[1:]:
        for version in random.sample(versions, random.choice((0, 1, 3))):
            status = random.choice(FormRequest.Status.values)
            requests.append(
                FormRequest(clinic=clinic, patient=row, template=version.template, version=version, status=status)
            )
    return requests


def _memberships(clinic: Clinic, rows: list[Patient], moment: datetime, random: Random) -> list[SegmentMembership]:
    segments = [Segment.objects.create(clinic=clinic, slug=slug, name=slug, kind="manual") for slug in SEGMENTS]
    return [
        SegmentMembership(clinic=clinic, segment=one, patient=row, is_member=random.random() < 0.7, since=moment)
        for row in rows[1:]
        for one in random.sample(segments, random.choice((0, 1, 2)))
    ]


# --- condition trees as JSON ---


def patient_facts() -> dict[str, Fact]:
    """Return every fact of a patient that has an SQL expression, those declared tomorrow included."""
    return {key: fact for key, fact in catalog.facts.items() if fact.subject == "patient"}
