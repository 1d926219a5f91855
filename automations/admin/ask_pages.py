"""The pages of a rule that only ask: why (not) for a patient, what would it do, how often; the same while typing."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.admin_scope import may
from accounts.permissions import Role
from automations.backtest import backtest
from automations.compiled import spec_of
from automations.drafts import draft_spec
from automations.dryrun import dry_run
from automations.engine.declare import catalog
from automations.engine.problems import RuleInvalid
from automations.engine.schema import parse_rule
from automations.engine.values import RuleSpec
from automations.engine.wire import group_to_json
from automations.explain import explain
from automations.models import Event, Rule
from automations.showing import answers as answers_view
from clinic.errors import ClinicError

DAYS = (7, 30, 90, 365)
PAGES = ("explain", "try", "backtest")


class AskPages:
    """Pages by GET, so that they can be linked and work without scripts; fragments by POST of what is typed."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        """Add a page a question, and the two that the side column asks."""
        views = {"explain": self.explain_view, "try": self.try_view, "backtest": self.backtest_view}
        wrap = self.admin_site.admin_view
        own = [path(f"<int:rule_id>/{key}/", wrap(views[key]), name=f"automations_rule_{key}") for key in PAGES]
        own += [
            path("why/<int:patient_id>/", wrap(self.why_view), name="automations_rule_of_patient"),
            path("often/", wrap(self.often_view), name="automations_rule_often"),
            path("trial/", wrap(self.trial_view), name="automations_rule_trial"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    # --- pages ---

    def explain_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Say why the rule ran, or did not run, for a patient."""
        rule = self._rule(request, rule_id)
        context = self._asked(request, rule, _("Why, or why not: %s"))
        if context["patient"] is not None:
            found = explain(rule, context["patient"], conditions=_what_if(rule))
            context["answer"] = answers_view.explanation(found, rule)
        return TemplateResponse(request, "admin/automations/rule/explain.html", context)

    def try_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Say what the rule would do for a patient."""
        rule = self._rule(request, rule_id)
        context = self._asked(request, rule, _("Try: %s"))
        spec = draft_spec(rule)
        context |= {"at": request.GET.get("at", ""), "zone": rule.clinic.time_zone}
        if not isinstance(spec, RuleSpec):
            context["refusal"] = spec
        elif context["patient"] is not None:
            try:
                at = _moment(context["at"], rule.clinic.time_zone)
                found = dry_run(rule, context["patient"], subject=request.GET.get("subject"), at=at, spec=spec)
                context["trial"] = answers_view.trial(found, rule, spec, context["patient"])
            except ClinicError as error:
                context["refusal"] = error.message
        return TemplateResponse(request, "admin/automations/rule/try.html", context)

    def backtest_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Say how often the rule would have run, to those who may ask (403 to others)."""
        rule = self._rule(request, rule_id)
        if not may(request, (Role.CLINIC_ADMIN,), rule.clinic_id):
            raise PermissionDenied
        wanted = request.GET.get("days", "30")
        days = int(wanted) if wanted in {str(one) for one in DAYS} else 30
        context = {**self._page(request, rule, _("How often: %s")), "days": days, "choices": DAYS}
        spec = draft_spec(rule)
        if isinstance(spec, RuleSpec):
            found = backtest(rule, days=days, spec=spec)
            context["often"] = answers_view.often(found, spec, rule.clinic_id)
        else:
            context["refusal"] = spec
        return TemplateResponse(request, "admin/automations/rule/backtest.html", context)

    def why_view(self, request: HttpRequest, patient_id: int) -> HttpResponse:
        """List the rules of a patient's clinic, to be asked why, or why not."""
        patient = apps.get_model("patients", "Patient").objects.filter(pk=patient_id).first()
        if patient is None or not may(request, self.view_roles, patient.clinic_id):  # type: ignore[attr-defined]
            raise Http404
        rules = self.get_queryset(request).filter(clinic_id=patient.clinic_id)  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "opts": Rule._meta,
            "title": _("Why, or why not: %s") % patient,
            "patient": patient,
            "rules": rules.exclude(mode=Rule.Mode.ARCHIVED).order_by("name"),
        }
        return TemplateResponse(request, "admin/automations/rule/why.html", context)

    def _rule(self, request: HttpRequest, rule_id: int) -> Rule:
        rule: Rule | None = self.get_object(request, str(rule_id))  # type: ignore[attr-defined]
        if rule is None:
            raise Http404
        if not self.has_view_permission(request, rule):  # type: ignore[attr-defined]
            raise PermissionDenied
        return rule

    def _page(self, request: HttpRequest, rule: Rule, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": Rule._meta,
            "title": title % rule.name,
            "original": rule,
            "rule": rule,
            "back": reverse("admin:automations_rule_change", args=[rule.pk]),
        }

    def _asked(self, request: HttpRequest, rule: Rule, title: str) -> dict[str, Any]:
        """Add the patient that was asked about: one by id or by name, or those to choose from."""
        text = request.GET.get("q", "").strip()[:100]
        named = request.GET.get("patient", "")
        found = answers_view.find_patients(rule.clinic_id, named or text) if named or text else []
        if named:
            found = [one for one in found if str(one.pk) == named]
        patient = found[0] if len(found) == 1 else None
        if patient is not None and not text:
            text = patient.external_id or str(patient.pk)
        return {
            **self._page(request, rule, title),
            "q": text,
            "patient": patient,
            "candidates": found if len(found) > 1 else [],
            "nobody": bool(text or named) and not found,
        }

    # --- while somebody types ---

    def often_view(self, request: HttpRequest) -> HttpResponse:
        """Say how often what is typed would have run in the last 30 days."""
        rule, spec = self._typed_rule(request)
        found = backtest(rule, spec=spec) if spec is not None and rule.clinic_id else None
        shown = answers_view.often(found, spec, rule.clinic_id) if found and spec else None
        return render(request, "automations/often.html", {"often": shown})

    def trial_view(self, request: HttpRequest) -> HttpResponse:
        """Try what is typed on a patient: the named one, else the one to whom it happened last."""
        rule, spec = self._typed_rule(request)
        if spec is None or not rule.clinic_id:
            return render(request, "automations/trial.html", {"not_yet": True})
        text = request.POST.get("try_patient", "").strip()[:100]
        named = request.POST.get("try_id", "")
        if named or text:
            found = answers_view.find_patients(rule.clinic_id, named or text)
            found = [one for one in found if str(one.pk) == named] if named else found
        else:
            found = self._latest(rule, spec)
        context: dict[str, Any] = {"nobody": not found, "candidates": found if len(found) > 1 else [], "asked": text}
        if len(found) == 1:
            context["trial"] = answers_view.trial(dry_run(rule, found[0], spec=spec), rule, spec, found[0])
        return render(request, "automations/trial.html", context)

    def _latest(self, rule: Rule, spec: RuleSpec) -> list[Any]:
        rows = Event.objects.filter(clinic_id=rule.clinic_id, trigger=spec.trigger).select_related("patient")
        event = rows.order_by("-occurred_at").first()
        return [] if event is None else [event.patient]

    def _typed_rule(self, request: HttpRequest) -> tuple[Rule, RuleSpec | None]:
        """Return the rule with what is typed as its wording; no wording while it is no rule yet."""
        form = self.typed(request)  # type: ignore[attr-defined]
        form.is_valid()
        rule = form.instance
        if not rule.clinic_id and form.clinic_id:
            rule.clinic_id = form.clinic_id
        document = getattr(form, "document", None)
        try:
            return rule, parse_rule(document, catalog) if document else None
        except RuleInvalid:
            return rule, None


def _what_if(rule: Rule) -> Any:
    """Return the conditions of the draft on the wire, where they are others than the published ones."""
    draft, published = draft_spec(rule), spec_of(rule.published_id)
    if not isinstance(draft, RuleSpec) or not isinstance(published, RuleSpec) or draft.trigger != published.trigger:
        return None
    return None if draft.conditions == published.conditions else group_to_json(draft.conditions)


def _moment(text: str, zone: str) -> Any:
    """Return what was typed into a date and time input, in the clinic's zone; None for nothing. Raises ClinicError."""
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2200:
        raise ClinicError(_("Write the moment as date and time."), path="at")
    return found if found.tzinfo else timezone.make_aware(found, ZoneInfo(zone))
