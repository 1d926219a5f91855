"""New events → runs and steps: facts of a whole batch in a few queries, pure evaluation, rows in bulk."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import Error, connection, transaction

from automations import claims
from automations.answers import Answers
from automations.compiled import ClinicRules, rules_of
from automations.duties import Known
from automations.executor import execute_planned
from automations.facts import Ask, plain_asks, read_events
from automations.models import Event
from automations.modes import settle_after_commit
from clinic.changes import origin

BATCH = 300

logger = logging.getLogger(__name__)

WRITE = """
UPDATE automations_event AS e SET state = 'matched', facts = v.facts, lease_until = NULL
  FROM jsonb_to_recordset(%s::jsonb) AS v(id bigint, facts jsonb) WHERE e.id = v.id
"""


def match_batch(limit: int = BATCH) -> int:
    """Claim new events and answer them; return how many were matched.

    First attempts run together; an event that was claimed before runs alone.
    """
    claimed = claims.claim(claims.EVENTS, limit)
    return sum(_attempt(batch) for batch in claims.batches("automations_event", claimed))


def _attempt(batch: dict[int, int]) -> int:
    if claims.worn_out(batch):
        _give_up(batch, "its worker died each time")
        return 0
    try:
        with transaction.atomic(), origin("tick"):
            return _match(batch)
    except Error as error:
        if claims.is_retriable(error):
            claims.unclaim("automations_event", list(batch))
        else:
            _failed(batch, error)
    except Exception as error:
        _failed(batch, error)
    return 0


def _failed(batch: dict[int, int], error: Exception) -> None:
    """Record that a batch could not be matched: together, each is tried alone; alone, later and at most ten times."""
    logger.exception("events could not be matched", extra={"count": len(batch), "code": type(error).__name__})
    if len(batch) > 1:
        claims.release("automations_event", list(batch))
        return
    for pk, attempts in batch.items():
        if attempts >= claims.MAX_ATTEMPTS:
            _give_up(batch, type(error).__name__)
        else:
            claims.release("automations_event", [pk], claims.backoff(attempts))


def _give_up(batch: dict[int, int], why: str) -> None:
    """Take events that cannot be matched out of the way; what was matched after all (a lost answer) stays matched."""
    text = f"Given up after {claims.MAX_ATTEMPTS} attempts: {why}."
    logger.error("events were given up", extra={"code": "given_up", "count": len(batch)})
    Event.objects.filter(pk__in=batch, state=Event.State.NEW).update(state=Event.State.DEAD, last_error=text)


def _match(batch: dict[int, int]) -> int:
    events, patients = _lock(batch)
    if not events:
        return 0
    clinics = {
        c.pk: c for c in apps.get_model("accounts", "Clinic").objects.filter(pk__in={e.clinic_id for e in events})
    }
    rules = {pk: rules_of(pk, clinic.rules_epoch) for pk, clinic in clinics.items()}
    facts = read_events(events, _asks(events, rules))
    for event in events:
        event.facts = facts[event.pk] | event.facts  # what an earlier match has seen stays as it was
    answers = Answers(events, clinics, rules)
    due = answers.write()
    _finish(events)
    # An event that was claimed before is matched alone and nothing more: whatever broke may have been an action.
    if due and max(batch.values()) == 1:
        execute_planned(due, patients, Known(answers.now, clinics, answers.anchors))
    settle_after_commit(answers.blamed, unusable=answers.unusable, capped=answers.capped)
    return len(events)


def _lock(batch: dict[int, int]) -> tuple[list[Event], dict[int, Any]]:
    """Lock the patients that nobody else holds and return their claimed events, each patient's in order.

    Events of a held patient, and those behind an earlier event that somebody else has claimed, are given back.
    """
    manager = apps.get_model("patients", "Patient")._base_manager
    wanted = Event.objects.filter(pk__in=batch).order_by().values("patient_id")
    rows = manager.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True, skip_locked=True)
    held = {patient.pk: patient for patient in rows}
    ours, back = [], []
    blocked: set[int] = set()
    waiting = Event.objects.filter(patient_id__in=held, state=Event.State.NEW).order_by("pk")
    for event in waiting.filter(pk__lte=max(batch)):
        if batch.get(event.pk) != event.attempts:
            blocked.add(event.patient_id)
        elif event.patient_id in blocked:
            back.append(event.pk)
        else:
            ours.append(event)
    busy = Event.objects.filter(pk__in=batch, state=Event.State.NEW).exclude(patient_id__in=held)
    claims.unclaim("automations_event", [*back, *busy.values_list("pk", flat=True)] if len(ours) < len(batch) else back)
    return ours, held


def _asks(events: Sequence[Event], rules: Mapping[int, ClinicRules]) -> dict[int, Sequence[Ask]]:
    """Return what is asked of each event: one list for all events of a clinic and trigger."""
    shared: dict[tuple[int, str], Sequence[Ask]] = {}
    for clinic_id, trigger in {(event.clinic_id, event.trigger) for event in events}:
        shared[clinic_id, trigger] = [*plain_asks(trigger), *rules[clinic_id].asks.get(trigger, {}).values()]
    return {event.pk: shared[event.clinic_id, event.trigger] for event in events}


def _finish(events: Sequence[Event]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [json.dumps([{"id": event.pk, "facts": event.facts} for event in events])])
