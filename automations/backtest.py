"""How often a rule would have run: its wording over the events of the last days, as they are stored. Read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from accounts.permissions import Role, require
from automations.anchors import begins_at
from automations.asof import asks_of, named, read_only, recall
from automations.engine.conditions import evaluate
from automations.engine.declare import catalog
from automations.engine.moments import start_of_day
from automations.engine.plan import plan
from automations.engine.timing import QuietHours, release_at
from automations.engine.values import EventFacts, PlannedStep, RuleSpec, fact_key
from automations.facts import Ask, EventView
from automations.models import Event, Rule, Run
from automations.supposing import accepts, wording_of
from automations.suppression import MAX_DEPTH, MAX_RUNS_A_DAY
from clinic.clock import now
from clinic.errors import ClinicError

MAX_DAYS = 366
READ = 2_000
"""Events read at once."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Backtest:
    """What would have happened since `since`: counts only, but for the patient with the most runs.

    `evaluated` events of the trigger, of which `matched` the rule and `ran`; `suppressed` by code. `steps` by action
    id, `ended` those of them that would never have acted (too late when planned), `held` patient messages that quiet
    hours would hold back, `capped` runs beyond the rule's hourly limit. `unknown` counts events by (fact, parameters)
    that nobody can tell any more.
    """

    days: int
    since: datetime
    until: datetime
    per_day: dict[date, int]
    evaluated: int = 0
    matched: int = 0
    ran: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    held: int = 0
    capped: int = 0
    per_patient: Counter[int] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    unknown_asks: list[Ask] = field(default_factory=list)

    @property
    def most_per_patient(self) -> int:
        """Return the most runs that one patient would have had."""
        return max(self.per_patient.values(), default=0)

    @property
    def a_day(self) -> float:
        """Return the runs a day, on average."""
        return self.ran / self.days

    def as_json(self) -> dict[str, Any]:
        """Give the answer as the API shows it."""
        return {
            "days": self.days,
            "since": self.since,
            "until": self.until,
            "evaluated": self.evaluated,
            "matched": self.matched,
            "ran": self.ran,
            "suppressed": dict(self.suppressed),
            "steps": dict(self.steps),
            "held": self.held,
            "capped": self.capped,
            "per_day": [{"day": day, "count": count} for day, count in self.per_day.items()],
            "most_per_patient": self.most_per_patient,
            "unknown_facts": [
                {"field": key, **params, "events": self.unknown[fact_key(key, params)]}
                for key, params in self.unknown_asks
            ],
        }


def backtest(rule: Rule, *, days: int = 30, spec: RuleSpec | None = None) -> Backtest:
    """Ask a rule of the events recorded in the last `days` days of the clinic's calendar, today included.

    The draft is asked, unless `spec` gives another wording. It starts from nothing: what really ran before counts only
    for "once", and only if it was this rule. Raises ClinicError for other days, RuleInvalid for a draft that is none.
    """
    require(rule.clinic, Role.CLINIC_ADMIN)
    check_days(days)
    spec = spec or wording_of(rule)
    with read_only():
        return _Test(rule, spec, days).run()


def walk(rule: Rule, *, days: int = 30, spec: RuleSpec | None = None) -> Iterator[tuple[int, int, Backtest]]:
    """Ask as `backtest` does, but so many events at a time: yields how many were asked, of how many, and the answer.

    Between two yields nothing is open, so the caller may write down how far it is.
    """
    require(rule.clinic, Role.CLINIC_ADMIN)
    check_days(days)
    with read_only():
        test = _Test(rule, spec or wording_of(rule), days)
        keys = test.begin()
    yield 0, len(keys), test.found
    for start in range(0, len(keys), READ):
        with read_only():
            test.ask(keys[start : start + READ])
        yield min(start + READ, len(keys)), len(keys), test.found


def check_days(days: int) -> None:
    """Refuse days that nobody can look back."""
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        message = _("Choose a whole number of days from 1 to %(most)s.") % {"most": MAX_DAYS}
        raise ClinicError(message, code="out_of_range", path="days")


