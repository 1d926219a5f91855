"""The worklist: whose each task is, when it is due, and what is done with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.permissions import EVERYBODY
from accounts.selectors import members
from clinic.api.fields import id_of
from clinic.clock import now
from patients.models import Patient
from staff.frame import attempt, attempt_form, back_to, move, own, page, paged
from staff.task_forms import TaskForm
from worklist import selectors, services
from worklist.models import Task

SHOWN: tuple[tuple[str, Any], ...] = (
    ("mine", _("Mine and my role's")),
    ("unclaimed", _("Unclaimed")),
    ("all", _("All open")),
    ("over", _("Done and cancelled")),
)
ROWS_A_PAGE = 20
"""Each row has its form to give the task to somebody, so many would make a heavy page."""


@page(methods=("GET", "HEAD"))
def worklist(request: Any) -> HttpResponse:
    """List the clinic's tasks: one's own first, the overdue ones at the top."""
    named = id_of(request.GET.get("task"))
    if named is not None:
        own(request, Task.objects.all(), pk=named)
    desk = request.desk
    shown = request.GET.get("show", "mine")
    shown = shown if shown in dict(SHOWN) else "mine"
    role, priority = request.GET.get("role", ""), request.GET.get("priority", "")
    rows = _asked(desk, shown, role, priority)
    if named is not None:
        rows = selectors.tasks_at(desk.clinic, over=None).filter(pk=named)
    found = paged(request, selectors.with_overdue(rows, now()), ROWS_A_PAGE)
    audit.listed("task", found.rows, clinic_id=desk.clinic.pk)
    context = {
        "paged": found,
        "tasks": found.rows,
        "shown": shown,
        "choices": SHOWN,
        "role": role,
        "roles": EVERYBODY,
        "priority": priority,
        "priorities": Task.Priority,
        "people": members(desk.clinic),
        "here": request.get_full_path(),
        "narrowed": bool(role or priority),
    }
    return render(request, "staff/worklist/list.html", context)


def _asked(desk: Any, shown: str, role: str, priority: str) -> QuerySet[Task]:
    if shown == "mine":
        rows = selectors.open_tasks_of(*desk.here)
    else:
        rows = selectors.tasks_at(desk.clinic, over=shown == "over")
    if shown == "unclaimed":
        rows = rows.filter(assignee=None)
    if role in EVERYBODY:
        rows = rows.filter(role=role)
    return rows.filter(priority=priority) if priority in Task.Priority.values else rows


VERBS: dict[str, tuple[Any, Any]] = {
    "claim": (services.claim, _("It is yours.")),
    "done": (services.complete, _("Done.")),
    "cancel": (services.cancel, _("Taken off the list.")),
    "reopen": (services.reopen, _("Back on the list.")),
}


@page(methods=("POST",))
def move_task(request: Any, pk: int, verb: str) -> HttpResponse:
    """Claim a task, note that it is done or not needed, or put it back on the list."""
    return move(request, own(request, Task.objects.all(), pk=pk), VERBS, verb, reverse("staff:worklist"))


@page(methods=("POST",))
def assign_task(request: Any, pk: int) -> HttpResponse:
    """Give a task to a person of the clinic, or back to its role."""
    task = own(request, Task.objects.all(), pk=pk)
    chosen = id_of(request.POST.get("assignee"))
    member = None if chosen is None else own(request, members(task.clinic_id), pk=chosen)
    attempt(request, lambda: services.assign(task, assignee=member), _("Assigned."))
    return redirect(back_to(request, reverse("staff:worklist")))


@page()
def new_task(request: Any) -> HttpResponse:
    """Write a task down by hand; about a patient, if the address names one."""
    named = id_of(request.POST.get("patient") or request.GET.get("patient"))
    patient = None if named is None else own(request, Patient.objects.all(), pk=named)
    form = TaskForm(request.POST or None, clinic=request.desk.clinic)
    if request.method == "POST" and form.is_valid() and attempt_form(form, lambda: _create(request, form, patient)):
        messages.success(request, _("Written down."))
        return redirect(back_to(request, reverse("staff:worklist")))
    context = {"form": form, "patient": patient, "next": back_to(request, "")}
    return render(request, "staff/worklist/new.html", context)


def _create(request: Any, form: TaskForm, patient: Patient | None) -> Task:
    return services.create(clinic=request.desk.clinic, patient=patient, **form.values())


urlpatterns = [
    path("staff/worklist/", worklist, name="worklist"),
    path("staff/worklist/new/", new_task, name="task-new"),
    path("staff/worklist/<int:pk>/assign/", assign_task, name="task-assign"),
    path("staff/tasks/<int:pk>/<slug:verb>/", move_task, name="task-move"),
]
