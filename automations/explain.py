"""Why a rule ran, or did not run, for a patient: told from the stored events and the facts that they keep. Read only.

It does not ask the index: each event is evaluated with the wording that was published when it was recorded, so that a
rule that was never looked at is explained like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from automations.asof import asks_of, condition_asks, read_only, recall
from automations.compiled import spec_of
from automations.drafts import draft_spec
from automations.engine.conditions import evaluate, parse_group
from automations.engine.declare import catalog
from automations.engine.values import EventFacts, Group, Reason, RuleSpec, Verdict
from automations.models import Event, Rule, RuleVersion, Run, Step
from automations.naming import names_of
from automations.reasons import Voice, why_not
from automations.seen import moment
from automations.supposing import accepts
from automations.telling import Told, tell
from clinic.errors import ClinicError

NOT_MATCHED, NOT_CONSIDERED, WOULD_MATCH = "not_matched", "not_considered", "would_match"
LATEST = 20
"""Events that are looked at, newest first, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One event and what the rule made of it: `outcome` is a run's, or one of this module's; `why` is for people.

    `would` is the verdict under other conditions, where these were asked about.
    """

    event: Event
    outcome: str
    reason: Reason | None
    verdict: dict[str, Any] | None
    run: Run | None = None
    steps: tuple[Step, ...] = ()
    version: int | None = None
    would: Verdict | None = None
    unknown: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the event's part of the answer as the API shows it."""
        shown = {
            "event": str(self.event.pk),
            "outcome": self.outcome,
            "verdict": self.verdict,
            "reason": {"code": self.reason.code, "text": self.reason.text} if self.reason else None,
            "trigger_event": self.event.trigger,
            "occurred_at": self.event.occurred_at,
            "rule_version": self.version,
            "run": None if self.run is None else str(self.run.pk),
            "steps": [str(step.pk) for step in self.steps],
            "unknown_facts": list(self.unknown),
        }
        return shown if self.would is None else {**shown, "what_if": self.would.as_json()}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: in a few sentences, and event by event, newest first."""

    text: str
    events: tuple[Explained, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the answer as the API shows it."""
        return {"text": self.text, "events": [one.as_json() for one in self.events]}


def explain(rule: Rule, patient: Any, *, conditions: Any = None, limit: int = LATEST) -> Explanation:
    """Say why the rule ran or did not run for the patient.

    `conditions` (a tree on the wire) asks besides: what if it had these? Raises ClinicError for a patient of another
    clinic, RuleInvalid for conditions that are none.
    """
    require(rule.clinic)
    if patient.clinic_id != rule.clinic_id:
        raise ClinicError(_("This patient is not one of the rule's clinic."), code="not_found", path="patient")
    with read_only():
        found = _Explaining(rule, patient, conditions).run(limit)
    audit.record("rule.explained", obj=rule, patient_id=patient.pk)
    return found


