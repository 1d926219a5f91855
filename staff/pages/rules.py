"""The clinic's rules: what each does in plain words and how it is doing; and why one ran, or did not, for a patient."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from accounts.permissions import Role
from automations.engine.problems import RuleInvalid
from automations.explain import explain
from automations.models import Rule
from automations.recipes import recipes
from automations.showing import answers
from automations.showing.state import add_state
from clinic.api.fields import id_of
from clinic.errors import ClinicError
from patients.models import Patient
from staff.choosing import find_patients
from staff.frame import own, page, paged
from staff.whatif import what_if

READ = ("GET", "HEAD")
CANDIDATES = 10


@page(methods=READ)
def rules(request: Any) -> HttpResponse:
    """List the rules with their sentence, mode and health; the archived ones only when asked for."""
    clinic = request.desk.clinic
    archived = "archived" in request.GET
    rows = Rule.objects.for_clinic(clinic).select_related("clinic").defer("draft").order_by("name")
    rows = rows.filter(mode=Rule.Mode.ARCHIVED) if archived else rows.exclude(mode=Rule.Mode.ARCHIVED)
    found = paged(request, rows)
    add_state(found.rows)
    names = {one.slug: one.name for one in recipes()}
    for rule in found.rows:
        rule.recipe_name = names.get(rule.recipe, rule.recipe)
    context = {"paged": found, "archived": archived, "may_edit": request.desk.role == Role.CLINIC_ADMIN}
    return render(request, "staff/rules/list.html", context)


@page(methods=READ)
def why(request: Any) -> HttpResponse:
    """Say why a rule ran, or did not run, for a patient; first ask for both."""
    asked = request.GET.get("q", "").strip()[:100]
    patient = _named(request, "patient", Patient.objects.select_related("clinic"))
    rule = _named(request, "rule", Rule.objects.select_related("clinic").defer("draft"))
    if patient and rule and patient.clinic_id != rule.clinic_id:
        raise Http404
    clinic = request.desk.clinic
    candidates: list[Patient] = []
    if patient is None and asked:
        candidates = find_patients(clinic, asked, everybody=True)
        patient = candidates[0] if len(candidates) == 1 else None
    context: dict[str, Any] = {
        "patient": patient,
        "rule": rule,
        "q": asked,
        "candidates": candidates if patient is None else [],
        "nobody": bool(asked) and patient is None and not candidates,
        "rules": Rule.objects.for_clinic(clinic).exclude(mode=Rule.Mode.ARCHIVED).defer("draft").order_by("name"),
        "may_edit": request.desk.role == Role.CLINIC_ADMIN,
    }
    if patient is not None and rule is not None:
        context |= _other_numbers(rule, {}) | {"ask": reverse("staff:what-if", args=[rule.pk])}
        answer = answers.explanation(explain(rule, patient), rule)
        event = request.GET.get("event", "")
        context["answer"] = answer
        context["events"] = [one for one in answer["events"] if not event or str(one["row"].pk) == event]
    return render(request, "staff/rules/why.html", context)


def _named(request: Any, name: str, rows: QuerySet[Any]) -> Any:
    """Return the row of one's own clinic that the address names; None if it names none. Raises Http404."""
    text = request.GET.get(name, "")
    if not text:
        return None
    return own(request, rows, pk=id_of(text))


@page(methods=READ)
def other_numbers(request: Any, pk: int) -> HttpResponse:
    """Count whom the rule's conditions would fit with other numbers; a part of a page for htmx, else a small page."""
    rule = own(request, Rule.objects.select_related("clinic").defer("draft"), pk=pk)
    part = "staff/_what_if_count.html" if request.htmx else "staff/rules/what_if.html"
    answer = _other_numbers(rule, request.GET.dict())
    if not answer:
        raise Http404  # no page leads here: there is no number to change
    return render(request, part, {"rule": rule, "ask": request.path, **answer})


def _other_numbers(rule: Rule, numbers: dict[str, str]) -> dict[str, Any]:
    """Return what the what-if field shows; nothing for a rule that compares no number of the patient's."""
    try:
        found = what_if(rule, numbers)
    except ClinicError as error:
        return {"refusal": error.message}
    except RuleInvalid:
        return {"refusal": _("It is not a whole rule yet.")}
    return {"found": found} if found.fields else {}


urlpatterns = [
    path("staff/rules/", rules, name="rules"),
    path("staff/rules/why/", why, name="why"),
    path("staff/rules/<int:pk>/what-if/", other_numbers, name="what-if"),
]
