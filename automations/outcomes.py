"""What became of a step, as a value; and the one place that writes it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from automations.claims import MAX_ATTEMPTS, backoff
from automations.duties import Duty
from automations.engine.values import EffectError, Reason, Refusal
from automations.models import Step
from automations.modes import settle_after_commit
from clinic.clock import now

WRITE = """
UPDATE automations_step AS s
   SET state = v.state, reason = v.reason, reason_text = v.text, result = v.result,
       due_at = coalesce(v.due_at, s.due_at),
       lease_until = v.lease_until, attempts = v.attempts,
       finished_at = CASE WHEN v.state IN ('pending', 'held') THEN NULL ELSE clinic_now() END
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS v(id bigint, state text, reason text, text text, result jsonb,
       due_at timestamptz, lease_until timestamptz, attempts int)
 WHERE s.id = v.id AND s.state = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step's next state and why. `rule_error` counts towards the rule's quarantine."""

    state: str
    reason: str = ""
    text: str = ""
    result: Any = None
    due_at: datetime | None = None
    retry_after: float | None = None
    rule_error: bool = False


def done(result: Mapping[str, Any], reason: Reason | None = None) -> Outcome:
    """Say that the effect is written."""
    return Outcome(Step.State.DONE, reason.code if reason else "", reason.text if reason else "", dict(result))


def refused(refusal: Refusal) -> Outcome:
    """Say that the step must not act: never, or not before `retry_at`."""
    if refusal.retry_at is not None:
        return Outcome(Step.State.PENDING, refusal.code, refusal.text, due_at=refusal.retry_at)
    return Outcome(Step.State.SKIPPED, refusal.code, refusal.text)


def failure(duty: Duty, error: Exception) -> Outcome:
    """Decide what a failed effect means: try again later, or give up."""
    return _failure(duty.step.attempts, error)


def _failure(attempts: int, error: Exception) -> Outcome:
    known = isinstance(error, EffectError)
    # The words of an unexpected error may quote a patient's data; its type says enough, the log has the rest.
    text = error.message if isinstance(error, EffectError) else f"unexpected {type(error).__name__}"
    rule_error = isinstance(error, EffectError) and error.rule_error
    if (known and error.permanent) or attempts >= MAX_ATTEMPTS:  # type: ignore[attr-defined]
        return Outcome(Step.State.FAILED, "rule_broken" if rule_error else "failed", text[:500], rule_error=rule_error)
    return Outcome(Step.State.PENDING, "", text[:500], retry_after=backoff(attempts), rule_error=rule_error)


def record_failure(step_id: int, attempts: int, error: Exception) -> None:
    """Write the failure of a step whose whole transaction broke.

    Nobody holds the patient any more, so the step may have ended meanwhile: stopped by a writer, or done after all,
    if only the answer to its commit was lost. Then it stays as it is.
    """
    _write([(step_id, attempts, _failure(attempts, error))])


def give_up(step_id: int) -> None:
    """End a step that was tried ten times by workers of which none lived to say why it failed."""
    text = f"Given up after {MAX_ATTEMPTS} attempts: its worker died each time."
    _write([(step_id, MAX_ATTEMPTS, Outcome(Step.State.FAILED, "failed", text))])


def write(duties: Sequence[Duty], results: Mapping[int, Outcome]) -> None:
    """Write the outcomes of a batch, then what they mean for the rules."""
    if not results:
        return
    steps = {duty.step.pk: duty.step for duty in duties}
    _write([(pk, steps[pk].attempts, outcome) for pk, outcome in results.items()])
    blame: dict[int, int] = {}
    calm = set()
    for pk, outcome in results.items():
        rule = steps[pk].rule
        if outcome.rule_error:
            blame[rule.pk] = blame.get(rule.pk, 0) + 1
        elif outcome.state == Step.State.DONE and rule.error_streak:
            calm.add(rule.pk)
    settle_after_commit(blame, calm)


def _write(items: Sequence[tuple[int, int, Outcome]]) -> None:
    rows = [
        {
            "id": pk,
            "state": outcome.state,
            "reason": outcome.reason,
            "text": outcome.text[:500],
            "result": outcome.result,
            "due_at": outcome.due_at and outcome.due_at.isoformat(),
            "lease_until": _lease(outcome.retry_after),
            # A step put off to a later time starts again; only failures count towards giving up.
            "attempts": attempts if outcome.due_at is None else 0,
        }
        for pk, attempts, outcome in items
    ]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, {"rows": json.dumps(rows)})


def _lease(seconds: float | None) -> str | None:
    return None if seconds is None else (now() + timedelta(seconds=seconds)).isoformat()