class _Explaining:
    """One look at a rule and a patient."""

    def __init__(self, rule: Rule, patient: Any, conditions: Any) -> None:
        self.rule, self.patient = rule, patient
        self.zone = ZoneInfo(rule.clinic.time_zone)
        versions = RuleVersion.objects.filter(rule=rule).order_by("number")
        self.versions: list[dict[str, Any]] = [
            {**one} for one in versions.values("pk", "number", "trigger", "created_at")
        ]
        self.trigger = self._trigger()
        self.what_if: Group | None = None
        if conditions is not None and self.trigger in catalog.triggers:
            self.what_if = parse_group(conditions, catalog.facts_for(self.trigger))

    def _trigger(self) -> str:
        """Return the trigger that the rule starts from now: the published one, else the draft's."""
        published = spec_of(self.rule.published_id) if self.rule.published_id else draft_spec(self.rule)
        if isinstance(published, RuleSpec):
            return published.trigger
        return str(self.versions[-1]["trigger"]) if self.versions else ""

    def run(self, limit: int) -> Explanation:
        """Read the events and what became of them, and say it."""
        runs = {run.event_id: run for run in self._runs(limit)}
        mine = Event.objects.filter(Q(rule=None) | Q(rule=self.rule), patient=self.patient)
        triggers = {self.trigger, *(str(version["trigger"]) for version in self.versions)}
        latest = list(mine.filter(trigger__in=triggers).order_by("-pk")[:limit])
        known = {event.pk for event in latest}
        latest += [run.event for pk, run in runs.items() if pk not in known]
        latest.sort(key=lambda event: -event.pk)
        explained = tuple(self._explain(event, runs.get(event.pk)) for event in latest[:limit])
        told = Told(self.rule, self.patient, self.trigger, self.zone, explained)
        return Explanation(tell(told), explained)

    def _runs(self, limit: int) -> Sequence[Run]:
        rows = Run.objects.filter(rule=self.rule, patient=self.patient).select_related("event", "version")
        return list(rows.prefetch_related("steps").order_by("-pk")[:limit])

    def _explain(self, event: Event, run: Run | None) -> Explained:
        if run is not None:
            return self._ran(event, run)
        version = self._version_at(event)
        spec = spec_of(version["pk"]) if version else None
        early = self._not_considered(event, spec)
        if early is not None and (self.what_if is None or not event.facts):
            return Explained(event, NOT_CONSIDERED, early, None, version=version["number"] if version else None)
        return self._evaluated(event, spec if isinstance(spec, RuleSpec) else None, version, early)

    def _ran(self, event: Event, run: Run) -> Explained:
        reason = Reason(run.reason, run.reason_text or run.reason) if run.reason or run.reason_text else None
        would, unknown = self._would(event)
        steps = tuple(sorted(run.steps.all(), key=lambda step: step.pk))
        number = run.version.number if run.version is not None else None
        return Explained(event, run.outcome, reason, run.verdict, run, steps, number, would, unknown)

    def _would(self, event: Event) -> tuple[Verdict | None, tuple[str, ...]]:
        """Return the verdict under the conditions that were asked about, and what nobody can tell any more."""
        if self.what_if is None or not event.facts:
            return None, ()
        recalled = recall([event], condition_asks(self.what_if))
        facts = EventFacts(event.trigger, event.occurred_at, self.zone, recalled.facts[event.pk])
        return evaluate(self.what_if, facts), tuple(sorted(recalled.unknown.get(event.pk, ())))

    def _version_at(self, event: Event) -> dict[str, Any] | None:
        """Return the version that was published when the event was recorded, else the first."""
        before = [one for one in self.versions if one["created_at"] <= event.created_at]
        return before[-1] if before else (self.versions[0] if self.versions else None)

    def _not_considered(self, event: Event, spec: RuleSpec | str | None) -> Reason | None:
        """Return why the rule did not look at the event at all, if it did not."""
        since = self.rule.active_since
        if event.muted:
            return Reason(
                "muted", _("It was recorded silently (%(why)s), so no rule looked at it.") % {"why": event.muted}
            )
        if spec is None:
            return Reason("draft", _("The rule has never been published."))
        if isinstance(spec, str):
            return Reason("rule_broken", spec)
        if since is None or event.created_at < since:
            at = {"at": moment(event.created_at, self.zone), "since": moment(since, self.zone)}
            return Reason("before_active", _("It was recorded on %(at)s; the rule counts from %(since)s on.") % at)
        if spec.trigger != event.trigger:
            return Reason("other_trigger", _("The rule started from something else then."))
        if event.state == Event.State.NEW:
            return Reason("waiting", _("It has just been recorded and has not been looked at yet."))
        if event.state == Event.State.DEAD:
            return Reason("dead", event.last_error or _("It could not be looked at and was given up."))
        return None

    def _evaluated(
        self, event: Event, spec: RuleSpec | None, version: dict[str, Any] | None, early: Reason | None
    ) -> Explained:
        """Ask the event what it would have been asked then; no run means that it did not match, or was not asked."""
        number = version["number"] if version else None
        would, unknown = self._would(event)
        if early is not None or spec is None:
            return Explained(event, NOT_CONSIDERED, early, None, None, (), number, would, unknown)
        recalled = recall([event], asks_of(spec))
        known = recalled.facts[event.pk]
        facts = EventFacts(event.trigger, event.occurred_at, self.zone, known)
        verdict = evaluate(spec.conditions, facts)
        lost = tuple(sorted({*unknown, *recalled.unknown.get(event.pk, ())}))
        outcome, reason = NOT_MATCHED, Reason("conditions", "")
        if not accepts(spec, known):
            reason = Reason(
                "config", _("The rule is for other events of this kind only; its settings left this one out.")
            )
        elif verdict.result is True:
            outcome = NOT_CONSIDERED
            reason = Reason("not_asked", _("Its conditions held, but the rule was not in service at that moment."))
        else:
            voice = Voice.about(self.patient, names_of(self.rule.clinic_id, [spec], [verdict]), self.zone)
            reason = Reason("conditions", why_not(verdict, voice))
        return Explained(event, outcome, reason, verdict.as_json(), None, (), number, would, lost)
