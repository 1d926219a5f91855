"""Idempotency-Key: the same request sent again gets the first answer, and has no second effect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts import audit
from accounts.actor import current
from accounts.models import IdempotencyRecord
from accounts.tokens import real_now
from clinic.api.problems import ProblemError

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
MAX_KEY = 255
KEPT_HEADERS = ("ETag", "Location")
SWEPT = 500
LOCK_SPACE = 0x61706969  # "apii": advisory locks of this module


def key_of(request: Request) -> str:
    """Return the key that the client sent, or "". Raises ProblemError for one that is none."""
    key = request.headers.get(HEADER, "")
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        message = _("Send an Idempotency-Key of at most %(most)d printable ASCII characters.") % {"most": MAX_KEY}
        raise ProblemError(400, message, code="idempotency_key")
    return key.strip()


def fingerprint_of(request: Request, raw: bytes) -> str:
    """Return what tells this request from another one: method, address and the body's bytes."""
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + raw).hexdigest()


class Once:
    """One keyed request of one caller at one clinic."""

    def __init__(self, clinic: Any, key: str, fingerprint: str) -> None:
        actor = current()
        self.clinic, self.key, self.fingerprint = clinic, key, fingerprint
        self.caller = f"{actor.kind}:{actor.id}"
        digest = hashlib.sha256(f"{clinic.pk}\0{self.caller}\0{key}".encode()).digest()
        self.lock = int.from_bytes(digest[:4], "big", signed=True)

    def earlier(self) -> HttpResponse | None:
        """Return the answer given before, if there was one. Raises ProblemError if it was another request's."""
        rows = IdempotencyRecord.objects.for_clinic(self.clinic).filter(caller=self.caller, key=self.key)
        kept: IdempotencyRecord | None = rows.filter(expires_at__gt=real_now()).first()
        if kept is None:
            rows.delete()
            return None
        if kept.fingerprint != self.fingerprint:
            message = _("This Idempotency-Key was used for another request. Use a new key for a new request.")
            raise ProblemError(409, message, code="idempotency_key_reused")
        audit.record("api.answered_again", clinic_id=self.clinic.pk, detail={"status": kept.status})
        answer = HttpResponse(kept.body, status=kept.status, content_type=kept.content_type)
        for name, value in {**kept.headers, "Idempotent-Replayed": "true"}.items():
            answer[name] = value
        return answer

    def keep(self, answer: Any) -> None:
        """Keep a rendered answer for a day, and let some that are older go."""
        IdempotencyRecord.objects.create(
            clinic=self.clinic,
            caller=self.caller,
            key=self.key,
            fingerprint=self.fingerprint,
            status=answer.status_code,
            content_type=answer["Content-Type"],
            headers={name: answer[name] for name in KEPT_HEADERS if name in answer},
            body=answer.content.decode(),
            expires_at=real_now() + KEPT,
        )
        old = IdempotencyRecord.objects.for_clinic(self.clinic).filter(expires_at__lte=real_now())
        IdempotencyRecord.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SWEPT])).delete()

    def held_in_transaction(self) -> None:
        """Wait until no other request of this key runs; held until the transaction ends."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, self.lock])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the key over several transactions."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_SPACE, self.lock])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, self.lock])


Answering = Callable[[], HttpResponseBase]


def once(clinic: Any, key: str, fingerprint: str, answer: Answering, *, whole: bool) -> HttpResponseBase:
    """Give the earlier answer, or answer now and keep that. `answer` returns rendered answers, refusals included.

    `whole`: effect and kept answer are one transaction. Otherwise (bulk, whose lines commit by themselves and can be
    sent again safely) the answer is kept at the end.
    """
    request = Once(clinic, key, fingerprint)
    if whole:
        with transaction.atomic():
            request.held_in_transaction()
            return request.earlier() or _answered(request, answer)
    with request.held():
        return request.earlier() or _answered(request, answer)


def _answered(request: Once, answer: Answering) -> HttpResponseBase:
    given = answer()
    if given.status_code < 500:
        request.keep(given)
    return given