class _Test:
    """One walk over the stored events, oldest first."""

    def __init__(self, rule: Rule, spec: RuleSpec, days: int) -> None:
        self.rule, self.spec, self.clinic = rule, spec, rule.clinic
        self.zone = ZoneInfo(self.clinic.time_zone)
        until = now()
        today = until.astimezone(self.zone).date()
        calendar = [today - DAY * back for back in reversed(range(days))]
        self.found = Backtest(days, start_of_day(calendar[0], self.zone), until, dict.fromkeys(calendar, 0))
        self.asks = asks_of(spec)
        clinic = self.clinic
        self.quiet = QuietHours(clinic.quiet_start, clinic.quiet_end, frozenset(clinic.closed_weekdays))
        self.leaves_them_in_peace = self.quiet != QuietHours()
        self.last: dict[int, datetime] = {}
        self.recent: dict[int, list[datetime]] = {}
        self.hour: list[datetime] = []

    def run(self) -> Backtest:
        """Walk."""
        keys = self.begin()
        for start in range(0, len(keys), READ):
            self.ask(keys[start : start + READ])
        return self.found

    def begin(self) -> list[int]:
        """Remember what ran before, and return the events to ask, in the order in which they were recorded."""
        self._remember_earlier_runs()
        rows = Event.objects.filter(
            Q(rule=None) | Q(rule_id=self.rule.pk),
            clinic_id=self.clinic.pk,
            trigger=self.spec.trigger,
            occurred_at__gte=self.found.since,
            occurred_at__lte=self.found.until,
            state=Event.State.MATCHED,
            muted="",
        )
        return list(rows.order_by("pk").values_list("pk", flat=True))

    def ask(self, keys: Sequence[int]) -> None:
        """Ask some of the events."""
        events = list(Event.objects.filter(pk__in=keys).order_by("pk").defer("last_error", "origin"))
        recalled = recall(events, self.asks)
        for event in events:
            self._ask(event, recalled.facts[event.pk])
            self.found.unknown.update(recalled.unknown.get(event.pk, ()))
        self.found.unknown_asks = named(self.found.unknown, self.asks)

    def _remember_earlier_runs(self) -> None:
        if self.spec.settings.reentry.mode == "every_time" or self.rule.pk is None:
            return
        rows = Run.objects.filter(rule=self.rule, outcome=Run.Outcome.MATCHED, event__occurred_at__lt=self.found.since)
        self.last = dict(rows.order_by().values_list("patient_id").annotate(last=Max("event__occurred_at")))

    def _ask(self, event: Event, known: Any) -> None:
        found = self.found
        found.evaluated += 1
        facts = EventFacts(event.trigger, event.occurred_at, self.zone, known)
        if not accepts(self.spec, known) or evaluate(self.spec.conditions, facts).result is not True:
            return
        found.matched += 1
        code = self._refusal(event)
        if code:
            found.suppressed[code] += 1
            return
        found.ran += 1
        found.per_patient[event.patient_id] += 1
        found.per_day[event.occurred_at.astimezone(self.zone).date()] += 1
        self._plan(event, facts)

    def _refusal(self, event: Event) -> str:
        """Return the code of what would have suppressed the run; "" if nothing would, and it is counted."""
        at, patient = event.occurred_at, event.patient_id
        if event.depth >= MAX_DEPTH:
            return "depth"
        reentry, last = self.spec.settings.reentry, self.last.get(patient)
        if last is not None and reentry.mode == "once_per_patient":
            return "reentry"
        if last is not None and reentry.mode == "once_per_days" and at - last < DAY * (reentry.days or 0):
            return "reentry"
        recent = self.recent[patient] = [one for one in self.recent.get(patient, ()) if at - one < DAY]
        if len(recent) >= MAX_RUNS_A_DAY:
            return "depth"
        cap = self.spec.settings.hourly_cap
        if cap is not None:
            self.hour = [one for one in self.hour if at - one < HOUR]
            if len(self.hour) >= cap:
                self.found.capped += 1
            self.hour.append(at)
        recent.append(at)
        self.last[patient] = max(at, last or at)
        return ""

    def _plan(self, event: Event, facts: EventFacts) -> None:
        anchors = anchors_then(event)
        begins = begins_at(event.subject_type, anchors)
        steps = plan(
            0,
            self.spec,
            event.pk,
            facts,
            catalog,
            now=event.occurred_at,
            anchors=anchors,
            appointment_starts_at=begins,
        )
        for step in steps:
            self.found.steps[step.action_id] += 1
            if step.state != "pending":
                self.found.ended[step.action_id] += 1
            elif self.leaves_them_in_peace and self._waits(step, begins):
                self.found.held += 1

    def _waits(self, step: PlannedStep, begins: datetime | None) -> bool:
        """Tell whether quiet hours or a closed day would hold the message back (by the clinic's zone)."""
        if not catalog.actions[step.action].is_patient_message(step.params):
            return False
        limits = {"not_after": step.not_after, "appointment_starts_at": begins}
        return release_at(step.due_at, self.quiet, self.zone, **limits) > step.due_at


def anchors_then(event: Event) -> dict[str, Any]:
    """Return the anchors of an event's subject as the event kept them, not as they stand now."""
    kept = EventView(event.subject_type, event.occurred_at, event.data).new
    known = [one for one in catalog.anchors.values() if one.subject == event.subject_type]
    return {anchor.key: kept.get(anchor.field) for anchor in known}
