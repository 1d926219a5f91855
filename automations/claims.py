"""Claim work: a short lease for a batch in one statement, and `attempts + 1` committed before anything is tried.

So a crash counts. Claims join the patient with SKIP LOCKED and never wait, so they cannot deadlock with a writer.

First attempts are counted with the claim and run together. A row that was tried before runs alone, and is counted only
when its turn comes: what kills its worker must not use up the attempts of those that were claimed beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import uniform
from typing import Any, Literal

from django.db import OperationalError, connection

from clinic.clock import now

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 10
RETRIABLE = ("40001", "40P01", "55P03")
"""SQLSTATEs of serialisation failure, deadlock and lock timeout: the batch is tried again and nobody is to blame."""

EVENTS = """
WITH near AS MATERIALIZED (
        SELECT e.id, e.patient_id FROM automations_event e
         WHERE e.state = 'new' AND (e.lease_until IS NULL OR e.lease_until <= %(now)s) ORDER BY e.id LIMIT %(window)s),
     due AS MATERIALIZED (
        SELECT e.id, e.attempts FROM near JOIN automations_event e ON e.id = near.id
          JOIN patients_patient p ON p.id = near.patient_id
         WHERE e.state = 'new' AND (e.lease_until IS NULL OR e.lease_until <= %(now)s)
           AND NOT EXISTS (SELECT 1 FROM automations_event b WHERE b.patient_id = near.patient_id AND b.state = 'new'
                              AND b.id < near.id AND b.lease_until > %(now)s)
         ORDER BY e.id LIMIT %(limit)s FOR NO KEY UPDATE OF p, e SKIP LOCKED)
UPDATE automations_event AS work SET attempts = greatest(work.attempts, 1), lease_until = %(lease)s FROM due
 WHERE work.id = due.id RETURNING work.id, due.attempts
"""
STEPS = """
WITH near AS MATERIALIZED (
        SELECT s.id FROM automations_step s JOIN automations_rule r ON r.id = s.rule_id
         WHERE s.state = 'pending' AND s.due_at <= %(now)s AND (s.lease_until IS NULL OR s.lease_until <= %(now)s)
           AND r.mode IN ('on', 'review')
           AND NOT EXISTS (SELECT 1 FROM accounts_pause z WHERE z.clinic_id = s.clinic_id AND z.ended_at IS NULL
                              AND (z.scope = 'clinic' OR (z.scope = 'rule' AND z.target_id = s.rule_id)
                                   OR (z.scope = 'patient' AND z.target_id = s.patient_id)))
         ORDER BY s.due_at, s.id LIMIT %(window)s),
     due AS MATERIALIZED (
        SELECT s.id, s.attempts FROM near JOIN automations_step s ON s.id = near.id
          JOIN patients_patient p ON p.id = s.patient_id
         WHERE s.state = 'pending' AND s.due_at <= %(now)s AND (s.lease_until IS NULL OR s.lease_until <= %(now)s)
         ORDER BY s.due_at, s.id LIMIT %(limit)s FOR NO KEY UPDATE OF p, s SKIP LOCKED)
UPDATE automations_step AS work SET attempts = greatest(work.attempts, 1), lease_until = %(lease)s FROM due
 WHERE work.id = due.id RETURNING work.id, due.attempts
"""
WINDOW = 4
"""A claim looks at the oldest rows, this many times what it takes: a long queue costs no more than a short one."""
AGAIN = {
    "automations_event": "UPDATE automations_event SET attempts = attempts + 1, lease_until = %(lease)s"
    " WHERE id = %(id)s AND attempts = %(attempts)s AND state = 'new'",
    "automations_step": "UPDATE automations_step SET attempts = attempts + 1, lease_until = %(lease)s"
    " WHERE id = %(id)s AND attempts = %(attempts)s AND state = 'pending'",
}
UNCLAIM = {
    "automations_event": "UPDATE automations_event SET attempts = greatest(attempts - 1, 0), lease_until = NULL"
    " WHERE id = ANY(%s)",
    "automations_step": "UPDATE automations_step SET attempts = greatest(attempts - 1, 0), lease_until = NULL"
    " WHERE id = ANY(%s)",
}
RELEASE = {
    "automations_event": "UPDATE automations_event SET lease_until = %s WHERE id = ANY(%s)",
    "automations_step": "UPDATE automations_step SET lease_until = %s WHERE id = ANY(%s)",
}
Table = Literal["automations_event", "automations_step"]


def claim(statement: str, limit: int) -> dict[int, int]:
    """Claim up to `limit` rows and return their ids with the attempts made before. Must run outside a transaction.

    If somebody else holds the patients of all the oldest rows, the whole queue is looked through.
    """
    moment = now()
    given: dict[str, Any] = {"now": moment, "lease": moment + LEASE, "limit": limit}
    with connection.cursor() as cursor:
        for window in (WINDOW * limit, None):  # LIMIT NULL is none
            cursor.execute(statement, given | {"window": window})
            if claimed := dict(cursor.fetchall()):
                return claimed
    return {}


def batches(table: Table, claimed: dict[int, int]) -> Iterator[dict[int, int]]:
    """Yield what is tried at once, with the number of this attempt: the new ones together, then each of the others.

    Those tried least come first, so that one that kills its worker comes last.
    """
    if together := {pk: 1 for pk, before in claimed.items() if before == 0}:
        yield together
    for before, pk in sorted((before, pk) for pk, before in claimed.items() if before > 0):
        if _begin(table, pk, before):
            yield {pk: before + 1}


def _begin(table: Table, pk: int, before: int) -> bool:
    """Count one more attempt of a claimed row; False if somebody else was faster, our lease having run out."""
    with connection.cursor() as cursor:
        cursor.execute(AGAIN[table], {"id": pk, "attempts": before, "lease": now() + LEASE})
        return cursor.rowcount == 1


def worn_out(batch: dict[int, int]) -> bool:
    """Tell whether a row was tried so often, without anybody living to tell why it failed, that it is given up."""
    return len(batch) == 1 and max(batch.values()) > MAX_ATTEMPTS


def unclaim(table: Table, ids: list[int]) -> None:
    """Give rows back as if they had not been claimed: somebody else held the patient, or the database gave up."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(UNCLAIM[table], [ids])


def release(table: Table, ids: list[int], seconds: float = 0) -> None:
    """End the lease of rows whose attempt failed; they may be claimed again after `seconds`."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE[table], [now() + timedelta(seconds=seconds), ids])


def backoff(attempts: int) -> float:
    """Return the seconds to wait before the next attempt: exponential from one second to ten minutes, jittered."""
    return uniform(0.5, 1.0) * min(600.0, 2.0 ** (attempts - 1))  # noqa: S311 - jitter, not a secret


def is_retriable(error: BaseException) -> bool:
    """Tell whether the database asks to repeat the transaction (deadlock, serialisation, lock timeout)."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) in RETRIABLE
