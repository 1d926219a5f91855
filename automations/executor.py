"""Due steps → effects, each with its "done" in one transaction. Nothing here touches the network."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import Error, transaction

from automations import claims, outcomes, stopping
from automations.duties import Duty, Known, duties_of, load
from automations.engine.declare import catalog
from automations.engine.values import EffectError
from automations.gates import closed_gate
from automations.models import Step
from automations.outcomes import Outcome
from automations.pauses import paused
from clinic.changes import origin

BATCH = 200

logger = logging.getLogger(__name__)


def execute_batch(limit: int = BATCH) -> int:
    """Claim due steps and carry them out; return how many reached an outcome.

    First attempts run together; a step that was claimed before runs alone, so that whatever went wrong with it takes
    nobody along.
    """
    claimed = claims.claim(claims.STEPS, limit)
    return sum(_attempt(batch) for batch in claims.batches("automations_step", claimed))


def _attempt(batch: dict[int, int]) -> int:
    if claims.worn_out(batch):
        outcomes.give_up(next(iter(batch)))
        return 0
    try:
        with transaction.atomic(), origin("tick"):
            return _execute(batch)
    except Error as error:
        if claims.is_retriable(error):
            claims.unclaim("automations_step", list(batch))
        else:
            _failed_whole(batch, error)
    except Exception as error:
        _failed_whole(batch, error)
    return 0


def _failed_whole(batch: dict[int, int], error: Exception) -> None:
    """Record that a batch's transaction broke: alone, the step itself failed; together, each is tried alone."""
    logger.exception("a batch of steps broke", extra={"count": len(batch), "code": type(error).__name__})
    if len(batch) > 1:
        claims.release("automations_step", list(batch))
        return
    for pk, attempts in batch.items():
        outcomes.record_failure(pk, attempts, error)


def _execute(batch: dict[int, int]) -> int:
    duties, busy = load(batch)
    claims.unclaim("automations_step", busy)
    return carry_out(duties)


def carry_out(duties: Sequence[Duty]) -> int:
    """Perform duties whose patients are locked and write what became of them; return how many reached an outcome."""
    results: dict[int, Outcome] = {}
    ready: list[Duty] = []
    for duty in duties:
        gate = closed_gate(duty)
        if gate is None:
            ready.append(duty)
        else:
            results[duty.step.pk] = gate
    before = stopping.closings()
    for layer in _layers(ready):
        # An action may stop steps of the same batch: a form that is cancelled, a rule that is stopped.
        going = layer if stopping.closings() == before else _still_pending(layer)
        if going:
            results.update(_perform_group(going))
    acted_and_stopped = [] if stopping.closings() == before else _stopped_after_acting(results)
    outcomes.write(duties, results)
    stopping.close(acted_and_stopped, "", "")
    return len(results)


def _stopped_after_acting(results: Mapping[int, Outcome]) -> list[tuple[int, str, str]]:
    """Open again what was stopped in this batch after it had acted, so that it ends as done; what it sent is void."""
    done = [pk for pk, outcome in results.items() if outcome.state == Step.State.DONE]
    rows = Step.objects.filter(pk__in=done, state=Step.State.CANCELLED)
    found = [(pk, action, str(Step.State.DONE)) for pk, action in rows.values_list("pk", "action")]
    if found:
        rows.update(state=Step.State.PENDING, reason="", reason_text="", finished_at=None)
    return found


def _still_pending(duties: list[Duty]) -> list[Duty]:
    rows = Step.objects.filter(pk__in=[duty.step.pk for duty in duties], state=Step.State.PENDING)
    pending = set(rows.order_by().values_list("pk", flat=True))
    return [duty for duty in duties if duty.step.pk in pending]


def execute_planned(steps: Sequence[Step], patients: Mapping[int, Any], known: Known) -> int:
    """Carry out steps that were planned as due already, in the transaction that plans them.

    It saves the claim and a second look at everything just read. Paused clinics, rules and patients keep theirs
    pending. An action that fails rolls back to its own savepoint and is tried again as any other step.
    """
    stopped = paused({step.clinic_id for step in steps})
    free = [s for s in steps if not stopped & {("clinic", s.clinic_id), ("rule", s.rule_id), ("patient", s.patient_id)}]
    for step in free:
        step.attempts = 1
    return carry_out(duties_of(free, patients, known)) if free else 0


def _layers(duties: Sequence[Duty]) -> Iterable[list[Duty]]:
    """Group by action, keeping each patient's steps in order: the first step of every patient, then the second, …"""
    seen: dict[int, int] = {}
    groups: dict[tuple[int, str], list[Duty]] = {}
    for duty in duties:
        rank = seen[duty.step.patient_id] = seen.get(duty.step.patient_id, -1) + 1
        groups.setdefault((rank, duty.context.action), []).append(duty)
    return [groups[key] for key in sorted(groups)]


def _perform_group(group: list[Duty]) -> dict[int, Outcome]:
    """Perform one action for many steps in one savepoint; if that fails, roll it back and go step by step."""
    try:
        with transaction.atomic():
            return _perform(group)
    except Exception as error:
        if claims.is_retriable(error):
            raise
        if len(group) == 1:
            return {group[0].step.pk: outcomes.failure(group[0], error)}
    results: dict[int, Outcome] = {}
    for duty in group:
        results.update(_perform_group([duty]))
    return results


def _perform(group: list[Duty]) -> dict[int, Outcome]:
    action = catalog.actions[group[0].context.action]
    contexts = [duty.context for duty in group]
    refusals = action.guard(contexts)
    results = {pk: outcomes.refused(refusal) for pk, refusal in refusals.items()}
    allowed = [context for context in contexts if context.id not in refusals]
    if allowed:
        effects = action.perform(allowed)
        for context in allowed:
            if context.id not in effects:
                raise EffectError(f"{context.action} gave no result for its step.", permanent=True)
            results[context.id] = outcomes.done(effects[context.id], context.reason)
    return results
