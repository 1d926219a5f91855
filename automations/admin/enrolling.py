"""The page on which a rule is started for patients: by hand for a few, or for many with a preview and a pace."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from automations import enrolling
from automations.admin.choices import Choices
from automations.engine.declare import catalog
from automations.models import Enrolment, Rule
from automations.populations import active_patients, kinds
from clinic.errors import ClinicError

SHOWN = 10


class EnrolPages:
    """One page a rule: who, a preview, start; and what was started before, to cancel."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        """Add the page."""
        view = self.admin_site.admin_view(self.enrol_view)
        return [path("<int:rule_id>/enrol/", view, name="automations_rule_enrol"), *super().get_urls()]  # type: ignore[misc]

    def enrol_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Ask and preview by GET; start or cancel by POST."""
        rule = self.get_object(request, str(rule_id))  # type: ignore[attr-defined]
        if rule is None:
            raise Http404
        may_start = self.has_view_permission(request, rule) and _by_hand(rule)  # type: ignore[attr-defined]
        if not (may_start or self.has_change_permission(request, rule)):  # type: ignore[attr-defined]
            raise PermissionDenied
        try:
            if request.method == "POST":
                messages.success(request, _do(rule, request.POST))
                return redirect("admin:automations_rule_enrol", rule.pk)
            return self._enrol_page(request, rule, _previewed(rule, request.GET))
        except ClinicError as error:
            return self._enrol_page(request, rule, refusal=error.message)

    def _enrol_page(self, request: HttpRequest, rule: Rule, previewed: Any = None, refusal: str = "") -> HttpResponse:
        posted = request.POST if request.method == "POST" else request.GET
        context = {
            **self.admin_site.each_context(request),
            "opts": Rule._meta,
            "title": _("Start for patients: %(rule)s") % {"rule": rule.name},
            "original": rule,
            "rule": rule,
            "by_hand": _by_hand(rule),
            "refusal": refusal,
            "posted": posted,
            "previewed": previewed,
            "groups": [(kind, Choices(rule.clinic_id).rows(kind)) for kind in kinds() if kind in catalog.references],
            "enrolments": Enrolment.objects.filter(rule=rule).defer("patient_ids")[:SHOWN],
            "back": reverse("admin:automations_rule_change", args=[rule.pk]),
        }
        status = 409 if refusal else 200
        return TemplateResponse(request, "admin/automations/rule/enrol.html", context, status=status)


def offered(rule: Rule, changeable: bool) -> bool:
    """Tell whether somebody who may (not) change rules is offered to start this one for patients."""
    try:
        _spec, trigger = enrolling.startable(rule)
    except ClinicError:
        return False
    return changeable or trigger.by_hand


def _by_hand(rule: Rule) -> bool:
    return offered(rule, changeable=False)


def _previewed(rule: Rule, asked: QueryDict) -> dict[str, Any] | None:
    """Return the preview of what is asked for, with its steps in words; None before anything is."""
    enrolling.startable(rule)
    if "who" not in asked:
        return None
    found = enrolling.preview(rule, **_who(rule, asked))
    labels = [(catalog.actions[key].label if key in catalog.actions else key, n) for key, n in found.steps.items()]
    return {"found": found, "steps": labels}


def _do(rule: Rule, posted: QueryDict) -> str:
    """Start or cancel, and say what was done."""
    if "cancel" in posted:
        enrolment = Enrolment.objects.filter(rule=rule, pk=_number(posted.get("cancel", ""))).first()
        if enrolment is None:
            raise ClinicError(_("There is no such enrolment."), code="not_found")
        enrolling.cancel(enrolment)
        return _("Cancelled; what has begun goes on.")
    who = _who(rule, posted)
    if _by_hand(rule) and "patients" in who:
        count = len(enrolling.run_by_hand(rule, who["patients"]))
        return ngettext("Started for %(n)s patient.", "Started for %(n)s patients.", count) % {"n": count}
    enrolment = enrolling.enrol(rule, per_minute=_number(posted.get("per_minute") or "60"), **who)
    count = len(enrolment.patient_ids)
    return ngettext("%(n)s patient will have a turn.", "%(n)s patients will have a turn.", count) % {"n": count}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _who(rule: Rule, asked: QueryDict) -> dict[str, Any]:
    """Read who is meant: everybody, a group, or people by their record number or id, one a line."""
    who = asked.get("who", "")
    if who == "all":
        return {"everybody": True}
    if who in kinds():
        return {who: asked.get(who, "")}
    return {"patients": _patients(rule, asked.get("patients", ""))} if who == "chosen" else {}


def _patients(rule: Rule, text: str) -> list[int]:
    """Find the patients that are named one a line. Raises ClinicError naming the first that is not in care here."""
    names = list(dict.fromkeys(line.strip() for line in text.replace("\0", "").splitlines() if line.strip()))
    ids = [int(one) for one in names if one.isascii() and one.isdigit() and len(one) < 19]
    rows = active_patients(rule.clinic_id).filter(Q(external_id__in=names) | Q(pk__in=ids))
    by_number: dict[str, int] = {}
    by_id: dict[str, int] = {}
    for pk, number in rows.values_list("pk", "external_id"):
        by_id[str(pk)] = pk
        if number:
            by_number[number] = pk
    found = []
    for name in names:
        pk = by_number.get(name) or by_id.get(name)
        if pk is None:
            raise ClinicError(_("No patient in care here has the number “%(name)s”.") % {"name": name[:50]})
        found.append(pk)
    if not found:
        raise ClinicError(_("Name at least one patient."), path="patients")
    return found
