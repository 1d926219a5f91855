"""What a worker does with jobs: a turn of one at a time, as the person who asked for it."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import Error, transaction
from django.db.models.functions import Coalesce, Greatest
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actor import SYSTEM, Actor, acting_as
from accounts.permissions import require
from automations.claims import backoff, is_retriable
from clinic.asking import Earliest
from clinic.clock import now
from clinic.errors import ClinicError
from staff.jobs import TURN_SECONDS, Held, Lost, State, claim, due, kind_of
from staff.models import Job

MAX_ATTEMPTS = 5
AT_ONCE = 1
"""So many jobs are in the hands of workers at a time: the other workers go on with the rules."""
logger = logging.getLogger(__name__)


def drain() -> int:
    """Give due jobs turn after turn until nothing is due; return how many turns that were."""
    turns = 0
    while turn():
        turns += 1
    return turns


def turn(pk: int | None = None, seconds: float = TURN_SECONDS) -> bool:
    """Take up one due job for a turn; False if there is none, or if as many are being worked on as may be."""
    if pk is None and _being_worked_on() >= AT_ONCE:
        return False
    job = claim(pk)
    if job is None:
        return False
    held = Held(job, time.monotonic() + seconds)
    try:
        if job.attempts > MAX_ATTEMPTS:
            _give_up(held, _("It was begun %(times)s times and never came to an end.") % {"times": MAX_ATTEMPTS})
        else:
            _work(held)
    except Lost:
        logger.info("a job is no longer ours", extra={"job": job.pk})
    return True


def _being_worked_on() -> int:
    return Job.objects.filter(state=State.RUNNING, lease_until__gt=now()).count()


def _work(held: Held) -> None:
    """Do a turn as the person who asked, and write down what follows from it."""
    job = held.job
    language = job.params.get("language") or job.clinic.language
    with translation.override(language):
        try:
            with acting_as(_actor(job)):
                require(job.clinic, *kind_of(job).roles)
                answer = kind_of(job).work(held)
        except ClinicError as error:
            return _give_up(held, error.message)
        except Lost:
            raise
        except Exception as error:
            return _broken(held, error)
        if answer is True:
            return _finish(held)
        held.write(lease_until=None, next_at=answer or now())
    return None


def _actor(job: Job) -> Actor:
    """Return who asked: what the job does is theirs in the audit trail, and only what they still may do."""
    member = job.asked_by
    if member is None:
        return SYSTEM
    if not (member.is_active and member.user.is_active):
        return Actor("anonymous")
    return Actor("user", user_id=member.user_id, membership_id=member.pk, clinic_id=member.clinic_id)


def _finish(held: Held) -> None:
    job = held.job
    held.write(state=State.DONE, finished_at=now(), lease_until=None, done=job.done, total=job.total, result=job.result)


def _give_up(held: Held, why: str) -> None:
    with transaction.atomic():
        held.write(state=State.FAILED, error=why[:500], finished_at=now(), lease_until=None)
        kind_of(held.job).failed(held.job)


def _broken(held: Held, error: Exception) -> None:
    """Try again a little later; what was not written is done anew."""
    job = held.job
    code = type(error).__name__
    if isinstance(error, Error) and is_retriable(error):
        held.write(lease_until=None, attempts=max(job.attempts - 1, 0))
        return
    logger.exception("a job broke", extra={"code": code, "job": job.pk, "kind": job.kind})
    if job.attempts >= MAX_ATTEMPTS:
        _give_up(held, _("Something is wrong with the program (%(code)s); tell whoever runs it.") % {"code": code})
        return
    held.write(lease_until=None, next_at=now() + timedelta(seconds=backoff(job.attempts)))


# --- the lane ---


next_due = Earliest(
    lambda: Job.objects.filter(state__in=Job.OPEN).values_list(Greatest("next_at", Coalesce("lease_until", "next_at")))
)
"""Return the moment of the next turn of any job."""


def oldest_due() -> datetime | None:
    """Return since when no job has had a turn although one waits, for the health check."""
    moment = now()
    first = due(moment).values_list("next_at", flat=True).first()
    return None if _being_worked_on() else first


def busy() -> bool:
    """Tell whether another process is in the middle of a turn."""
    return _being_worked_on() > 0
