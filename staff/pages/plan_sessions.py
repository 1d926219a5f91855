"""Sessions on a patient's behalf: logged for those who do not log them, struck out where one never was."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from staff.frame import attempt, attempt_form, own, page
from staff.pages.plan_forms import SessionForm
from staff.pages.plan_page import address, exercises_of, page_of, rows
from treatments import services
from treatments.models import ExerciseSession, TreatmentPlan
from treatments.selectors import versions_of


@page(methods=("POST",))
def log(request: Any, pk: int) -> HttpResponse:
    """Log a session for the patient."""
    plan: TreatmentPlan = own(request, rows(), pk=pk)
    form = SessionForm(request.POST, exercises=exercises_of(versions_of(plan)))
    if form.is_valid() and attempt_form(form, lambda: services.log_session(plan, **form.values())):
        return redirect(f"{address(plan)}#sessions")
    return render(request, "staff/plans/plan.html", page_of(request, plan, form), status=422)


@page(methods=("POST",))
def strike(request: Any, pk: int) -> HttpResponse:
    """Strike out a session that never was."""
    session: ExerciseSession = own(request, ExerciseSession.objects, pk=pk)
    attempt(request, lambda: services.strike_session(session), _("Struck out; its week was counted anew."))
    return redirect(f"{reverse('staff:plan', args=[session.plan_id])}#sessions")


urlpatterns = [
    path("staff/plans/<int:pk>/sessions/", log, name="plan-log"),
    path("staff/sessions/<int:pk>/strike/", strike, name="session-strike"),
]
