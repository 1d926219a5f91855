"""What is done to a whole rule: publish, pause, resume, archive, duplicate. Each has a page that asks, and one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations import lifecycle
from automations.backtest import backtest
from automations.compiled import spec_of
from automations.conflicts import conflicts_of
from automations.drafts import draft_spec
from automations.engine.declare import catalog
from automations.engine.problems import RuleInvalid
from automations.engine.schema import spec_to_json
from automations.engine.values import RuleSpec
from automations.models import Rule, Step
from automations.naming import names_of
from automations.selectors import overdue
from automations.showing import answers as answers_view
from automations.showing import state, words
from clinic.errors import ClinicError

Mode = Rule.Mode


@dataclass(frozen=True, slots=True)
class Verb:
    """A button: its word, the modes it is offered in, what it calls, and what it says afterwards."""

    key: str
    label: Any
    icon: str
    modes: tuple[str, ...]
    call: Callable[[Rule, Any], Rule]
    done: Any


def _publish(rule: Rule, posted: Any) -> Rule:
    pending = posted.get("pending") == "apply"
    return lifecycle.publish(rule, mode=posted.get("mode", ""), apply_to_pending=pending)


def _pause(rule: Rule, posted: Any) -> Rule:
    return lifecycle.pause(rule, why=posted.get("why", ""))


def _resume(rule: Rule, posted: Any) -> Rule:
    return lifecycle.resume(rule, overdue=posted.get("overdue", ""))


def _archive(rule: Rule, posted: Any) -> Rule:
    return lifecycle.archive(rule, why=posted.get("why", ""))


def _duplicate(rule: Rule, posted: Any) -> Rule:
    spec = draft_spec(rule)
    if not isinstance(spec, RuleSpec):
        raise ClinicError(_("A rule that cannot be read cannot be duplicated: %s") % spec)
    name = posted.get("name", "")
    return lifecycle.create_rule(
        clinic=rule.clinic, name=name, document=spec_to_json(spec), description=rule.description
    )


EVERY = tuple(Mode.values)
NEED_A_RULE = ("publish", "duplicate")
VERBS: dict[str, Verb] = {
    one.key: one
    for one in (
        Verb("publish", gettext_lazy("Publish …"), "publish", EVERY, _publish, gettext_lazy("Published.")),
        Verb("pause", gettext_lazy("Pause …"), "pause_circle", (Mode.ON, Mode.REVIEW), _pause, gettext_lazy("Paused.")),
        Verb("resume", gettext_lazy("Resume …"), "play_circle", (Mode.PAUSED,), _resume, gettext_lazy("Resumed.")),
        Verb("duplicate", gettext_lazy("Duplicate …"), "content_copy", EVERY, _duplicate, gettext_lazy("Duplicated.")),
        Verb(
            "archive",
            gettext_lazy("Archive …"),
            "archive",
            tuple(mode for mode in EVERY if mode != Mode.ARCHIVED),
            _archive,
            gettext_lazy("Archived."),
        ),
    )
}


def verbs_of(rule: Rule) -> list[Verb]:
    """Return the buttons that a rule's mode offers."""
    return [verb for verb in VERBS.values() if rule.mode in verb.modes]


class VerbPages:
    """The pages of the verbs: asked by GET, done by POST."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        """Add a page a verb."""
        view = self.admin_site.admin_view(self.verb_view)
        own = [path("<int:rule_id>/do/<slug:verb>/", view, name="automations_rule_verb")]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def verb_view(self, request: HttpRequest, rule_id: int, verb: str) -> HttpResponse:
        """Ask, or do what was asked and go back to the rule."""
        rule = self.get_object(request, str(rule_id))  # type: ignore[attr-defined]
        chosen = VERBS.get(verb)
        if rule is None or chosen is None:
            raise Http404
        if not self.has_change_permission(request, rule):  # type: ignore[attr-defined]
            raise PermissionDenied
        if request.method == "GET" and rule.mode not in chosen.modes:
            words_of_mode = {"rule": rule.name, "mode": rule.get_mode_display(), "verb": _plain_label(chosen)}
            messages.error(request, _("“%(rule)s” is %(mode)s: “%(verb)s” is of no use now.") % words_of_mode)
            return redirect("admin:automations_rule_change", rule.pk)
        if request.method == "POST":
            try:
                result = chosen.call(rule, request.POST)
            except (ClinicError, RuleInvalid, RecursionError) as error:
                return self._ask(request, rule, chosen, _refusal(error))
            messages.success(request, chosen.done)
            whom = verb == "publish" and request.POST.get("whom") == "existing"
            return redirect("admin:automations_rule_enrol" if whom else "admin:automations_rule_change", result.pk)
        return self._ask(request, rule, chosen)

    def _ask(self, request: HttpRequest, rule: Rule, verb: Verb, refusal: str = "") -> HttpResponse:
        spec = draft_spec(rule)
        usable = spec if isinstance(spec, RuleSpec) else None
        context = {
            **self.admin_site.each_context(request),
            "opts": Rule._meta,
            "title": f"{_plain_label(verb)}: {rule.name}",
            "original": rule,
            "rule": rule,
            "verb": verb,
            "refusal": refusal,
            "posted": request.POST,
            "rule_panel": words.panel(usable, rule.clinic_id) if usable else None,
            "unusable": "" if usable else spec,
            "blocked": usable is None and verb.key in NEED_A_RULE,
            "back": reverse("admin:automations_rule_change", args=[rule.pk]),
            **(self._publishing(rule, usable) if verb.key == "publish" and usable else {}),
            **(self._waiting(rule) if verb.key in ("resume", "archive", "pause") else {}),
        }
        status = 200 if not refusal else 409
        return TemplateResponse(request, f"admin/automations/rule/{verb.key}.html", context, status=status)

    def _publishing(self, rule: Rule, spec: RuleSpec) -> dict[str, Any]:
        old = spec_of(rule.published_id) if rule.published_id else None
        published = old if isinstance(old, RuleSpec) else None
        names = names_of(rule.clinic_id, [spec, *([published] if published else [])])
        found = backtest(rule, spec=spec)
        trigger = catalog.triggers[spec.trigger]
        return {
            "changes": words.changes(published, spec, names),
            "version": state.version_number(rule),
            "warnings": [one.text for one in conflicts_of(rule, spec)],
            "often": answers_view.often(found, spec, rule.clinic_id),
            "for_existing": trigger.existing,
            "open_steps": Step.objects.filter(rule=rule, state__in=Step.OPEN).count(),
            "modes": [(Mode.ON, _("on: it acts by itself")), (Mode.REVIEW, _("review: a person approves each step"))],
        }

    def _waiting(self, rule: Rule) -> dict[str, Any]:
        steps = Step.objects.filter(rule=rule, state__in=Step.OPEN)
        return {"open_steps": steps.count(), "overdue": overdue(rule).count()}


def _plain_label(verb: Verb) -> str:
    return str(verb.label).rstrip(" …")


def _refusal(error: Exception) -> str:
    if isinstance(error, ClinicError):
        return error.message
    if isinstance(error, RuleInvalid):
        return " ".join(one.message for one in error.errors[:5])
    return _("What is stored of this rule is nested too deep to be loaded.")
