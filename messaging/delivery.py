"""Let queued messages leave the house, and write down honestly how that ended (docs/architecture.md).

For each: take it (leases.claim, committed), look again whether it may still leave, keep its text and address, begin the
attempt (committed), talk to the server with no lock held, and write the outcome, if the lease is still ours. What
differs by channel stands in WAYS.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from clinic.clock import ClinicNow, now
from messaging import followup, leases, policy, push, unsubscribe
from messaging.leases import Held
from messaging.liquid import TextError
from messaging.models import Delivery, DeliveryAttempt
from messaging.policy import Outcome, Result
from messaging.postman import Postman
from messaging.purposes import Suppress, content_of, is_asked_for, renew
from messaging.recipients import Recipient, reader_of
from messaging.sealed import unsealed
from messaging.shelf import Shelf
from messaging.text import Content, one_line
from messaging.transport import Mailer
from patients.consents import agreed, unwanted

BATCH = 20
MOST_SECONDS = 50.0
"""A drain ends after this, between two messages; the next wake-up or tick goes on."""
KEEP_TRYING_SECONDS = 20.0

State = Delivery.State
logger = logging.getLogger(__name__)


def drain_due(now: datetime | None = None, *, seconds: float = MOST_SECONDS) -> int:
    """Send what is due and return how many deliveries that moved on.

    `now` (default: the clinic's clock) is the moment at which due is judged. If no mail server answers, it ends with
    what else is in hand.
    """
    started = time.monotonic()
    count = leases.reap()
    with Postman() as postman:
        while time.monotonic() - started < seconds:
            batch = leases.claim(BATCH, now)
            if not batch:
                break
            unreachable: set[str] = set()
            shelf = Shelf(batch)
            for position, held in enumerate(batch):
                if held.channel in unreachable:
                    leases.release([held])
                    continue
                if _deliver(held, postman, shelf) is Result.UNREACHABLE:
                    unreachable.add(held.channel)
                count += 1
                if time.monotonic() - started >= seconds:
                    leases.release(batch[position + 1 :])
                    return count
            if unreachable:
                break
    return count


def _deliver(held: Held, postman: Postman | Mailer, shelf: Shelf | None = None) -> Result | None:
    """Carry one delivery as far as it comes; None if it did not come to a conversation."""
    try:
        prepared = _prepare(held, shelf)
    except Error:
        raise
    except Exception as error:
        logger.exception("a delivery could not be prepared", extra={"delivery_id": held.pk})
        _settle(held, Outcome(Result.NOT_TRIED, type(error).__name__, reason="error"))
        return None
    if prepared is None:
        return None
    message, deadline, untried = prepared
    outcome = postman.send(message, deadline)
    _insist(lambda: _settle(held, outcome))
    if outcome.result is Result.SENT and untried:
        followup.after_sent(held.pk)
    return outcome.result


def _prepare(held: Held, shelf: Shelf | None = None) -> tuple[Any, float, bool] | None:
    """Look again whether the delivery may leave: begin the attempt, or end it: None.

    Returns its message, until when it may be handed over, and whether the patient's address was never tried before.
    """
    delivery, is_paused = (shelf or Shelf([held])).take(held)
    if delivery is None:
        return None
    if is_paused:
        leases.release([held])
        return None
    renew(delivery)
    try:
        target, content = _judge(delivery)
    except TextError as error:
        _conclude(held, "rule_broken", str(error), State.FAILED)
        return None
    if isinstance(content, Suppress):
        _conclude(held, content.code, content.text)
        return None
    deadline = time.monotonic() + leases.seconds_until_dot()
    if not _begin(held, delivery, str(target), content):
        leases.release([held])  # called off or refused since; if the lease was lost this changes nothing
        return None
    untried = delivery.patient.email_status == delivery.patient.EmailStatus.UNTRIED
    return WAYS[delivery.channel].message(delivery, target, content), deadline, untried


def _judge(delivery: Delivery) -> tuple[Any, Content | Suppress]:
    """Return where the delivery goes and what it says, or why it must not leave. Raises TextError."""
    reader = reader_of(delivery)
    target = WAYS[delivery.channel].target(delivery, reader)
    if obstacle := _obstacle(delivery, reader, target):
        return target, obstacle
    if delivery.maybe_left and delivery.body_text:  # once more means the same again
        return target, Content(delivery.subject, delivery.body_text, delivery.body_html, delivery.language)
    return target, content_of(delivery, reader)


def _obstacle(delivery: Delivery, reader: Recipient, target: Any) -> Suppress | None:
    """Return why the delivery must not leave any more, if it must not."""
    if delivery.withdraw_asked_at is not None:
        return Suppress("stopped")
    if not delivery.patient.is_active:
        return Suppress("patient_inactive")
    if delivery.not_after is not None and delivery.not_after < now():
        return Suppress("too_late", delivery.last_error)
    asked_for = reader.is_staff or is_asked_for(delivery.purpose)
    if not asked_for and unwanted([(delivery.patient_id, delivery.category, delivery.channel)]):
        return Suppress("no_consent")
    if not target:
        return Suppress(WAYS[delivery.channel].missing)
    return None


def _begin(held: Held, delivery: Delivery, address: str, content: Content) -> bool:
    """Keep what is sent, renew the lease and log the attempt, unless it was called off, refused by now, or lost.

    Nor if it became one of another category since it was judged.
    """
    agreed_to = Q(recipient__isnull=False) | agreed("patient_id", "category", "channel")
    wanted = Q() if is_asked_for(delivery.purpose) else agreed_to
    with transaction.atomic():
        count = (
            leases.mine(held)
            .filter(wanted, withdraw_asked_at=None, category=delivery.category)
            .update(
                lease_until=leases.RealNow() + leases.lease_length(),
                address=address,
                language=content.language,
                subject=content.subject,
                body_text=content.text,
                body_html=content.html,
            )
        )
        if count:
            DeliveryAttempt.objects.create(
                clinic_id=delivery.clinic_id, delivery_id=held.pk, number=held.number, started_at=ClinicNow()
            )
    return bool(count)


def _message(delivery: Delivery, address: str, content: Content) -> EmailMultiAlternatives:
    """Make the email: text and HTML, and the headers of a machine that expects no out-of-office answers."""
    _name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    text, html = unsealed(delivery, content.text, content.html)  # from here on the secrets are in it
    text, html = unsubscribe.footed(delivery, content.language, text, html)
    message = EmailMultiAlternatives(
        subject=content.subject,
        body=text,
        from_email=formataddr((one_line(delivery.clinic.name), sender)),
        to=[address],
        headers={
            "Message-ID": delivery.message_id,
            "Date": format_datetime(now()),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Content-Language": content.language,
            **unsubscribe.headers(delivery),
        },
    )
    message.attach_alternative(html, "text/html")
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is different about a channel.

    `target`: where a delivery goes to, falsy if nowhere (then it is suppressed as `missing`); written down as text.
    `message`: what its carrier takes. `follow_ups`: what people have to do about one that must not leave, by reason.
    """

    target: Callable[[Delivery, Recipient], Any]
    missing: str
    message: Callable[[Delivery, Any, Content], Any]
    after_refusal: Callable[..., None]
    follow_ups: Mapping[str, Callable[[Delivery], None]] = field(default_factory=dict)


WAYS: Mapping[str, Way] = {
    "email": Way(
        target=lambda _delivery, reader: reader.address,
        missing="no_address",
        message=_message,
        after_refusal=followup.after_refusal,
        follow_ups={"no_address": followup.after_no_address, "no_consent": followup.after_no_consent},
    ),
    push.CHANNEL: Way(
        target=push.subscription_of,
        missing="unsubscribed",
        message=push.message,
        after_refusal=push.after_refusal,
    ),
}


def _settle(held: Held, outcome: Outcome) -> None:
    """Write how an attempt ended. If the lease was lost, only its own line in the log: the newer state stands."""
    with transaction.atomic():
        if outcome.result is Result.REFUSED:  # a patient's record or task may follow, so the patient comes first
            followup.lock_patient_of(held.pk)
        row = leases.mine(held).select_for_update(no_key=True).first()
        DeliveryAttempt.objects.filter(delivery_id=held.pk, number=held.number).update(
            ended_at=ClinicNow(), outcome=outcome.result, answer=outcome.answer[:500]
        )
        if row is None:
            logger.warning("lease lost", extra={"delivery_id": held.pk, "attempt": held.number})
            return
        following = policy.decide(outcome, leases.past_of(row))
        leases.move_on(row, following, outcome.answer)
        if outcome.result is Result.REFUSED:
            WAYS[row.channel].after_refusal(row, bounced=outcome.bounced)
    logger.info("delivery moved on", extra={"delivery_id": held.pk, "state": following.state, "code": following.reason})


def _conclude(held: Held, code: str, text: str = "", state: str = State.SUPPRESSED) -> None:
    """End a delivery that must not leave."""
    follow_up = WAYS[held.channel].follow_ups.get(code)
    with transaction.atomic():
        if follow_up is not None:
            followup.lock_patient_of(held.pk)
        row = leases.mine(held).select_for_update(no_key=True).first()
        if row is None:
            return
        if state == State.SUPPRESSED and not _still(row, code):
            leases.release([held])
            return
        state = State.WITHDRAWN if code == "stopped" else state
        leases.move_on(row, policy.ended(state, code, leases.past_of(row)), text)
        if follow_up is not None:
            follow_up(row)
    logger.info("delivery ended", extra={"delivery_id": held.pk, "state": state, "code": code})


def _still(row: Delivery, code: str) -> bool:
    """Tell whether a locked delivery must not leave for that reason still: meanwhile it may have come to say more."""
    try:
        _target, found = _judge(row)
    except TextError:
        return False
    return isinstance(found, Suppress) and found.code == code


def _insist(write: Callable[[], Any]) -> None:
    """Write what the mail server said even if the database restarts just now: nobody else knows it."""
    until = time.monotonic() + KEEP_TRYING_SECONDS
    while True:
        try:
            write()
            return
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() >= until:
                raise
            connection.close()
            time.sleep(0.5)
