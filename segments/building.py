"""Work out a whole segment: after it was defined, and again when time alone may have changed its answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import Error, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from automations import claims
from automations.engine.moments import shift_day, start_of_day
from clinic.asking import Earliest
from clinic.changes import origin
from clinic.clock import now
from clinic.db import lock_patients
from clinic.wakeups import wake
from segments import difference, refreshing
from segments.difference import Definition
from segments.models import DirtyPatient, Segment, SegmentMembership
from segments.refreshing import IN_SERVICE

CHUNK = 1_000
"""Patients whose membership is written in one transaction."""
LEASE = timedelta(seconds=60)
"""How long a worker may be silent before another takes its segment over."""
SMALL_CLINIC = 5_000
"""Up to so many patients a segment is built where it is defined; a larger clinic's is left to the workers."""

UNBUILT = ~Q(built_version=F("version"))


def drain() -> int:
    """Refresh marked patients and due segments until nothing is left; return how many patients and segments."""
    total = 0
    while count := refreshing.refresh_marked() + refresh_due():
        total += count
    return total


def refresh_due() -> int:
    """Build and sweep the segments that are due and that nobody else has taken; return how many."""
    return sum(refresh(pk) for pk in list(_due(now()).order_by("pk").values_list("pk", flat=True)))


def _due(moment: datetime) -> QuerySet[Segment]:
    free = Q(lease_until=None) | Q(lease_until__lte=moment)
    return Segment.objects.filter(IN_SERVICE, free, UNBUILT | Q(next_sweep_at__lte=moment))


next_due = Earliest(
    lambda: DirtyPatient.objects.values_list("created_at"),
    lambda: Segment.objects.filter(IN_SERVICE, UNBUILT).values_list(Coalesce("lease_until", "created_at")),
    lambda: Segment.objects.filter(IN_SERVICE, next_sweep_at__isnull=False).values_list(
        Greatest("next_sweep_at", "lease_until")
    ),
)
"""Return the moment at which there is something to refresh next."""


def oldest_due() -> datetime | None:
    """Return since when the oldest due refresh waits, for the health check."""
    moment = next_due()
    return moment if moment is not None and moment <= now() else None


def busy() -> bool:
    """Tell whether another process is in the middle of a segment."""
    return Segment.objects.filter(lease_until__gt=now()).exists()


def wake_sweep() -> None:
    """Tell a worker that there is a segment to build."""
    wake("sweep")


def refresh(segment_id: int) -> int:
    """Work out a whole segment, if it is due and nobody else is at it; return 1 if this got hold of it."""
    moment = now()
    if not _due(moment).filter(pk=segment_id).update(lease_until=moment + LEASE):
        return 0
    with origin("tick"):
        for one in refreshing.usable(Segment.objects.filter(pk=segment_id).select_related("clinic")):
            try:
                _whole(one, moment)
                return 1
            except Error as error:
                if not claims.is_retriable(error):
                    refreshing.set_aside(one.segment_id, one.version, f"{type(error).__name__}: {error}")
                    raise
                Segment.objects.filter(pk=segment_id).update(lease_until=None)
    return 0


def build_at_once(segment: Segment) -> None:
    """Build a segment in the transaction that defines it. The segment's row is locked by whoever calls."""
    for one in refreshing.usable([segment]):
        moment = now()
        patients = [row.patient_id for row in difference.crossings(one, moment)]
        lock_patients(patients)
        refreshing.bring_up_to_date(one, patients, moment, SegmentMembership.Reason.DEFINITION)
        _finish(one, moment)


def _whole(one: Definition, moment: datetime) -> None:
    """Compare once, then write in chunks of locked patients, each looked at again under its lock."""
    patients = [row.patient_id for row in difference.crossings(one, moment)]
    for start in range(0, len(patients), CHUNK):
        if not _chunk(one, patients[start : start + CHUNK]):
            return  # somebody edited it: what is left is the next build's
    _finish(one, moment)


def _chunk(one: Definition, patients: Sequence[int]) -> bool:
    with transaction.atomic():
        held = refreshing.hold(Segment.objects.filter(pk=one.segment_id))
        if not held or held[0].version != one.version:
            return False
        lock_patients(patients)
        causes = refreshing.known_causes(patients)
        work = partial(refreshing.bring_up_to_date, held[0], patients, now(), SegmentMembership.Reason.TIME, causes)
        refreshing.guarded(one, work)
    Segment.objects.filter(pk=one.segment_id, version=one.version).update(lease_until=now() + LEASE)
    return True


def _finish(one: Definition, moment: datetime) -> None:
    """Note that the segment was worked out as of a moment, and when it must be again."""
    due = next_sweep(one, moment) if one.depends_on_time else None
    rows = Segment.objects.filter(pk=one.segment_id, version=one.version)
    rows.update(built_version=one.version, next_sweep_at=due, lease_until=None)


def next_sweep(one: Definition, moment: datetime) -> datetime:
    """Return the next full hour, or the start of the clinic's next day if that comes first."""
    hour = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    tomorrow = shift_day(moment.astimezone(one.zone).date(), 1, "days")
    return min(hour, start_of_day(tomorrow, one.zone))
