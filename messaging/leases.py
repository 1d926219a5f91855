"""Who may send which delivery, and for how long: claims, leases, and what becomes of a lease that ran out.

A lease is about processes, so it runs on real time, also where a demo moves the clinic's clock. Claims lock the patient
and the delivery with SKIP LOCKED: they never wait, so they cannot deadlock with a writer, and a delivery that a
transaction is just calling off is not taken (docs/architecture.md).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from accounts.models import Pause
from clinic.clock import ClinicNow
from messaging import policy
from messaging.models import Delivery, DeliveryAttempt

State = Delivery.State

REST_SECONDS = 5
"""How long a delivery rests that was given back because the mail server cannot be reached."""


class RealNow(models.Func):
    """The database's own clock, whatever the clinic's says."""

    template = "clock_timestamp()"
    output_field = models.DateTimeField()


def lease_length() -> timedelta:
    """Return how long one message may take; four waits for the server fit into it."""
    return timedelta(seconds=4 * settings.EMAIL_TIMEOUT + 30)


def seconds_until_dot() -> float:
    """Return how many seconds after its lease began a message may still be handed over, its answer awaited."""
    return lease_length().total_seconds() - settings.EMAIL_TIMEOUT - 10


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery and the number of the attempt that this process may make; a newer number means it lost the lease."""

    pk: int
    number: int
    channel: str = "email"


CLAIM = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM {delivery} d
    JOIN {patient} p ON p.id = d.patient_id
    LEFT JOIN {step} s ON s.id = d.source_step_id
    WHERE d.state IN ('queued', 'retry') AND d.not_before <= (SELECT coalesce(%(now)s, clinic_now()))
      AND NOT EXISTS (
        SELECT 1 FROM {pause} z WHERE z.clinic_id = d.clinic_id AND z.ended_at IS NULL
          AND (z.scope = 'clinic' OR (z.scope = 'patient' AND z.target_id = d.patient_id)
               OR (z.scope = 'rule' AND z.target_id = s.rule_id AND d.on_behalf_of IS NULL)))
      AND NOT (d.on_behalf_of IS NOT NULL AND d.on_behalf_of <> '{{}}' AND d.on_behalf_of <@ ARRAY(
        SELECT z.target_id FROM {pause} z
        WHERE z.clinic_id = d.clinic_id AND z.ended_at IS NULL AND z.scope = 'rule'))
    ORDER BY d.not_before, d.id LIMIT %(limit)s
    FOR NO KEY UPDATE OF d, p SKIP LOCKED)
UPDATE {delivery} d SET state = 'sending', attempts = d.attempts + 1, lease_until = clock_timestamp() + %(lease)s
FROM due WHERE d.id = due.id RETURNING d.id, d.attempts, d.channel, d.not_before
"""


def _tables() -> dict[str, str]:
    named: dict[str, type[models.Model]] = {
        "delivery": Delivery,
        "patient": apps.get_model("patients", "Patient"),
        "step": apps.get_model("automations", "Step"),
        "pause": Pause,
    }
    return {name: connection.ops.quote_name(model._meta.db_table) for name, model in named.items()}


def claim(limit: int, now: datetime | None = None) -> list[Held]:
    """Take due deliveries for sending, earliest first; one statement, committed before anything leaves.

    Paused clinics, patients and rules (see `paused`), and patients whose records somebody is changing, are left for
    later.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        given: dict[str, Any] = {"now": now, "limit": limit, "lease": lease_length()}
        cursor.execute(CLAIM.format(**_tables()), given)
        rows = sorted(cursor.fetchall(), key=lambda row: (row[3], row[0]))
    return [Held(pk, number, channel) for pk, number, channel, _not_before in rows]


def standing() -> models.QuerySet[Pause]:
    """Return, inside a query over deliveries or notifications, the stop switches that stand over the row around.

    A rule's is found by the step that made the row (see `paused` for deliveries that stand for several).
    """
    of_rule = Q(scope=Pause.Scope.RULE, target_id=OuterRef("source_step__rule_id"))
    return _switches().filter(_OVER_ANYTHING | of_rule)


