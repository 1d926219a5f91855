"""What people do to single steps: skip, run now, hold, release, retry. Each locks the patient and is audited."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership
from accounts.permissions import require
from automations.models import Step
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ImpossibleTransition
from clinic.wakeups import wake

State = Step.State
Role = Membership.Role
# Anybody of the clinic may keep a message in; that something leaves or is done is not the front desk's to decide.
SENDERS = (Role.CLINIC_ADMIN, Role.SPECIALIST)


def skip(step: Step) -> Step:
    """End an open step without its effect."""
    values = {"state": State.SKIPPED, "reason": "skipped_by_person", "reason_text": _("It was skipped by hand.")}
    return _change(step, "skipped", Step.OPEN, finished_at=now(), **values)


def hold(step: Step) -> Step:
    """Keep a pending step from running until somebody releases it."""
    text = _("It is held by hand until somebody releases it.")
    return _change(step, "held", (State.PENDING,), state=State.HELD, reason="held_by_person", reason_text=text)


def release(step: Step) -> Step:
    """Let a held step run at its time (at once, if that has passed)."""
    require(step.clinic, *SENDERS)
    return _change(step, "released", (State.HELD,), state=State.PENDING, reason="", reason_text="")


def run_now(step: Step) -> Step:
    """Make an open step due at once, whatever it waits for."""
    require(step.clinic, *SENDERS)
    values = {"state": State.PENDING, "due_at": now(), "waiting_for": "", "reason": "", "reason_text": ""}
    return _change(step, "run now", Step.OPEN, lease_until=None, **values)


def retry(step: Step) -> Step:
    """Try a failed step again, with a fresh count of attempts."""
    require(step.clinic, *SENDERS)
    values = {
        "state": State.PENDING,
        "due_at": now(),
        "attempts": 0,
        "reason": "",
        "reason_text": "",
        "finished_at": None,
    }
    return _change(step, "retried", (State.FAILED,), lease_until=None, **values)


@transaction.atomic
def _change(step: Step, verb: str, allowed: Any, **values: Any) -> Step:
    """Change a step under its patient's lock; one that is in the wanted state already stays as it is.

    Raises ImpossibleTransition if it is in no allowed state.
    """
    require(step.clinic)
    lock_patients([step.patient_id])
    stored = Step.objects.get(pk=step.pk)
    if stored.state not in allowed:
        if stored.state == values["state"]:
            return stored
        raise ImpossibleTransition(str(_("The step")), stored.state, verb)
    Step.objects.filter(pk=step.pk).update(**values)
    audit.record(f"step.{verb.replace(' ', '_')}", obj=stored)
    transaction.on_commit(lambda: wake("engine"))
    stored.refresh_from_db()
    return stored
