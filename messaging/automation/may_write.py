"""May a due step write to its patient? Consent and caps, asked before anything is queued.

Consent is asked again when a delivery is claimed (messaging/delivery.py). Caps count messages on the patient's calendar
days: of the category, and of any kind. What care depends on counts, and is never held back. A message too many is put
off once, to the next day on which there is room; if that day fills up too, it is not sent at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext

from automations.engine.moments import at_local, local_day, shift_day
from automations.engine.timing import QuietHours, release_at
from automations.engine.values import Refusal, StepContext
from clinic.clock import now
from messaging import followup, reasons
from messaging.automation import readers
from messaging.recipients import patient_zone
from messaging.selectors import Received, messages_to
from patients.categories import EXPECTED
from patients.consents import unwanted
from patients.models import Patient

CAPPED = "capped"
LOOK_AHEAD = 15
"""Days among which room is looked for: the rest of this week and all of the next."""
LOOK_BACK = timedelta(days=8)


class Letter(NamedTuple):
    """A message that a step is about to send to its patient."""

    step: StepContext
    category: str
    channel: str


def without_consent(letters: Sequence[Letter]) -> dict[Any, Refusal]:
    """Refuse, by step, what the patient does not want; what care depends on becomes a front-desk task."""
    no = unwanted((one.step.patient_id, one.category, one.channel) for one in letters)
    refused = [one for one in letters if (one.step.patient_id, one.category, one.channel) in no]
    if needed := {one.step.patient_id for one in refused if one.category in EXPECTED}:
        patients = Patient.objects.select_related("clinic").filter(pk__in=needed).order_by("pk")
        followup.ask_to_reach(patients)
    return {one.step.id: Refusal("no_consent", reasons.words("no_consent")) for one in refused}


# --- caps ---


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many messages in a calendar day or week; of one category, or of any kind (empty)."""

    category: str
    weekly: bool
    most: int


def caps_of(clinic: Any, category: str) -> list[Cap]:
    """Return the clinic's caps that hold back messages of a category; none for what care depends on."""
    if category in EXPECTED:
        return []
    found = []
    for scope in (category, "total"):
        for period in ("day", "week"):
            most = getattr(clinic, f"cap_{scope}_{period}", None)
            if most is not None:
                found.append(Cap("" if scope == "total" else category, period == "week", most))
    return found


def held_back(letters: Sequence[Letter]) -> dict[Any, Refusal]:
    """Put off, or refuse, by step, what would be more than the caps allow on the day on which it would leave.

    Each patient has one letter at most: the executor takes a patient's steps one after the other.
    """
    letters = [one for one in letters if one.category not in EXPECTED]
    if not letters:
        return {}
    patients = readers.patients([one.step for one in letters])
    capped = [(one, caps) for one in letters if (caps := caps_of(patients[one.step.patient_id].clinic, one.category))]
    if not capped:
        return {}
    received = messages_to({one.step.patient_id for one, _caps in capped}, since=now() - LOOK_BACK)
    found = {}
    for one, caps in capped:
        patient = patients[one.step.patient_id]
        days = Calendar(patient, received.get(patient.pk, ()))
        if (refusal := _held_back(one.step, caps, days)) is not None:
            found[one.step.id] = refusal
    return found


class Calendar:
    """The messages of one patient on their own calendar, and when the clinic lets messages leave."""

    def __init__(self, patient: Patient, received: Iterable[Received]) -> None:
        clinic = patient.clinic
        self.zone = patient_zone(patient, clinic)
        self.quiet = QuietHours(clinic.quiet_start, clinic.quiet_end, frozenset(clinic.closed_weekdays))
        self.week_start = clinic.week_start
        self.received = [(one.category, local_day(one.at, self.zone)) for one in received]

    def has_room(self, caps: Sequence[Cap], moment: datetime) -> bool:
        """Tell whether one more message may leave on the day of a moment."""
        day = local_day(moment, self.zone)
        return all(self._count(cap, day) < cap.most for cap in caps)

    def _count(self, cap: Cap, day: date) -> int:
        first, last = (self._week(day), self._week(day) + timedelta(days=6)) if cap.weekly else (day, day)
        return sum(
            first <= on <= last and (not cap.category or category == cap.category) for category, on in self.received
        )

    def _week(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)

    def opens(self, moment: datetime) -> datetime | None:
        """Return the end of the quiet hours that a moment lies in; None if it lies in none."""
        released = release_at(moment, self.quiet, self.zone, not_after=None)
        return released if released > moment else None

    def next_room(self, caps: Sequence[Cap], leaves: datetime, not_after: datetime | None) -> datetime | None:
        """Find the first later day with room and return the same time on it, outside quiet hours."""
        local = leaves.astimezone(self.zone)
        for ahead in range(1, LOOK_AHEAD):
            moment = at_local(shift_day(local.date(), ahead, "days"), local.time(), self.zone)
            moment = release_at(moment, self.quiet, self.zone, not_after=not_after)
            if self.has_room(caps, moment):
                return moment
        return None


def _held_back(step: StepContext, caps: Sequence[Cap], days: Calendar) -> Refusal | None:
    leaves = step.not_before or step.now
    if days.has_room(caps, leaves):
        return None
    if step.put_off == CAPPED:
        return Refusal(CAPPED, gettext("The patient had as many messages as the clinic allows, on the next day too."))
    later = days.next_room(caps, leaves, step.not_after)
    if later is None or (step.not_after is not None and later > step.not_after):
        return Refusal(CAPPED, gettext("The patient had as many messages as the clinic allows while it was of use."))
    return Refusal(CAPPED, gettext("The patient had as many messages as the clinic allows for now."), retry_at=later)


def refusals(letters: Sequence[Letter]) -> dict[Any, Refusal]:
    """Ask for consent, then for room under the caps."""
    found = without_consent(letters)
    return found | held_back([one for one in letters if one.step.id not in found])
