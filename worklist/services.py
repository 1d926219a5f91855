"""What is done to tasks. Each verb reads the task anew under a lock; asking for the state it is in does nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic, Membership
from accounts.permissions import Role, allowed, membership_at, require
from accounts.validation import check
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from worklist.models import Task


@transaction.atomic
def create(
    *,
    clinic: Clinic,
    title: str,
    details: str = "",
    patient: Any = None,
    assignee: Membership | None = None,
    role: str = "",
    due_at: datetime | None = None,
    priority: str = Task.Priority.NORMAL,
) -> Task:
    """Give a person, or whoever of a role claims it first, something to do. Raises ClinicError naming the field."""
    require(clinic)
    if assignee is None and role not in Role.values:
        raise ClinicError(_("Say whom it is for: a person, or a role."), code="required", path="role")
    task = Task(clinic=clinic, title=title, details=details, patient=patient, role=role, due_at=due_at)
    task.priority = priority
    _give_to(task, assignee)
    check(task)
    lock_patients([task.patient_id] if task.patient_id else [])
    task.save()
    audit.record("task.created", obj=task)
    return task


def _give_to(task: Task, member: Membership | None) -> None:
    if member is not None and (member.clinic_id != task.clinic_id or not member.is_active):
        raise ClinicError(_("Nobody of that name works at this clinic now."), code="not_found", path="assignee")
    task.assignee = member


def _fresh(task: Task) -> Task:
    lock_patients([task.patient_id] if task.patient_id else [])
    return Task.objects.select_for_update(no_key=True).get(pk=task.pk)


def _must_be_open(task: Task, wanted: str) -> None:
    if task.status != Task.Status.OPEN:
        raise ImpossibleTransition(str(Task._meta.verbose_name), task.get_status_display(), wanted)


@transaction.atomic
def claim(task: Task) -> Task:
    """Take an open task of one's role. Raises Refused if somebody else has it already."""
    stored = _fresh(task)
    member = membership_at(stored.clinic_id)
    if member is None:
        raise Refused(_("Only the clinic's staff can take a task."), code="forbidden")
    if stored.assignee_id == member.pk:
        return stored
    _must_be_open(stored, _("claimed"))
    if stored.assignee is not None:
        raise Refused(_("%(name)s has this task already.") % {"name": stored.assignee.name}, code="taken")
    if stored.role and not allowed(stored.clinic_id, stored.role, Role.CLINIC_ADMIN):
        raise Refused(_("This task is for another role."), code="forbidden")
    stored.assignee = member
    stored.save(update_fields=["assignee"])
    audit.record("task.claimed", obj=stored)
    return stored


@transaction.atomic
def assign(task: Task, *, assignee: Membership | None) -> Task:
    """Give an open task to a person, or back to its role."""
    require(task.clinic_id)
    stored = _fresh(task)
    if stored.assignee == assignee:
        return stored
    _must_be_open(stored, _("assigned"))
    if assignee is None and not stored.role:
        raise ClinicError(_("This task has no role to go back to; name a person."), code="required", path="assignee")
    _give_to(stored, assignee)
    stored.save(update_fields=["assignee"])
    audit.record("task.assigned", obj=stored, detail={"to": assignee.pk if assignee else None})
    return stored


def complete(task: Task) -> Task:
    """Note that it is done, and by whom."""
    return _finish(task, Task.Status.DONE)


def cancel(task: Task) -> Task:
    """Note that it need not be done."""
    return _finish(task, Task.Status.CANCELLED)


@transaction.atomic
def _finish(task: Task, status: Task.Status) -> Task:
    require(task.clinic_id)
    stored = _fresh(task)
    if stored.status == status:
        return stored
    _must_be_open(stored, str(status.label))
    stored.status, stored.finished_at, stored.finished_by = status, now(), membership_at(stored.clinic_id)
    stored.save(update_fields=["status", "finished_at", "finished_by"])
    audit.record(f"task.{status}", obj=stored)
    return stored


@transaction.atomic
def reopen(task: Task) -> Task:
    """Put a task that is over back on the list, for whom it was: it was not done, or is needed after all."""
    require(task.clinic_id)
    stored = _fresh(task)
    if stored.status == Task.Status.OPEN:
        return stored
    before = stored.status
    stored.status, stored.finished_at, stored.finished_by = Task.Status.OPEN, None, None
    stored.save(update_fields=["status", "finished_at", "finished_by"])
    audit.record("task.reopened", obj=stored, detail={"from": before})
    return stored
