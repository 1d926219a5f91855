"""The story of the demo's hundred days: who came, what they signed, how their exercises went. The engine does the rest.

Dice decide, thrown anew for each patient from a number of theirs: the same story at every start. Nothing is written
here but through the services that people use; a deed looks first whether it was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from accounts.models import Clinic
from clinic.clock import present
from staff.demo import deeds
from staff.demo.people import Person, people
from staff.demo.walking import Deed

SESSIONS_A_WEEK = 3
WEEKS = 8
LAST_SESSION = timedelta(days=63)
"""When those who are inactive exercise last: 30 days later they have not been seen for over three months."""
INACTIVE = (2, 3, 9)
"""Who stopped coming, and after nine weeks exercising, in pain: what smart targeting looks for in those over 65, and
in the first of them, who is younger, does not find."""
FAITHFUL = 1
"""Who exercises to this day, but not yet this week; and has no visit to come but today's."""
EXPECTED, NEXT_VISIT = 6, 90
"""Who has a visit to come, and the number of that visit."""
COURSES = ("steady", "slipping", "recovering", "none", "poor", "none", "steady", "none")
KEPT = {
    "steady": (0.95,) * WEEKS,
    "slipping": (1.0, 1.0, 0.9, 0.3, 0.2, 0.2, 0.1, 0.1),
    "recovering": (1.0, 0.3, 0.3, 1.0, 1.0, 1.0, 1.0, 1.0),
    "poor": (0.4,) * WEEKS,
    "faithful": (1.0,) * 20,
    "inactive": (1.0, 1.0, 1.0, 0.7, 0.7, 0.5, 0.5, 0.5, 0.5),
}
PAIN = {
    "steady": (6, 2),
    "slipping": (7, 6),
    "recovering": (5, 3),
    "poor": (8, 8),
    "inactive": (8, 8),
    "faithful": (6, 3),
}
"""Pain in the first week and in the last."""
HOURS = range(9, 17)


def may_begin() -> bool:
    """Tell whether nothing is recorded yet, so that a history can be lived through."""
    return not Clinic.objects.exists()


def story() -> list[Deed]:
    """Return all that people did from the first day of the clinics to the present."""
    until = present()
    clinics = {clinic.slug: clinic for clinic in Clinic.objects.filter(slug__in={one.clinic for one in people()})}
    start = min(clinic.created_at for clinic in clinics.values())
    told = [deed for person in people() for deed in Life(person, clinics[person.clinic], start, until).deeds()]
    told += [deed for clinic in clinics.values() for deed in _evenings(clinic, start, until)]
    return [deed for deed in told if deed.at <= until]


def _evenings(clinic: Clinic, start: datetime, until: datetime) -> Iterator[Deed]:
    """Have the staff go through their tasks every evening."""
    day, zone = start.astimezone(ZoneInfo(clinic.time_zone)).date(), ZoneInfo(clinic.time_zone)
    while (evening := datetime.combine(day, time(17, 30), zone)) <= until:
        if day.weekday() < 5 and evening > start:
            yield Deed(evening, deeds.finish_tasks(clinic, evening - timedelta(days=1)))
        day += timedelta(days=1)


