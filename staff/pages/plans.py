"""Treatment plans: the list, one plan with its chart and its sessions, and the buttons of its life-cycle."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.guards import CARE
from accounts.models import Membership
from accounts.permissions import Role
from accounts.selectors import members
from staff.frame import attempt, back_to, own, page, paged
from staff.pages.plan_page import BUTTONS, address, page_of, rows
from treatments import services
from treatments.lifecycle import OPEN
from treatments.models import TreatmentPlan
from treatments.selectors import clinic_plans

READ = ("GET", "HEAD")
FILTERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "open": (_("not ended"), tuple(OPEN)),
    **{status.value: (status.label, (status.value,)) for status in TreatmentPlan.Status},
    "all": (_("all"), ()),
}


@page(methods=READ)
def listed(request: Any) -> HttpResponse:
    """List the clinic's plans; those that go on, unless asked otherwise."""
    clinic = request.desk.clinic
    status = request.GET.get("status", "open")
    status = status if status in FILTERS else "open"
    specialists: list[Membership] = list(members(clinic, Role.SPECIALIST).order_by("name", "pk"))
    chosen = next((one for one in specialists if str(one.pk) == request.GET.get("specialist")), None)
    found = clinic_plans(clinic, statuses=FILTERS[status][1], specialist_id=chosen.pk if chosen else None)
    shown = paged(request, found)
    audit.listed("plan", shown.rows, clinic_id=clinic.pk)
    context = {
        "paged": shown,
        "status": status,
        "filters": [(key, label) for key, (label, _states) in FILTERS.items()],
        "specialists": specialists,
        "specialist": chosen,
        "may_prescribe": request.desk.role in CARE,
    }
    return render(request, "staff/plans/list.html", context)


@page(methods=READ)
def detail(request: Any, pk: int) -> HttpResponse:
    """Show one plan: what it prescribes, how the weeks went, what was logged."""
    plan = own(request, rows(), pk=pk)
    audit.record("plan.read", obj=plan)
    return render(request, "staff/plans/plan.html", page_of(request, plan))


@page(*CARE, methods=("POST",))
def move(request: Any, pk: int, verb: str) -> HttpResponse:
    """Take a plan one step on."""
    plan = own(request, rows(), pk=pk)
    if verb not in BUTTONS:
        raise Http404
    extra = {"reason": request.POST.get("reason", "")} if verb == "cancel" else {}
    attempt(request, lambda: getattr(services, verb)(plan, **extra), BUTTONS[verb][1])
    return redirect(back_to(request, address(plan)))


urlpatterns = [
    path("staff/plans/", listed, name="plans"),
    path("staff/plans/<int:pk>/", detail, name="plan"),
    path("staff/plans/<int:pk>/to/<slug:verb>/", move, name="plan-move"),
]
