"""The kinds of plan that the clinic offers, and what a plan of each begins with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.guards import CARE
from clinic.slugs import with_letter
from staff.frame import attempt, own, page, paged
from staff.pages.plan_edit import valid, written
from staff.pages.plan_exercises import Exercises, typed_rows
from treatments import services
from treatments.lifecycle import RUNNING
from treatments.models import Program

SLUG_MAX = 50


class ProgramForm(forms.Form):
    """The name; and the slug, which stays."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        required=False,
        max_length=SLUG_MAX,
        help_text=gettext_lazy("Rules name the program by it, so it stays. Left empty: made of the name."),
    )

    def __init__(self, *args: Any, program: Program | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if program is not None:
            del self.fields["slug"]

    def values(self) -> dict[str, Any]:
        """Return what the services take."""
        values = dict(self.cleaned_data)
        if "slug" in values and not values["slug"]:
            values["slug"] = with_letter(slugify(values["name"]), "program")[:SLUG_MAX]
        return values


@page(methods=("GET", "HEAD"))
def listed(request: Any) -> HttpResponse:
    """List the programs, with how many plans follow each now."""
    running = Count("plans", filter=Q(plans__status__in=RUNNING))
    found = Program.objects.for_clinic(request.desk.clinic).annotate(running=running)
    found = found.order_by("archived_at", "name", "pk")
    return render(
        request,
        "staff/plans/programs.html",
        {"paged": paged(request, found), "may_change": request.desk.role in CARE},
    )


@page(*CARE)
def new(request: Any) -> HttpResponse:
    """Offer another program."""
    return _edit(request, None)


@page(*CARE)
def edit(request: Any, pk: int) -> HttpResponse:
    """Change a program's name and what its plans begin with."""
    return _edit(request, own(request, Program.objects.select_related("clinic"), pk=pk))


def _edit(request: Any, program: Program | None) -> HttpResponse:
    posted = request.method == "POST"
    if not posted or "add" in request.POST:
        initial = request.POST.dict() if posted else {"name": program.name} if program else {}
        typed = typed_rows(request.POST) if posted else program.exercises if program else ()
        return _form(request, ProgramForm(initial=initial, program=program), Exercises(rows=typed), program)
    form, exercises = ProgramForm(request.POST, program=program), Exercises(request.POST)
    if valid(form, exercises) and written(form, exercises, lambda: _save(request, program, form, exercises)):
        messages.success(request, _("Saved."))
        return redirect("staff:programs")
    return _form(request, form, exercises, program, status=422)


def _save(request: Any, program: Program | None, form: ProgramForm, exercises: Exercises) -> None:
    values = {**form.values(), "exercises": exercises.given()}
    if program is None:
        services.create_program(clinic=request.desk.clinic, **values)
    else:
        services.update_program(program, **values)


def _form(request: Any, form: Any, exercises: Exercises, program: Any, status: int = 200) -> HttpResponse:
    context = {"form": form, "exercises": exercises, "program": program}
    return render(request, "staff/plans/program.html", context, status=status)


@page(*CARE, methods=("POST",))
def archive(request: Any, pk: int) -> HttpResponse:
    """Offer a program no longer, or again."""
    program = own(request, Program.objects, pk=pk)
    if "restore" in request.POST:
        attempt(request, lambda: services.restore_program(program), _("Offered again."))
    else:
        attempt(request, lambda: services.archive_program(program), _("Archived: the plans that follow it go on."))
    return redirect("staff:programs")


urlpatterns = [
    path("staff/plans/programs/", listed, name="programs"),
    path("staff/plans/programs/new/", new, name="program-new"),
    path("staff/plans/programs/<int:pk>/", edit, name="program"),
    path("staff/plans/programs/<int:pk>/archive/", archive, name="program-archive"),
]
