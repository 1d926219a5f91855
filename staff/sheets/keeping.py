"""How long the cells of a spreadsheet are kept: until they are imported, the refused ones a while longer."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from clinic.asking import Earliest
from clinic.batches import CREATED, REFUSED, UNCHANGED, UPDATED
from clinic.clock import now
from staff.models import Sheet, SheetPart

KEPT = timedelta(days=7)
OUTCOMES = (CREATED, UPDATED, UNCHANGED, REFUSED)
MOST = 100


def keep_refused(part: SheetPart) -> None:
    """Let go of the rows that were taken into the records."""
    lines = {line for line, _header, _why in part.refused}
    part.rows = [row for row in part.rows if row[0] in lines]


def drain() -> int:
    """Let go of the cells of spreadsheets whose time is over; return how many spreadsheets that were."""
    with transaction.atomic():
        over = Sheet.objects.filter(expires_at__lte=now()).exclude(state=Sheet.State.GONE)
        ids = list(over.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:MOST])
        SheetPart.objects.filter(sheet__in=ids).delete()
        return Sheet.objects.filter(pk__in=ids).update(state=Sheet.State.GONE)


next_due = Earliest(lambda: Sheet.objects.exclude(state=Sheet.State.GONE).values_list("expires_at"))
"""Return when the next spreadsheet's time is over."""