class Life:
    """What happens to one patient, from being registered on."""

    def __init__(self, person: Person, clinic: Clinic, start: datetime, until: datetime) -> None:
        self.person, self.clinic, self.zone = person, clinic, ZoneInfo(clinic.time_zone)
        self.until = until.replace(minute=0, second=0, microsecond=0)  # the same story, when it is told again
        self.dice = Random(person.number)  # noqa: S311
        inactive = person.number in INACTIVE
        self.course = "inactive" if inactive else COURSES[person.number % len(COURSES)]
        if person.number == FAITHFUL:
            self.course = "faithful"
        early = person.number <= 9 or inactive
        self.registered = start + timedelta(hours=2) if early else self._office(start, self.dice.randint(1, 70))

    def _office(self, since: datetime, days: int) -> datetime:
        """Return a moment within office hours, that many days later or on the working day after."""
        day = since.astimezone(self.zone).date() + timedelta(days=days)
        while day.weekday() > 4:
            day += timedelta(days=1)
        return datetime.combine(day, time(self.dice.choice(HOURS), self.dice.choice((0, 15, 30, 45))), self.zone)

    def _later(self, since: datetime, low: float, high: float) -> datetime:
        return since + timedelta(hours=self.dice.uniform(low, high))

    def _chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def deeds(self) -> Iterator[Deed]:
        """Tell the patient's story."""
        yield Deed(self.registered, deeds.register(self.clinic, self.person))
        yield from self._consents()
        visit = self._office(self.registered, 1 if self.person.number in INACTIVE else self.dice.randint(2, 6))
        yield from self._visit(0, "initial-evaluation", self._later(self.registered, 0.2, 1), visit)
        if self.course != "none":
            yield from self._plan(visit + timedelta(hours=1))
        yield from self._follow_ups(visit)
        if self.person.number == EXPECTED:
            yield from self._next_visit()

    def _next_visit(self) -> Iterator[Deed]:
        """Tell of a visit in thirty days, booked yesterday and confirmed."""
        visit = deeds.Visit(self.clinic, self.person, NEXT_VISIT)
        day = self.until.astimezone(self.zone).date() + timedelta(days=30)
        starts = datetime.combine(day, time(10), self.zone)
        yield Deed(self.until - timedelta(hours=20), visit.book("physiotherapy", starts))
        yield Deed(self.until - timedelta(hours=19), visit.move("confirm"))

    def _this_week(self) -> datetime:
        """Return when the present week began."""
        today = self.until.astimezone(self.zone).date()
        return datetime.combine(
            today - timedelta(days=(today.isoweekday() - self.clinic.week_start) % 7), time(), self.zone
        )

    def _consents(self) -> Iterator[Deed]:
        if self._chance(0.9):
            at = self._later(self.registered, 7, 60)
            yield Deed(at, deeds.fill(self.clinic, self.person, "privacy-policy-consent", self.dice.randint(6, 9)))
        at = self._later(self.registered, 7, 70)
        if self._chance(0.8):
            yield Deed(at, deeds.fill(self.clinic, self.person, "telerehabilitation-consent", 8))
            if self.person.number % 20 == 8:
                away = at + timedelta(days=40)
                yield Deed(away, deeds.withdraw(self.clinic, self.person, "telerehabilitation-consent"))
        elif self._chance(0.4):
            yield Deed(at, deeds.decline(self.clinic, self.person, "telerehabilitation-consent"))

    def _visit(self, number: int, service: str, booked: datetime, starts: datetime) -> Iterator[Deed]:
        """Tell of one visit: booked, confirmed, prepared, and then it takes place or not."""
        visit = deeds.Visit(self.clinic, self.person, number)
        yield Deed(booked, visit.book(service, starts))
        call_off = 0.0 if number == 0 and self.course != "none" else 0.12
        if self._chance(call_off):
            yield Deed(max(starts - timedelta(hours=self.dice.randint(5, 30)), booked), visit.move("cancel"))
            return
        yield Deed(self._later(booked, 1, 20), visit.move("confirm"))
        if self._chance(0.7):
            at = max(starts - timedelta(hours=self.dice.randint(3, 20)), booked)
            yield Deed(
                at, deeds.fill(self.clinic, self.person, "pre-appointment-questionnaire", self.dice.randint(3, 8))
            )
        if self._chance(call_off):
            yield Deed(starts + timedelta(minutes=30), visit.move("no_show"))
            return
        yield Deed(starts, visit.move("start"))
        yield Deed(starts + timedelta(minutes=50), visit.move("complete"))
        if service == "initial-evaluation":
            if self._chance(0.85):
                yield Deed(self._later(starts, 2, 30), visit.summarise())
            if self._chance(0.6):
                at = self._later(starts, 26, 60)
                yield Deed(at, deeds.fill(self.clinic, self.person, "satisfaction-survey", self.dice.randint(6, 10)))

    def _plan(self, begins: datetime) -> Iterator[Deed]:
        """Tell of a plan of eight weeks, and of the sessions that the patient kept."""
        plan = deeds.Plan(self.clinic, self.person)
        weeks = len(KEPT[self.course])
        yield Deed(begins, plan.assign(SESSIONS_A_WEEK, weeks))
        first, last = PAIN[self.course]
        for week, kept in enumerate(KEPT[self.course]):
            for session in range(SESSIONS_A_WEEK):
                done = begins + timedelta(days=7 * week + 2 * session, hours=self.dice.uniform(1, 8))
                pain = round(first + (last - first) * week / (weeks - 1)) + self.dice.choice((-1, 0, 0, 1))
                kept_away = self.course == "faithful" and done >= self._this_week()
                if self._chance(kept) and not kept_away:
                    yield Deed(done, plan.log(max(0, min(10, pain))))
        if self.course == "inactive":
            yield Deed(begins + LAST_SESSION, plan.log(last))
        if self.course in ("steady", "recovering"):
            yield Deed(begins + timedelta(days=7 * WEEKS - 1), plan.complete())

    def _follow_ups(self, evaluation: datetime) -> Iterator[Deed]:
        """Tell of the visits after the evaluation; those who are inactive have none, nor has the faithful one."""
        if self.course in ("inactive", "faithful") or self._chance(0.25):
            return
        starts = evaluation
        for number in range(1, self.dice.randint(2, 7)):
            booked = starts + timedelta(hours=1)
            starts = self._office(starts, self.dice.randint(9, 16))
            yield from self._visit(number, self.dice.choice(("physiotherapy", "follow-up-visit")), booked, starts)
            if number > 1 and self._chance(0.15):
                yield Deed(starts - timedelta(days=3), deeds.Visit(self.clinic, self.person, number).put_off())
