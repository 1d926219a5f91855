"""What a batch of deliveries needs, read together: the widest query of sending, and the same for every message.

A batch takes as long as its mail server likes, so only what may be some moments old is taken from here: the wording
and the clinic. What may call a message off, and whether its patient or its reader has changed since, is asked for each
message right before it leaves; the rest is read again after two seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import models

from messaging import leases
from messaging.leases import Held
from messaging.models import Delivery
from messaging.recipients import RELATED

FRESH_SECONDS = 2.0


class RowVersion(models.Func):
    """Which version of its row a column is read from: PostgreSQL's xmin, another one after every change."""

    output_field = models.CharField()

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Name the system column of the table that the given column belongs to."""
        [column] = self.get_source_expressions()
        return f"{compiler.quote_name_unless_alias(column.alias)}.xmin::text", []


VERSIONS = {
    "patient_version": RowVersion("patient__created_at"),
    "contact_version": RowVersion("contact__created_at"),
    "member_version": RowVersion("recipient__created_at"),
    "user_version": RowVersion("recipient__user__email"),
}
"""The people of a delivery, each by a column that needs its table to be joined."""


class Shelf:
    """The deliveries of a claimed batch with all that belongs to them."""

    def __init__(self, batch: Sequence[Held]) -> None:
        self._waiting = {held.pk: held for held in batch}
        self._rows: dict[int, Delivery] = {}
        self._read_at = -FRESH_SECONDS

    def take(self, held: Held) -> tuple[Delivery | None, bool]:
        """Return the delivery, or None if this process holds it no more; and whether a stop switch stands over it."""
        is_paused = models.ExpressionWrapper(leases.paused(), models.BooleanField())
        mine = leases.mine(held).annotate(is_paused=is_paused, **VERSIONS)
        now_so = mine.values_list("is_paused", "withdraw_asked_at", *VERSIONS).first()
        if now_so is None:
            return None, False
        is_paused, withdraw_asked_at, *versions = now_so
        row = self._row(held)
        if row is not None and [getattr(row, name) for name in VERSIONS] != versions:
            self._read([held])
            row = self._rows.get(held.pk)
        if row is not None:
            row.withdraw_asked_at = withdraw_asked_at
        return row, is_paused

    def _row(self, held: Held) -> Delivery | None:
        self._waiting.pop(held.pk, None)
        if time.monotonic() - self._read_at >= FRESH_SECONDS:
            self._rows.clear()
            self._read_at = time.monotonic()
            self._read([held, *self._waiting.values()])
        return self._rows.get(held.pk)

    def _read(self, many: Sequence[Held]) -> None:
        numbers = {held.pk: held.number for held in many}
        rows = Delivery.objects.filter(pk__in=numbers, state=Delivery.State.SENDING).order_by().annotate(**VERSIONS)
        rows = rows.select_related(*RELATED).prefetch_related("template__bodies")
        self._rows |= {row.pk: row for row in rows if row.attempts == numbers[row.pk]}
