"""A clinic's days as the journey tests tell them: the calendar, what people do, what lies in whose mailbox."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import Clinic, Membership
from appointments import services as visits
from appointments.models import Appointment, Service
from automations import recipes, ticking
from automations.models import Event, Rule, Run, Step
from clinic import clock
from clinic.embedded.process import wait_until
from forms_app.models import FormRequest
from messaging import leases
from messaging.models import Delivery, Notification
from messaging.testing.mailserver import MailServer
from patients.models import Patient
from patients.services import register
from worklist.models import Task

YEAR = date.today().year + 1  # noqa: DTZ011 - only to lie ahead of the clock, which never goes back
IDLE_SECONDS = 90
Mail = tuple[int, str, str, str]


def first_monday(month: int) -> date:
    """Return the first Monday of a month of the story's year."""
    first = date(YEAR, month, 1)
    return first + timedelta(days=-first.weekday() % 7)


def last_sunday(month: int) -> date:
    """Return the last Sunday of a month of the story's year: in Europe, March and October change the clocks then."""
    last = date(YEAR, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


class Story:
    """Days are counted from `day_0`; times are the clinic's local ones, written "09:00"."""

    def __init__(self, clinic: Clinic, mailbox: MailServer, day_0: date) -> None:
        self.clinic, self.mailbox, self.day_0 = clinic, mailbox, day_0
        self.zone = ZoneInfo(clinic.time_zone)
        self.walk(0, "09:00")

    # --- the calendar ---

    def moment(self, day: int, at: str, fold: int = 0) -> datetime:
        """Return a local moment of the clinic."""
        return datetime.combine(self.day_0 + timedelta(days=day), time.fromisoformat(at), self.zone).replace(fold=fold)

    def walk(self, day: int, at: str) -> None:
        """Let time pass until then; everything that falls due on the way is done at its moment."""
        for _stop in ticking.walk_to(self.moment(day, at)):
            pass

    def settle(self) -> None:
        """Have all done that is due at this moment; no time passes."""
        ticking.drain_all()

    def local(self, moment: datetime | None) -> tuple[int, str]:
        """Return a moment as day and local time, the seconds cut off."""
        assert moment is not None
        there = moment.astimezone(self.zone)
        return (there.date() - self.day_0).days, f"{there:%H:%M}"

    # --- what people do ---

    def install(self, *slugs: str) -> None:
        """Switch shipped rules on."""
        for slug in slugs:
            recipes.install(clinic=self.clinic, slug=slug, mode="on")

    def register(self, given_name: str = "Maria", **fields: Any) -> Patient:
        """Take a patient into care; the address is the given name's."""
        given = {"family_name": "Marin", "email": f"{given_name.lower()}@patients.example", "language": "en"}
        return register(clinic=self.clinic, given_name=given_name, **(given | fields))

    def service(self, slug: str = "initial-evaluation") -> Service:
        """Return the clinic's service, offered from now on if it was not."""
        there = Service.objects.filter(clinic=self.clinic, slug=slug).first()
        name = slug.replace("-", " ").title()
        return there or visits.create_service(clinic=self.clinic, slug=slug, name=name, minutes=45)

    def book(self, patient: Patient, day: int, at: str, slug: str = "initial-evaluation", **fields: Any) -> Appointment:
        """Book a visit."""
        return visits.book(
            clinic=self.clinic,
            patient=patient,
            service=self.service(slug),
            starts_at=self.moment(day, at),
            **fields,
        )

    # --- what came of it ---

    def mails(self) -> list[Mail]:
        """Return what arrived, as (day, local time, whose mailbox, subject), oldest first."""
        return [self._mail(one) for one in self.mailbox.taken]

    def arrived(self) -> list[tuple[int, str, str]]:
        """Return what arrived, as (day, local time, subject up to its first colon), oldest first."""
        return [(day, at, subject.partition(":")[0]) for day, at, _, subject in self.mails()]

    def _mail(self, message: Any) -> Mail:
        day, at = self.local(parsedate_to_datetime(message["Date"]))
        return day, at, str(message["To"]).partition("@")[0], str(message["Subject"])

    def text_of(self, position: int) -> str:
        """Return the plain text of the mail at this position."""
        return str(self.mailbox.taken[position].get_body(("plain",)).get_content())  # type: ignore[union-attr]

    def link_in(self, position: int) -> str:
        """Return the path of the link to the forms in the mail at this position."""
        found = re.search(r"https?://[^/\s]+(/f/\S+)", self.text_of(position))
        assert found, self.text_of(position)
        return found.group(1)

    def steps(self, slug: str) -> list[tuple[str, str, str]]:
        """Return the steps of a rule as (action id, state, reason), in the order in which they were planned."""
        rows = Step.objects.filter(rule__slug=slug, clinic=self.clinic).order_by("pk")
        return list(rows.values_list("action_id", "state", "reason"))

    def due(self, slug: str) -> list[tuple[int, str]]:
        """Return when the steps of a rule are due, as day and local time, in the order in which they were planned."""
        rows = Step.objects.filter(rule__slug=slug, clinic=self.clinic).order_by("pk")
        return [self.local(moment) for moment in rows.values_list("due_at", flat=True)]

    def forms(self) -> list[tuple[str, str]]:
        """Return the requests as (form, status), oldest first."""
        return list(FormRequest.objects.order_by("pk").values_list("template__slug", "status"))

    def told(self, member: Membership) -> list[str]:
        """Return the titles of what a person of the staff was told."""
        return list(Notification.objects.filter(recipient=member).order_by("pk").values_list("title", flat=True))

    def tasks(self) -> list[tuple[str, str]]:
        """Return the tasks as (title, for whom)."""
        rows = Task.objects.order_by("pk").select_related("assignee")
        return [(task.title, task.assignee.slug if task.assignee else task.role) for task in rows]

    def assert_nothing_happened(self, slug: str) -> None:
        """Assert that the rule is on and that nothing whatever came of it."""
        assert Rule.objects.get(clinic=self.clinic, slug=slug).mode == Rule.Mode.ON
        assert Run.objects.filter(rule__slug=slug, outcome=Run.Outcome.MATCHED).count() == 0
        assert self.steps(slug) == []
        for model in (Delivery, FormRequest, Notification, Task):
            assert model.objects.count() == 0, model
        assert self.mails() == []


class LiveStory(Story):
    """The same with real workers at work: time is only set here, and what is due is theirs to find."""

    def walk(self, day: int, at: str) -> None:
        """Set the clock, and wait until the workers have done all that is due then."""
        clock.advance_to(self.moment(day, at))
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is due any more. Raises AssertionError if the workers do not get that far."""
        assert wait_until(self._idle, IDLE_SECONDS), "The workers do not come to an end."

    @staticmethod
    def _idle() -> bool:
        """Tell whether nothing is due and nobody is at work (what is claimed is still as it was).

        A message that a worker gave back rests for some seconds, one that was tried once in vain for up to thirty,
        although they were due: they are waited for.
        """
        moment = clock.now()
        rested = moment + timedelta(seconds=leases.REST_SECONDS)
        under_way = Q(state__in=(Delivery.State.SENDING, Delivery.State.RETRY))
        return not (
            Event.objects.filter(state=Event.State.NEW).exists()
            or Step.objects.filter(state=Step.State.PENDING, due_at__lte=moment).exists()
            or Delivery.objects.filter(under_way | Q(state=Delivery.State.QUEUED, not_before__lte=rested)).exists()
        )
