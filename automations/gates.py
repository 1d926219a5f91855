"""Ask of a due step whether it may still act. The answer is an outcome with its reason, or None: go ahead."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from automations.duties import Duty
from automations.engine.declare import catalog
from automations.engine.values import EventFacts, WaitFor
from automations.models import Step
from automations.naming import in_english
from automations.outcomes import Outcome
from automations.reasons import unmet
from automations.recheck import evaluate_again
from automations.stopping import planned_action

Gate = Outcome | None


def closed_gate(duty: Duty) -> Gate:
    """Return the first reason why the step must not act."""
    for gate in (_unusable, _waited_in_vain, _too_late, _patient_inactive, _recheck, _only_if):
        outcome = gate(duty)
        if outcome is not None:
            return outcome
    return None


def _skip(code: str, text: str) -> Outcome:
    return Outcome(Step.State.SKIPPED, code, text)


def _unusable(duty: Duty) -> Gate:
    if duty.action is None:
        return Outcome(Step.State.FAILED, "rule_broken", duty.problem, rule_error=True)
    if duty.action.type not in catalog.actions:
        text = f"The action {duty.action.type!r} does not exist (any more)."
        return Outcome(Step.State.FAILED, "rule_broken", text, rule_error=True)
    return None


def _waited_in_vain(duty: Duty) -> Gate:
    if not duty.step.waiting_for:
        return None
    planned = planned_action(duty.step)  # a newer wording may have no wait, or another: its time is not the step's
    timing = planned.timing if planned else None
    if isinstance(timing, WaitFor) and timing.otherwise == "task":
        return None
    return _skip("too_late", f"“{in_english(duty.step.waiting_for)}” did not happen in time.")


def _too_late(duty: Duty) -> Gate:
    limit, moment = duty.step.not_after, duty.context.now
    if limit is None or duty.step.waiting_for:
        return None
    if limit <= moment:
        return Outcome(Step.State.EXPIRED, "too_late", f"It was of use until {limit:%Y-%m-%d %H:%M} UTC only.")
    if duty.context.not_before is not None and duty.context.not_before > limit:
        return Outcome(Step.State.EXPIRED, "too_late", f"It may not leave before {limit:%Y-%m-%d %H:%M} UTC.")
    return None


def _patient_inactive(duty: Duty) -> Gate:
    return None if duty.patient.is_active else _skip("patient_inactive", "The patient is not in care here any more.")


def _facts(duty: Duty) -> EventFacts:
    event = duty.step.run.event
    return EventFacts(event.trigger, event.occurred_at, ZoneInfo(duty.step.clinic.time_zone), event.facts)


def _recheck(duty: Duty) -> Gate:
    if not duty.step.recheck or duty.spec is None:
        return None
    verdict = evaluate_again(duty.spec.conditions, _facts(duty), duty.fresh, duty.context.now)
    if verdict.result is True:
        return None
    return _skip("recheck_failed", unmet(verdict, duty.step.clinic_id))


def _only_if(duty: Duty) -> Gate:
    if duty.action is None or duty.action.only_if is None:
        return None
    verdict = evaluate_again(duty.action.only_if, _facts(duty), duty.fresh, duty.context.now)
    return None if verdict.result is True else _skip("only_if_false", unmet(verdict, duty.step.clinic_id))
