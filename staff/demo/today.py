"""Today's visits: whenever the demo is started there are some to come, one of them an Initial Evaluation."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import Clinic, Membership
from accounts.selectors import local_date
from appointments.lifecycle import UPCOMING
from appointments.models import Appointment, Service
from appointments.services import book, book_series
from automations.engine.moments import start_of_day
from clinic.clock import now
from patients.models import Patient
from staff.demo.people import people

# (patient, service, status) of the first clinic, every day, in this order from now on
VISITS = (
    (1, "initial-evaluation", "confirmed"),
    (4, "initial-evaluation", "booked"),
    (8, "physiotherapy", "confirmed"),
    (5, "follow-up-visit", "booked"),
    (7, "physiotherapy", "confirmed"),
)
APART = timedelta(minutes=75)
QUARTER = 15


def times(moment: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    """Return moments after this one and on the same local day, on the quarter hour where the day is long enough."""
    day = moment.astimezone(zone).date()
    left = start_of_day(day + timedelta(days=1), zone) - moment
    apart = min(APART, left / (count + 1))
    return [_rounded(moment + apart * number, apart) for number in range(1, count + 1)]


def _rounded(at: datetime, apart: timedelta) -> datetime:
    if apart <= timedelta(minutes=QUARTER):
        return at.replace(microsecond=0) if apart > timedelta(seconds=2) else at
    return at.replace(minute=at.minute - at.minute % QUARTER, second=0, microsecond=0)


def ensure_visits() -> None:
    """Book the visits of today that are not to come already, and once a series for one patient."""
    clinic = Clinic.objects.get(slug="harbour")
    moment, zone = now(), ZoneInfo(clinic.time_zone)
    starts = times(moment, zone, len(VISITS))
    today = local_date(clinic, moment)
    until = start_of_day(today + timedelta(days=1), zone)
    doctor = Membership.objects.get(clinic=clinic, slug="dr-ionescu")
    for (number, service, status), at in zip(VISITS, starts, strict=True):
        own = Appointment.objects.filter(clinic=clinic, external_id__startswith=f"demo-{today}-{number}-")
        if own.filter(starts_at__gt=moment, starts_at__lt=until, status__in=UPCOMING).exists():
            continue
        book(
            clinic=clinic,
            patient=Patient.objects.get(clinic=clinic, external_id=people()[number - 1].external_id),
            service=Service.objects.get(clinic=clinic, slug=service),
            specialist=doctor,
            starts_at=at,
            status=status,
            location="Room 2",
            external_id=f"demo-{today}-{number}-{own.count() + 1}",
            override_reason="demo",
        )
    _series(clinic, moment, zone)


def _series(clinic: Clinic, moment: datetime, zone: ZoneInfo) -> None:
    """Book three sessions in the coming weeks for one patient, once."""
    patient = Patient.objects.get(clinic=clinic, external_id=people()[8].external_id)
    if patient.series.exists():
        return
    noon = moment.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0)
    book_series(
        clinic=clinic,
        patient=patient,
        service=Service.objects.get(clinic=clinic, slug="physiotherapy"),
        specialist=Membership.objects.get(clinic=clinic, slug="dr-weber"),
        starts=[noon + timedelta(weeks=week) for week in (1, 2, 3)],
        name="Knee, three sessions",
        location="Gym",
    )
