"""The answer of a clinic's rules to a batch of events: which matched, what was suppressed, which steps follow."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from automations import suppression
from automations.anchors import AnchorValues, SubjectKey, begins_at, read_anchors
from automations.compiled import ClinicRules, CompiledRule
from automations.engine.conditions import evaluate
from automations.engine.declare import catalog
from automations.engine.plan import plan
from automations.engine.schema import spec_to_json
from automations.engine.values import EventFacts, PlannedStep, Reason, Verdict
from automations.history import History
from automations.models import Event, Rule, Run, Step
from automations.modes import HOLDS
from automations.naming import in_english
from automations.superseding import supersede
from clinic.clock import now

Match = tuple[Event, CompiledRule, Verdict]

logger = logging.getLogger(__name__)


class Answers:
    """Evaluate a batch of events with their facts; then `write` runs and steps in bulk."""

    def __init__(self, events: Sequence[Event], clinics: Mapping[int, Any], rules: Mapping[int, ClinicRules]) -> None:
        self.now: datetime = now()
        self.zones = {pk: ZoneInfo(clinic.time_zone) for pk, clinic in clinics.items()}
        self.runs: list[Run] = []
        self.blamed: dict[int, int] = {}
        self.unusable: dict[int, str] = {}
        self.capped: dict[int, str] = {}
        self._over: dict[tuple[int, int], Reason] = {}
        self.matches: list[Match] = []
        self.anchors: Mapping[SubjectKey, AnchorValues] = {}
        self._configs: dict[tuple[int, str], Any] = {}
        for known in rules.values():
            self.unusable.update(known.unusable)
        pairs = Run.objects.filter(event__in=events).order_by().values_list("event_id", "rule_id")
        self._answered = set(pairs)
        for event in events:
            self._ask(event, rules[event.clinic_id])

    def facts(self, event: Event) -> EventFacts:
        """Return what the engine may know of an event."""
        return EventFacts(event.trigger, event.occurred_at, self.zones[event.clinic_id], event.facts)

    def _ask(self, event: Event, rules: ClinicRules) -> None:
        asked = self.facts(event)
        for rule_id, active_since in rules.errored.get(event.trigger, ()):
            if not self._counts(event, rule_id, active_since):
                continue
            text = rules.unusable.get(rule_id, "The rule is in quarantine; publish it again to use it.")
            self.runs.append(_run(event, rule_id, None, Run.Outcome.ERROR, "rule_broken", text))
        found = rules.index.match(asked)
        for rule_id, message in found.errors:
            rule = rules.rules[rule_id]
            if self._counts(event, rule_id, rule.active_since):
                self.blamed[rule_id] = self.blamed.get(rule_id, 0) + 1
                self.runs.append(_run(event, rule_id, rule.version_id, Run.Outcome.ERROR, "rule_broken", message))
        for rule_id in found.matched:
            rule = rules.rules[rule_id]
            if self._counts(event, rule_id, rule.active_since):
                self.matches.append((event, rule, evaluate(rule.spec.conditions, asked)))

    def _counts(self, event: Event, rule_id: int, active_since: datetime | None) -> bool:
        """Tell whether an event counts for a rule: recorded since, not meant for another, not answered before."""
        since = active_since is None or event.created_at >= active_since
        meant = event.rule_id is None or event.rule_id == rule_id
        return since and meant and (event.pk, rule_id) not in self._answered

    def write(self) -> list[Step]:
        """Decide what is suppressed, plan the rest, store runs and steps; return the steps that are due already."""
        refused = suppression.refusals([(event, rule) for event, rule, _ in self.matches], self.now)
        going: list[tuple[Run, Match]] = []
        for position, match in enumerate(self.matches):
            event, rule, verdict = match
            reason = refused.get(position)
            outcome = Run.Outcome.MATCHED if reason is None else Run.Outcome.SUPPRESSED
            code, text = (reason.code, reason.text) if reason else ("", "")
            run = _run(event, rule.id, rule.version_id, outcome, code, text, verdict.as_json())
            self.runs.append(run)
            if reason is None:
                going.append((run, match))
        capped = suppression.over_the_cap([(event, rule) for _, (event, rule, _) in going], self.now)
        self._over = {(match[0].pk, match[1].id): capped[i] for i, (_, match) in enumerate(going) if i in capped}
        self.capped = {rule_id: reason.text for (_, rule_id), reason in self._over.items()}
        history = History([event for _, (event, _, _) in going], [rule for _, (_, rule, _) in going])
        self.anchors = read_anchors((event.subject_type, event.subject_id) for _, (event, _, _) in going)
        planned = [(run, match, self._plan_or_blame(run, match, history)) for run, match in going]
        Run.objects.bulk_create(self.runs)
        rows = [self._step(run, event, rule, step) for run, (event, rule, _), steps in planned for step in steps]
        Step.objects.bulk_create(rows)
        void = supersede([(run, event) for run, (event, _, _) in going])
        return [
            row
            for row in rows
            if row.state == Step.State.PENDING and not row.waiting_for and row.due_at <= self.now and row.pk not in void
        ]

    def _plan_or_blame(self, run: Run, match: Match, history: History) -> tuple[PlannedStep, ...]:
        """Plan a match; if its rule cannot be planned, the rule is to blame and the other rules go on."""
        try:
            return self._plan(match, history)
        except Exception as error:
            _, rule, _ = match
            logger.exception("a match could not be planned", extra={"rule": rule.id, "code": type(error).__name__})
            self.blamed[rule.id] = self.blamed.get(rule.id, 0) + 1
            text = f"Its steps could not be planned ({type(error).__name__})."
            run.outcome, run.reason, run.reason_text = Run.Outcome.ERROR, "rule_broken", text
            return ()

    def _plan(self, match: Match, history: History) -> tuple[PlannedStep, ...]:
        event, rule, _ = match
        values = self.anchors.get((event.subject_type, event.subject_id), {})
        return plan(
            rule.id,
            rule.spec,
            event.pk,
            self.facts(event),
            catalog,
            now=self.now,
            anchors=values,
            happened=history.happened(event, rule),
            appointment_starts_at=begins_at(event.subject_type, values),
            named=in_english,
            stopped_by=history.stopped_by(event, rule),
            hold=HOLDS.get(Rule.Mode(rule.mode)) or self._over.get((event.pk, rule.id)),
        )

    def _step(self, run: Run, event: Event, rule: CompiledRule, planned: PlannedStep) -> Step:
        ended = planned.state not in Step.OPEN
        return Step(
            clinic_id=event.clinic_id,
            run=run,
            rule_id=rule.id,
            patient_id=event.patient_id,
            subject_type=event.subject_type,
            subject_id=event.subject_id,
            action_id=planned.action_id,
            action=planned.action,
            config=self._config(rule, planned.action_id),
            role=planned.role,
            due_at=planned.due_at,
            waiting_for=planned.waiting_for or "",
            not_after=planned.not_after,
            anchor=planned.anchor or "",
            stop_on=list(rule.stops),
            recheck=_rechecks(rule, planned.action),
            state=planned.state,
            reason=planned.reason_code,
            reason_text=planned.reason_text[:500],
            key=planned.key,
            finished_at=self.now if ended else None,
        )

    def _config(self, rule: CompiledRule, action_id: str) -> Any:
        """Return the action as it stands in the rule, for people to read; the executor reads the pinned version."""
        key = (rule.version_id, action_id)
        if key not in self._configs:
            for action in spec_to_json(rule.spec)["actions"]:
                self._configs[rule.version_id, action["id"]] = action
        return self._configs[key]


def _rechecks(rule: CompiledRule, action: str) -> bool:
    wanted = rule.spec.settings.recheck
    return catalog.actions[action].message if wanted is None else wanted


def _run(
    event: Event, rule_id: int, version: int | None, outcome: str, code: str, text: str, verdict: Any = None
) -> Run:
    return Run(
        clinic_id=event.clinic_id,
        event=event,
        rule_id=rule_id,
        version_id=version,
        patient_id=event.patient_id,
        outcome=outcome,
        reason=code,
        reason_text=text[:500],
        verdict=verdict,
    )
