"""Web push: what a delivery of this channel says, where it goes, and how that ended (docs/adr/0014-push.md).

A payload names the clinic and a page to open, nothing else: it passes through a company that has no contract with the
clinic, and lies on a locked screen.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from clinic.clock import now
from clinic.languages import spoken
from messaging import outside, vapid
from messaging.models import Delivery, Notification, PushSubscription
from messaging.policy import Outcome, Result
from messaging.purposes import Suppress
from messaging.recipients import Recipient
from messaging.text import Content, is_right_to_left, one_line

CHANNEL = "push"
LONGEST_LIFE = timedelta(hours=72)
LONGEST_WAIT = timedelta(hours=24)
GONE = (404, 410)
ASKED_TO_WAIT = (408, 425, 429)

logger = logging.getLogger(__name__)
_pages: dict[str, str] = {}


def register_page(kind: str, name: str) -> None:
    """Say which page (by the name of its address) opens for a "staff" or a "patient" who touches a notification."""
    _pages[kind] = name


@dataclass(frozen=True, slots=True)
class PushMessage:
    """One message to one browser."""

    subscription: PushSubscription
    payload: bytes
    topic: str
    ttl: int


def write(delivery: Delivery, reader: Recipient) -> Content | Suppress:
    """Say that there is a message, unless it has been read or taken back by now."""
    there = Notification.objects.filter(pk=delivery.context.get("notification"), clinic=delivery.clinic_id)
    if not there.filter(read_at=None, withdrawn_at=None).exists():
        return Suppress("nothing_to_say")
    with translation.override(spoken(reader.language, delivery.clinic.language)):
        text = one_line(gettext("You have a new message from %(clinic)s") % {"clinic": delivery.clinic.name})
    return Content(subject=text, text=text, html="", language=reader.language)


def subscription_of(delivery: Delivery, reader: Recipient) -> PushSubscription | None:
    """Return the browser a delivery goes to, if it still takes notifications for that person."""
    member = delivery.recipient
    if member is not None and not (member.is_active and member.user.is_active):
        return None
    owner = {"recipient": member} if member is not None else {"recipient": None, "patient": delivery.patient_id}
    rows = PushSubscription.objects.filter(pk=delivery.context.get("subscription"), clinic=delivery.clinic_id, **owner)
    found = rows.first()
    if found is not None and found.vapid_key not in vapid.public_keys():
        found.delete()  # nothing that is signed now counts there
        return None
    return found


def message(delivery: Delivery, subscription: PushSubscription, content: Content) -> PushMessage:
    """Make the message: the text, the page to open, and how a browser shows it."""
    page = _pages.get("staff" if delivery.recipient_id is not None else "patient")
    payload = {
        "title": content.subject,
        "url": reverse(page) if page else "/",
        "tag": f"clinic-{delivery.clinic_id}",
        "lang": content.language,
        "dir": "rtl" if is_right_to_left(content.language) else "ltr",
    }
    left = LONGEST_LIFE if delivery.not_after is None else delivery.not_after - now()
    return PushMessage(
        subscription=subscription,
        payload=json.dumps(payload, ensure_ascii=False).encode(),
        # A message of the same topic takes the place of one that still waits for the phone to be switched on.
        topic=f"clinic-{delivery.clinic_id}",
        ttl=max(0, int(min(left, LONGEST_LIFE).total_seconds())),
    )


def after_refusal(delivery: Delivery, *, bounced: bool) -> None:
    """Forget a browser that is no longer there. Nobody has to act: the notification lies inside the platform."""
    if bounced:
        gone = PushSubscription.objects.filter(pk=delivery.context.get("subscription"), clinic=delivery.clinic_id)
        gone.delete()
        logger.info("push subscription removed", extra={"delivery_id": delivery.pk})


# --- sending ---


class Pusher:
    """Posts messages; a push service that does not answer is left alone for the rest of the batch."""

    def __init__(self) -> None:
        self._silent: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing stays open between two messages."""

    def send(self, message: PushMessage, deadline: float) -> Outcome:
        """Send one message if that can begin before `deadline` (time.monotonic()). Never raises for the network."""
        endpoint = message.subscription.endpoint
        service = urlsplit(endpoint).netloc
        if time.monotonic() >= deadline or service in self._silent:
            return Outcome(Result.NOT_TRIED, "" if service not in self._silent else f"{service} did not answer.")
        signed = vapid.authorization(endpoint, message.subscription.vapid_key)
        if signed is None:
            return Outcome(Result.REFUSED, "The key it subscribed with is not used any more.", bounced=True)
        begun = time.monotonic()
        try:
            answer = outside.post(
                endpoint,
                encrypted(message.subscription, message.payload),
                {
                    "Authorization": signed,
                    "Content-Encoding": "aes128gcm",
                    "Content-Type": "application/octet-stream",
                    "TTL": str(message.ttl),
                    "Topic": message.topic,
                    "Urgency": "normal",
                },
                seconds=settings.PUSH_TIMEOUT,
                hosts=settings.PUSH_HOSTS,
            )
        except outside.NotAllowed as error:
            return Outcome(Result.REFUSED, str(error), bounced=True)
        except outside.NotSent as error:
            self._silent.add(service)
            return Outcome(Result.TEMPORARY, str(error), reason="unreachable")
        except outside.Lost as error:
            if time.monotonic() - begun > settings.PUSH_TIMEOUT / 2:
                self._silent.add(service)
            return Outcome(Result.UNKNOWN, str(error), reason="connection_lost")
        return judge(answer)


def encrypted(subscription: PushSubscription, payload: bytes) -> bytes:
    """Encrypt for one browser (RFC 8291)."""
    # Here, for it brings an HTTP client of its own: every process of ours would start a tenth of a second later.
    from pywebpush import WebPusher

    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
    body: bytes = pusher.encode(payload, "aes128gcm")["body"]
    return body


def judge(answer: outside.Answer) -> Outcome:
    """Say what a push service's answer means."""
    words = f"{answer.status} {answer.text}".strip()
    if 200 <= answer.status < 300:
        return Outcome(Result.SENT)
    if answer.status in ASKED_TO_WAIT or answer.status >= 500:
        return Outcome(Result.TEMPORARY, words, wait=waiting_time(answer.retry_after))
    return Outcome(Result.REFUSED, words, bounced=answer.status in GONE)


def waiting_time(header: str) -> timedelta | None:
    """Read Retry-After, seconds or a date; None for none, and never more than LONGEST_WAIT."""
    if header.isascii() and header.isdigit():
        seconds = min(float(header[:9]), LONGEST_WAIT.total_seconds())
        return timedelta(seconds=seconds)
    try:
        moment: Any = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - datetime.now(UTC), timedelta(0)), LONGEST_WAIT)
