"""Whatever a patient says and a clinic caps, in any order: nothing leaves without consent at that moment, nothing is
sent beyond a cap, and what is not sent says why. Rules, steps and mails are real; what must be is counted here anew."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from automations import ticking
from automations.models import Step
from automations.tests.builders import published, service, visit
from clinic import clock
from clinic.testing import PROOF, rounds
from messaging import services
from messaging.delivery import drain_due
from messaging.models import Delivery, Notification
from patients.models import Patient
from patients.services import set_consents

pytestmark = pytest.mark.django_db
SEQUENCES = rounds(6, 100)
CATEGORIES = ("transactional", "clinical", "survey", "marketing")
HELD_BACK = ("survey", "marketing")
WAYS = [(category, channel) for category in CATEGORIES for channel in ("email", "in_platform")]
CAPS = [f"cap_{scope}_{period}" for scope in (*HELD_BACK, "total") for period in ("day", "week")]
BUCHAREST = ZoneInfo("Europe/Bucharest")

CAPPED = [way for way in WAYS if way[0] in HELD_BACK]

VERBS = {"say": 2, "cap": 1, "send": 7, "wait": 2, "leave": 2}


def sequence(seed: int) -> list[tuple[Any, ...]]:
    """Draw what happens to one patient: some caps and a yes or two first, then anything."""
    chance = Random(seed)
    opening = chance.choices(["cap", "agree"], [2, 1], k=chance.randint(1, 4))
    verbs = opening + chance.choices(list(VERBS), list(VERBS.values()), k=chance.randint(8, 14))
    return [_turn(verb, chance) for verb in verbs]


def _turn(verb: str, chance: Random) -> tuple[Any, ...]:
    drawn = {
        "agree": ("say", ("marketing", chance.choice(["email", "in_platform"])), True),
        "say": ("say", chance.choice(WAYS), chance.random() < 0.5),
        "cap": ("cap", chance.choice(CAPS), chance.choice([1, 1, 2, None])),
        "send": ("send", chance.choice([*WAYS, *CAPPED, *CAPPED])),
        "wait": ("wait", chance.randint(1, 40)),
        "leave": ("leave",),
    }
    return drawn[verb]


@pytest.fixture
def world(clinic: Any) -> Any:
    """A clinic with a rule for each category and channel: a visit of the service named so sends the message."""
    for category in CATEGORIES:
        body = services.Body("en", category, "Hello.")
        services.save_template(clinic=clinic, slug=category, name=category, category=category, bodies=[body])
    actions = {"email": "send_email", "in_platform": "send_notification"}
    for category, channel in WAYS:
        slug = service(clinic, f"{channel}-{category}".replace("_", "-")).slug
        line = {"field": "appointment.service", "op": "is_any_of", "value": [slug]}
        action = {"type": actions[channel], "template": category, "to": "patient"}
        condition = {"match": "all", "items": [line]}
        published(clinic, "appointment.booked", action, name=slug, conditions=condition)
    return clinic


class Telling:
    """One patient's story, and what must hold after each of its turns."""

    def __init__(self, clinic: Any, mail_server: Any, seen: Counter[str]) -> None:
        self.clinic, self.mail_server, self.seen = clinic, mail_server, seen
        number = Patient.objects.count()
        self.patient = Patient.objects.create(clinic=clinic, given_name="P", email=f"p{number}@patients.example")
        self.said: dict[tuple[str, str], bool] = {}
        self.sent = 0
        self.known: set[tuple[str, int, str]] = set()

    # --- turns ---

    def say(self, way: tuple[str, str], granted: bool) -> None:
        set_consents(self.patient, [{"category": way[0], "channel": way[1], "granted": granted}])
        self.said[way] = granted

    def cap(self, name: str, most: int | None) -> None:
        setattr(self.clinic, name, most)
        self.clinic.save()

    def send(self, way: tuple[str, str]) -> None:
        visit(self.patient, starts_at=clock.now() + timedelta(days=400), slug=f"{way[1]}-{way[0]}".replace("_", "-"))
        self.sent += 1
        ticking.drain_engine()

    def wait(self, hours: int) -> None:
        clock.advance_to(clock.now() + timedelta(hours=hours))
        ticking.drain_engine()

    def leave(self) -> None:
        drain_due()

    # --- what must hold ---

    def wants(self, category: str, channel: str) -> bool:
        return self.said.get((category, channel), category != "marketing")

    def messages(self) -> list[tuple[str, date]]:
        """Return category and local day of every message that left, was shown, or waits to leave now."""
        now, found = clock.now(), []
        for mail in Delivery.objects.filter(patient=self.patient).exclude(state__in=["suppressed", "withdrawn"]):
            found.append((mail.category, (mail.finished_at or now).astimezone(BUCHAREST).date()))
        for note in Notification.objects.filter(patient=self.patient):
            found.append((note.category, note.visible_at.astimezone(BUCHAREST).date()))
        return found

    def most(self, category: str, *, totals: bool) -> list[int]:
        """Return, for each cap in force, how many more there are today than it allows (0: full, below: room)."""
        today, over = clock.now().astimezone(BUCHAREST).date(), []
        monday = today - timedelta(days=today.weekday())
        for scope in (category, "total") if totals else (category,):
            mine = [day for kind, day in self.messages() if scope in (kind, "total")]
            for period, first, last in (("day", today, today), ("week", monday, monday + timedelta(days=6))):
                cap = getattr(self.clinic, f"cap_{scope}_{period}")
                if cap is not None:
                    over.append(sum(first <= day <= last for day in mine) - cap)
        return over

    def check(self) -> None:
        fresh = self.state() - self.known
        self.known |= fresh
        fell = Counter(what for _kind, _pk, what in fresh)
        needed = any(what.startswith(("queued transac", "queued clin", "shown transac", "shown clin")) for what in fell)
        for what in fell:
            verb, category, channel = what.split()
            if verb in ("sent", "shown"):
                assert self.wants(category, channel), what
            if verb in ("suppressed", "unwanted"):
                assert not self.wants(category, channel), what
            if verb in ("queued", "shown") and category in HELD_BACK:
                assert all(over <= 0 for over in self.most(category, totals=not needed)), what
            if verb in ("put_off", "dropped"):
                assert category in HELD_BACK
                assert any(over >= 0 for over in self.most(category, totals=True)), what
            self.seen[verb] += fell[what]

    def state(self) -> set[tuple[str, int, str]]:
        """Return everything on record as (kind, id, "what category channel"), so that news can be told from it."""
        found = set()
        verbs = {
            ("sent", ""): "sent",
            ("suppressed", "no_consent"): "suppressed",
            ("suppressed", "too_late"): "late",  # nobody let it leave for three days
        }
        for mail in Delivery.objects.filter(patient=self.patient):
            found.add(("mail", mail.pk, f"queued {mail.category} email"))
            if mail.state != "queued":
                found.add(("mail", mail.pk, f"{verbs[mail.state, mail.reason]} {mail.category} email"))
        for note in Notification.objects.filter(patient=self.patient):
            found.add(("note", note.pk, f"shown {note.category} in_platform"))
        ways = {"send_email": "email", "send_notification": "in_platform"}
        ended = {
            ("skipped", "no_consent"): "unwanted",
            ("skipped", "capped"): "dropped",
            ("pending", "capped"): "put_off",
            ("expired", "too_late"): "late",
        }
        for step in Step.objects.filter(patient=self.patient).exclude(state="done"):
            verb = ended[step.state, step.reason]
            assert step.due_at > clock.now() or verb != "put_off"
            found.add(("step", step.pk, f"{verb} {step.config['template']} {ways[step.action]}"))
        return found

    def close(self) -> None:
        """Let all leave, and account for every message that a rule was to send."""
        self.leave()
        self.check()
        steps = Step.objects.filter(patient=self.patient)
        made = (
            Delivery.objects.filter(patient=self.patient).count()
            + Notification.objects.filter(patient=self.patient).count()
        )
        assert steps.count() == self.sent
        assert steps.filter(state="done").count() == made
        assert not Delivery.objects.filter(patient=self.patient).exclude(state__in=["sent", "suppressed"]).exists()
        ids = set(Delivery.objects.filter(patient=self.patient, state="sent").values_list("message_id", flat=True))
        # What was put off for patients of earlier sequences may leave meanwhile.
        mine = [one for one in self.mail_server.taken if str(one["To"]) == self.patient.email]
        taken = [str(message["Message-ID"]) for message in mine]
        assert sorted(taken) == sorted(ids)


@pytest.mark.proof
def test_nothing_leaves_without_consent_or_beyond_a_cap_and_what_does_not_leave_says_why(
    world, mail_server, record_property
):
    seen: Counter[str] = Counter()
    for seed in range(SEQUENCES):
        for name in CAPS:
            setattr(world, name, None)
        world.save()
        mail_server.taken.clear()
        telling, turns = Telling(world, mail_server, seen), sequence(seed)
        try:
            for verb, *arguments in turns:
                getattr(telling, verb)(*arguments)
                telling.check()
            telling.close()
        except AssertionError as error:
            error.add_note(f"sequence {seed}: {turns}")
            raise
        seen["sequences"] += 1

    record_property("counted", f"messages by what patients do: {dict(seen)}")
    assert seen["sequences"] == SEQUENCES
    expected = {"queued", "sent", "suppressed", "shown", "unwanted", "put_off", "dropped"}
    assert not PROOF or {verb for verb in expected if seen[verb] < 3} == set()
