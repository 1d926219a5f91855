"""Writing plans: a new one for a patient, from a program or by hand; its dates and people; what it prescribes anew."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from accounts.guards import CARE
from accounts.permissions import Role
from clinic.api.fields import id_of
from clinic.errors import ClinicError
from patients.models import Patient
from staff.choosing import find_patients
from staff.frame import attempt_form, own, page
from staff.pages.plan_exercises import Exercises, typed_rows
from staff.pages.plan_forms import PlanForm, ReviseForm
from staff.pages.plan_page import address, rows
from treatments import services
from treatments.models import TreatmentPlan
from treatments.selectors import offered_programs, versions_of


@page(*CARE)
def new(request: Any) -> HttpResponse:
    """Prescribe a plan: first for whom, then what."""
    chosen = id_of(request.GET.get("patient"))
    if chosen is None:
        asked = request.GET.get("q", "")
        found = find_patients(request.desk.clinic, asked)
        return render(request, "staff/plans/choose.html", {"asked": asked, "found": found})
    patient = own(request, Patient.objects.select_related("clinic", "specialist"), pk=chosen)
    if request.method != "POST":
        program = offered_programs(patient.clinic).filter(pk=id_of(request.GET.get("program")) or 0).first()
        form = PlanForm(patient.clinic, initial={"program": program, "specialist": _specialist(request, patient)})
        return _form(request, "new", form, Exercises(rows=program.exercises if program else ()), patient=patient)
    if "add" in request.POST or "take" in request.POST:
        return _more(request, patient)
    form, exercises = PlanForm(patient.clinic, request.POST), Exercises(request.POST)
    if valid(form, exercises) and written(form, exercises, lambda: _prescribe(request, patient, form, exercises)):
        return redirect(address(patient.plans.order_by("-pk").first()))
    return _form(request, "new", form, exercises, patient=patient, status=422)


def _specialist(request: Any, patient: Patient) -> Any:
    mine = request.desk.membership
    return patient.specialist or (mine if mine.role == Role.SPECIALIST else None)


def _more(request: Any, patient: Patient) -> HttpResponse:
    """Show the form as it was typed with room for more, or with what the program begins with."""
    typed = typed_rows(request.POST)
    if "take" in request.POST:
        program = offered_programs(patient.clinic).filter(pk=id_of(request.POST.get("program")) or 0).first()
        if program is None or not program.exercises:
            messages.info(request, _("This program brings no exercises along."))
        typed += list(program.exercises) if program else []
    form = PlanForm(patient.clinic, initial=request.POST.dict())
    return _form(request, "new", form, Exercises(rows=typed, spare=2), patient=patient)


@transaction.atomic
def _prescribe(request: Any, patient: Patient, form: PlanForm, exercises: Exercises) -> TreatmentPlan:
    given = {"exercises": exercises.given(), **form.values()}
    plan = services.create_plan(clinic=patient.clinic, patient=patient, **given)
    if "assign" in request.POST:
        plan = services.assign(plan)
    messages.success(
        request, _("Assigned.") if "assign" in request.POST else _("Kept as a draft: assign it when it is ready.")
    )
    return plan


def valid(*parts: Any) -> bool:
    """Tell whether every part of a page can be read; each is asked, so that each can show what is wrong."""
    return False not in [part.is_valid() for part in parts]


def written(form: Any, exercises: Exercises, call: Any) -> bool:
    """Do it; a refusal is shown at the field or the exercise that it names."""

    def attempted() -> None:
        try:
            call()
        except ClinicError as error:
            taken.append(exercises.take(error))
            if not taken[0]:
                raise

    taken: list[bool] = []
    return attempt_form(form, attempted) and not taken


def _form(request: Any, name: str, form: Any, exercises: Any = None, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"form": form, "exercises": exercises}
    return render(request, f"staff/plans/{name}.html", context, status=status)


@page(*CARE)
def edit(request: Any, pk: int) -> HttpResponse:
    """Change name, program, specialist and dates."""
    plan = own(request, rows(), pk=pk)
    names = ("program", "name", "specialist", "starts_on", "ends_on", "revision")
    form = PlanForm(plan.clinic, request.POST or None, plan=plan, initial={name: getattr(plan, name) for name in names})
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        if attempt_form(form, lambda: services.change(plan, revision=revision, **form.values())):
            messages.success(request, _("Saved."))
            return redirect(address(plan))
    return _form(request, "edit", form, plan=plan, status=422 if form.errors else 200)


@page(*CARE)
def revise(request: Any, pk: int) -> HttpResponse:
    """Prescribe something else from a day on."""
    plan = own(request, rows(), pk=pk)
    if request.method != "POST" or "add" in request.POST:
        versions = versions_of(plan)
        newest = versions[0].exercises.all().values(*("name", "sessions_per_week", "instructions")) if versions else ()
        typed = typed_rows(request.POST) if request.method == "POST" else list(newest)
        initial = request.POST.dict() if request.method == "POST" else {"revision": plan.revision}
        return _form(request, "revise", ReviseForm(initial=initial), Exercises(rows=typed), plan=plan)
    form, exercises = ReviseForm(request.POST), Exercises(request.POST)
    if valid(form, exercises) and written(form, exercises, lambda: _revise(plan, form, exercises)):
        messages.success(request, _("Prescribed anew."))
        return redirect(address(plan))
    return _form(request, "revise", form, exercises, plan=plan, status=422)


def _revise(plan: TreatmentPlan, form: ReviseForm, exercises: Exercises) -> None:
    services.revise(plan, exercises=exercises.given(), **form.cleaned_data)


urlpatterns = [
    path("staff/plans/new/", new, name="plan-new"),
    path("staff/plans/<int:pk>/edit/", edit, name="plan-edit"),
    path("staff/plans/<int:pk>/revise/", revise, name="plan-revise"),
]
