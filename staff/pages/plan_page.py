"""What the page of one plan shows, for the views that end on it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.guards import CARE
from accounts.selectors import local_date
from clinic.clock import now
from staff.adherence import chart_of
from staff.frame import paged
from staff.pages.plan_forms import SessionForm
from treatments.lifecycle import OPEN, VERBS
from treatments.models import Exercise, PlanVersion, TreatmentPlan
from treatments.selectors import logged_sessions, version_on, versions_of

SESSIONS = 20
BUTTONS: dict[str, tuple[Any, Any]] = {
    "assign": (_("Assign"), _("Assigned: from now on its sessions count.")),
    "pause": (_("Pause"), _("Paused: nothing is prescribed until it is resumed.")),
    "resume": (_("Resume"), _("Resumed.")),
    "complete": (_("Complete"), _("Completed.")),
    "cancel": (_("Cancel the plan"), _("Cancelled.")),
}


def rows() -> Any:
    """Return plans with all that a page of one needs."""
    return TreatmentPlan.objects.select_related("clinic", "patient", "program", "specialist")


def address(plan: TreatmentPlan) -> str:
    """Return the address of a plan's page."""
    return reverse("staff:plan", args=[plan.pk])


def page_of(request: Any, plan: TreatmentPlan, session_form: SessionForm | None = None) -> dict[str, Any]:
    """Gather what a plan's page shows. Five queries."""
    versions = versions_of(plan)
    version = version_on(versions, max(local_date(plan.clinic, now()), plan.starts_on))
    cares = request.desk.role in CARE
    return {
        "plan": plan,
        "version": version,
        "exercises": version.exercises.all() if version else (),
        "versions": versions,
        "coming": [one for one in versions if version is not None and one.number > version.number],
        "chart": chart_of(plan),
        "paged": paged(request, logged_sessions(plan), SESSIONS),
        "session_form": session_form or SessionForm(exercises=exercises_of(versions)),
        "may_log": plan.active_on is not None,
        "verbs": [(verb, BUTTONS[verb][0]) for verb in BUTTONS if cares and plan.status in VERBS[verb].sources],
        "may_change": cares and plan.status in OPEN,
    }


def exercises_of(versions: list[PlanVersion]) -> list[Exercise]:
    """Return what may be logged: the newest exercises first, those of older versions only if they have other names."""
    found: dict[str, Exercise] = {}
    for version in versions:
        for exercise in version.exercises.all():
            found.setdefault(exercise.name, exercise)
    return list(found.values())