_OVER_ANYTHING = Q(scope=Pause.Scope.CLINIC) | Q(scope=Pause.Scope.PATIENT, target_id=OuterRef("patient_id"))


def _switches() -> models.QuerySet[Pause]:
    return Pause.objects.filter(clinic_id=OuterRef("clinic_id"), ended_at=None)


def paused() -> Q:
    """Return the condition that a stop switch stands over a delivery: a rule's if over all that it stands for."""
    rules = ArraySubquery(_switches().filter(scope=Pause.Scope.RULE).values("target_id"))
    all_paused = Q(on_behalf_of__len__gt=0, on_behalf_of__contained_by=rules)
    shared = Q(Exists(_switches().filter(_OVER_ANYTHING))) | all_paused
    return Q(Exists(standing()), on_behalf_of=None) | Q(shared, on_behalf_of__isnull=False)


def mine(held: Held) -> Any:
    """Return the row if this process still holds it."""
    return Delivery.objects.filter(pk=held.pk, state=State.SENDING, attempts=held.number)


def release(many: Iterable[Held]) -> None:
    """Give back what was taken and not begun; it counts as not tried. What was called off meanwhile ends here.

    One statement a delivery: several rows at once could wait for each other in a wrong order.
    """
    called_off = Q(withdraw_asked_at__isnull=False)
    for held in many:
        mine(held).update(
            state=Case(
                When(called_off & Q(maybe_left=True), then=Value(State.UNKNOWN)),
                When(called_off, then=Value(State.WITHDRAWN)),
                When(attempts__gt=1, then=Value(State.RETRY)),
                default=Value(State.QUEUED),
            ),
            reason=Case(When(called_off, then=Value("stopped")), default=F("reason")),
            finished_at=Case(When(called_off, then=ClinicNow()), default=F("finished_at")),
            attempts=F("attempts") - 1,
            lease_until=None,
            not_before=ClinicNow() + timedelta(seconds=REST_SECONDS * random.random()),  # noqa: S311
        )


def past_of(row: Delivery) -> policy.Past:
    """Return what counts of a delivery's past when an attempt ends."""
    # "Sent" too: so says an attempt of a worker that woke after its lease, when the delivery was open again.
    may_have_left = (policy.Result.UNKNOWN, policy.Result.SENT)
    earlier = DeliveryAttempt.objects.filter(delivery=row, number__lt=row.attempts, outcome__in=may_have_left)
    return policy.Past(
        category=row.category,
        attempts=row.attempts - row.attempts_before,
        unknown_before=earlier.count() if row.maybe_left else 0,
        maybe_left=row.maybe_left,
        called_off=row.withdraw_asked_at is not None,
    )


def move_on(row: Delivery, following: policy.Next, answer: str = "") -> None:
    """Write what follows into a locked delivery that is being sent."""
    row.state, row.reason, row.maybe_left = following.state, following.reason, following.maybe_left
    row.lease_until = None
    if answer:
        row.last_error = answer[:500]
    if following.pause is not None:
        row.not_before = ClinicNow() + following.pause
    else:
        row.finished_at = ClinicNow()
    names = ["state", "reason", "maybe_left", "lease_until", "last_error", "not_before", "finished_at"]
    row.save(update_fields=[name for name in names if name != "not_before" or following.pause is not None])


def reap(limit: int = 100) -> int:
    """Decide about deliveries whose process died or stood still past its lease; return how many there were.

    Not begun: it waits again. Begun: it may have left, and so counts as unknown.
    """
    with transaction.atomic():
        lost = Delivery.objects.filter(state=State.SENDING, lease_until__lte=RealNow()).order_by("pk")
        rows = list(lost.select_for_update(no_key=True, skip_locked=True)[:limit])
        for row in rows:
            begun = DeliveryAttempt.objects.filter(delivery=row, number=row.attempts)
            result = policy.Result.UNKNOWN if begun.exists() else policy.Result.NOT_TRIED
            following = policy.decide(policy.Outcome(result, reason="worker_lost"), past_of(row))
            move_on(row, following)
            begun.filter(ended_at=None).update(ended_at=ClinicNow(), outcome=result, answer="worker_lost")
    return len(rows)
