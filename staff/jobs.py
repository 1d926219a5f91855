"""Long work that a person asked for: begun here, carried on by workers in short turns, cancelled by who asked.

A row in PostgreSQL is the job; Celery only says "look" (staff/tasks.py) and the tick is the floor. A kind of job is
registered with the function that does a turn of it. Each part of the work is written in one transaction together with
the progress; that transaction is refused if the job was cancelled or taken over meanwhile, so a part is never written
twice and a cancelled job writes nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic
from accounts.permissions import Role, allowed, membership_at, require
from clinic.clock import now
from clinic.errors import ImpossibleTransition, Refused
from clinic.wakeups import wake
from staff.models import Job, Sheet

LEASE = timedelta(seconds=30)
"""How long a worker may be silent before another takes its job over."""
TURN_SECONDS = 1.5
"""How long a job keeps its worker; then other work has its turn."""
State = Job.State


class Lost(Exception):
    """The job is no longer ours: it was cancelled, or another worker took it over."""


@dataclass(slots=True)
class Held:
    """A job that this process has claimed, until its time is up."""

    job: Job
    until: float

    @property
    def out_of_time(self) -> bool:
        """Tell whether the turn is over."""
        return time.monotonic() >= self.until

    @contextmanager
    def part(self, count: int = 0) -> Iterator[Job]:
        """Write one part in a transaction, together with `job.result`, `job.total` and `count` more done.

        Raises Lost, and nothing of the part is written, if the job is no longer ours.
        """
        with transaction.atomic():
            yield self.job
            self.job.done += count
            self.note(attempts=0)

    def note(self, **values: Any) -> None:
        """Keep how far the job is, and the lease. Raises Lost."""
        job = self.job
        self.write(done=job.done, total=job.total, result=job.result, lease_until=now() + LEASE, **values)

    def write(self, **values: Any) -> None:
        """Write columns of the job as long as it is ours. Raises Lost."""
        mine = Job.objects.filter(pk=self.job.pk, state=State.RUNNING, turn=self.job.turn)
        if not mine.update(**values):
            raise Lost


Work = Callable[[Held], datetime | bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    `work` does a turn: it returns True when all is done, False when there is more, or the moment to go on at. `look`
    sets how far a job is whose work others do. `cancelled` is called in the transaction that cancels, `failed` in the
    one that gives up.
    """

    key: str
    label: Any
    work: Work
    roles: tuple[str, ...] = (Role.CLINIC_ADMIN,)
    look: Callable[[Job], None] = lambda job: None
    cancelled: Callable[[Job], None] = lambda job: None
    failed: Callable[[Job], None] = lambda job: None


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Offer a kind of job (from `AppConfig.ready`)."""
    _kinds[kind.key] = kind


def kind_of(job: Job) -> Kind:
    """Return the kind of a job."""
    return _kinds[job.kind]


@transaction.atomic
def ask(*, clinic: Clinic, kind: str, title: str, total: int = 0, sheet: Sheet | None = None, **params: Any) -> Job:
    """Ask for long work; the workers take it up at once."""
    require(clinic, *_kinds[kind].roles)
    job = Job.objects.create(
        clinic=clinic,
        kind=kind,
        title=title[:250],
        total=total,
        sheet=sheet,
        params=params,
        asked_by=membership_at(clinic),
    )
    job.refresh_from_db(fields=["next_at"])
    audit.record("job.asked", obj=job, detail={"kind": kind})
    transaction.on_commit(lambda: wake("jobs"))
    return job


@transaction.atomic
def cancel(job: Job) -> Job:
    """Do nothing more of it; what is written stays. Cancelled already: nothing happens."""
    stored: Job = Job.objects.select_for_update(no_key=True, of=("self",)).select_related("clinic").get(pk=job.pk)
    _require_owner(stored)
    if stored.state == State.CANCELLED:
        return stored
    if not stored.is_open:
        raise ImpossibleTransition(str(stored._meta.verbose_name), stored.get_state_display(), str(_("cancelled")))
    stored.state, stored.finished_at, stored.lease_until = State.CANCELLED, now(), None
    stored.save(update_fields=["state", "finished_at", "lease_until"])
    kind_of(stored).cancelled(stored)
    audit.record("job.cancelled", obj=stored, detail={"kind": stored.kind, "done": stored.done})
    return stored


def _require_owner(job: Job) -> None:
    member = membership_at(job.clinic_id)
    if allowed(job.clinic_id, Role.CLINIC_ADMIN) or (member is not None and member.pk == job.asked_by_id):
        return
    raise Refused(_("Whoever asked for it, or a clinic admin, may cancel it."), code="forbidden")


def visible(clinic: Clinic) -> QuerySet[Job]:
    """Return the jobs that the acting person may see: their own, all of the clinic for an admin.

    The front desk sees those of spreadsheets too, which are the desk's and not one person's.
    """
    rows = Job.objects.filter(clinic=clinic).select_related("asked_by", "sheet")
    if allowed(clinic, Role.CLINIC_ADMIN):
        return rows
    member = membership_at(clinic)
    if member is None:
        return rows.none()
    own = Q(asked_by__user_id=member.user_id)
    return rows.filter(own | Q(sheet__isnull=False) if allowed(clinic, Role.FRONT_DESK) else own)


def due(moment: datetime) -> QuerySet[Job]:
    """Return the jobs that somebody could take up now, the one that waits longest first."""
    free = Q(lease_until=None) | Q(lease_until__lte=moment)
    return Job.objects.filter(free, state__in=Job.OPEN, next_at__lte=moment).order_by("next_at", "pk")


def claim(pk: int | None = None) -> Job | None:
    """Take up a job that is due (this one, or the one that waits longest). Must run outside a transaction."""
    moment = now()
    with transaction.atomic():
        rows = due(moment) if pk is None else due(moment).filter(pk=pk)
        found = rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
        if found is None:
            return None
        Job.objects.filter(pk=found.pk).update(
            state=State.RUNNING,
            turn=F("turn") + 1,
            attempts=F("attempts") + 1,
            lease_until=moment + LEASE,
            started_at=found.started_at or moment,
        )
    return Job.objects.select_related("clinic", "asked_by__user", "sheet").get(pk=found.pk)
