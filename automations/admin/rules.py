"""The admin page of rules: the list, the editor, and its helpers that answer while somebody types."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from accounts.admin_base import ClinicAdmin
from accounts.permissions import EVERYBODY
from automations import lifecycle
from automations.admin import jsonforms
from automations.admin.ask_pages import AskPages
from automations.admin.enrolling import EnrolPages, offered
from automations.admin.forms import RuleForm
from automations.admin.recipes import RecipePages
from automations.admin.typed import TypedForms
from automations.admin.verbs import VerbPages, verbs_of
from automations.drafts import draft_spec, draft_text
from automations.engine.declare import catalog
from automations.engine.problems import RuleInvalid
from automations.engine.schema import default_stop_on
from automations.engine.values import RuleSpec
from automations.models import Rule
from automations.naming import names_of
from automations.recipes import recipes
from automations.showing import state, words
from clinic.errors import ClinicError

PUBLISH = "automations_rule_save_and_publish"
MODE_COLOURS = {"on": "success", "review": "info", "paused": "warning", "quarantined": "danger"}


class RuleChangeList(ChangeList):
    """The list of rules, each with its sentence and how it is doing."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page of rules, and then what belongs to them at once."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        state.add_state(self.result_list)


@admin.register(Rule)
class RuleAdmin(TypedForms, EnrolPages, RecipePages, VerbPages, AskPages, ClinicAdmin):
    """Rules: built in sections, written by automations.lifecycle alone."""

    form = RuleForm
    view_roles = EVERYBODY
    audits_writes = False
    compressed_fields = True
    change_form_template = "admin/automations/rule/change_form.html"
    list_display = ("rule_name", "sentence", "mode_badge", "health", "from_recipe")
    list_display_links = ("rule_name",)
    list_filter = ("mode",)
    list_select_related = ("clinic",)
    search_fields = ("name", "slug", "description")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "description", "read_edits")}),
        (_("When"), {"fields": ("trigger_event", "trigger_config"), "classes": ["rule-when"]}),
        (_("Only if"), {"fields": ("conditions",), "classes": ["rule-only-if"]}),
        (_("Then"), {"fields": ("actions",), "classes": ["rule-then"]}),
        (
            _("Timing and limits"),
            {
                "fields": ("reentry_mode", "reentry_days", "stop_on", "recheck", "hourly_cap"),
                "classes": ["rule-limits"],
            },
        ),
    )
    actions_submit_line = ("save_and_publish",)

    class Media:
        css = {"all": ("automations/editor.css",)}

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the draft where it is: one that cannot be loaded must not hide the page."""
        return super().get_queryset(request).defer("draft")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """List the rules with their state."""
        return RuleChangeList

    @display(description=_("rule"), ordering="name")
    def rule_name(self, obj: Rule) -> str:
        """Name the rule."""
        return obj.name

    @display(description=_("in plain words"))
    def sentence(self, obj: Any) -> str:
        """Say what the rule does, or why it cannot."""
        if obj.health.unusable:
            return format_html('<span class="rule-bad">{}</span>', obj.health.unusable)
        return format_html('<span class="rule-words">{}</span>', obj.words)

    @display(description=_("mode"), label=MODE_COLOURS, ordering="mode")
    def mode_badge(self, obj: Rule) -> tuple[str, str]:
        """Show the mode."""
        return obj.mode, obj.get_mode_display()

    @display(description=_("health"))
    def health(self, obj: Any) -> str:
        """Say when it last ran, how often, how often it failed, and what it names that is gone."""
        return render_to_string("automations/health.html", {"health": obj.health})

    @display(description=_("from recipe"), ordering="recipe")
    def from_recipe(self, obj: Rule) -> str:
        """Name the shipped rule that it was made from."""
        return next((one.name for one in recipes() if one.slug == obj.recipe), obj.recipe)

    # --- the form ---

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the sentence instead of the inputs to those who may only look, and where no inputs can be made."""
        if obj is not None and (not self.has_change_permission(request, obj) or self._unreadable(obj)):
            return [(None, {"fields": ("name", "description", "plain_words")})]
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let nobody type into a rule of which no inputs can be made."""
        names = [name for name in super().get_readonly_fields(request, obj) if name != "slug"]
        if obj is not None and (not self.has_change_permission(request, obj) or self._unreadable(obj)):
            names += [*RuleForm.declared_fields, "plain_words"]
        return names

    def _unreadable(self, obj: Any) -> bool:
        if not hasattr(obj, "draft_is_unreadable"):
            obj.draft_is_unreadable = jsonforms.unreadable(draft_text(obj))
        return bool(obj.draft_is_unreadable)

    @display(description=_("in plain words"))
    def plain_words(self, obj: Rule) -> str:
        """Say what the draft does."""
        spec = draft_spec(obj)
        return words.plain_words(spec, names_of(obj.clinic_id, [spec])) if isinstance(spec, RuleSpec) else spec

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take the trigger from the address: how a page without scripts changes it."""
        return {"trigger_event": request.GET.get("trigger_event", "")}

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Rule:
        """Write the draft."""
        if not form.editable:
            raise ClinicError(gettext("No inputs can be made of this rule; nothing was saved."))
        values = {"name": form.cleaned_data["name"], "description": form.cleaned_data["description"]}
        try:
            if change:
                edits = form.cleaned_data.get("read_edits")
                return lifecycle.edit_draft(obj, document=form.document, edits=edits, **values)
            return lifecycle.create_rule(clinic=obj.clinic, document=form.document, **values)
        except RuleInvalid as error:
            raise ClinicError(str(error)) from error

    @action(description=_("Save and publish …"))
    def save_and_publish(self, request: HttpRequest, obj: Rule) -> None:
        """Go on to the confirmation of publishing, once the draft is saved."""

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Stay on the rule that was made, or go on to publish it."""
        if PUBLISH in request.POST:
            return redirect("admin:automations_rule_verb", obj.pk, "publish")
        return super().response_add(request, obj, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Go on to publish, where that was pressed."""
        if PUBLISH in request.POST:
            return redirect("admin:automations_rule_verb", obj.pk, "publish")
        return super().response_change(request, obj)

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer the buttons to those who may press them."""
        row = self.get_object(request, str(object_id)) if object_id else None
        if row is None:
            return list(super().get_actions_submit_line(request, object_id)) if self.has_add_permission(request) else []
        if not self.has_change_permission(request, row) or self._unreadable(row):
            return []
        return list(super().get_actions_submit_line(request, object_id))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add the side column: the sentence, the state, the buttons."""
        obj = kwargs.get("obj")
        form = context["adminform"].form
        document = getattr(form, "document", None) or getattr(form, "stored_document", None)
        context["rule_panel"] = words.typed_panel(document, form.clinic_id) if document else None
        context["rule_problems"] = getattr(form, "problems", [])
        context["rule_hidden"] = jsonforms.hidden(form.editor) if hasattr(form, "editor") else {}
        if obj is not None:
            context |= self._state_context(request, obj)
        else:
            context["actions_submit_line"] = self.get_actions_submit_line(request, None)
        return super().render_change_form(request, context, *args, **kwargs)

    def _state_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        changeable = self.has_change_permission(request, obj)
        state.add_state([obj])
        unreadable = self._unreadable(obj)
        raw = draft_text(obj)[:20_000] if unreadable else ""
        if not raw and obj.mode == Rule.Mode.QUARANTINED and obj.published_id:
            raw = state.unusable_version(obj.published_id)
        return {
            "rule": obj,
            "rule_raw": raw if changeable else "",
            "rule_unreadable": unreadable and obj.health.unusable,
            "rule_verbs": verbs_of(obj) if changeable else [],
            "rule_enrols": offered(obj, changeable),
            "rule_backtests": changeable,
            "rule_version": state.version_number(obj),
        }

    # --- while somebody types ---

    def get_urls(self) -> list[URLPattern]:
        """Add the helpers' addresses before Django's, which would take them for ids."""
        site = self.admin_site
        return [
            path("sentence/", site.admin_view(self.sentence_view), name="automations_rule_sentence"),
            path("lines/", site.admin_view(self.lines_view), name="automations_rule_lines"),
            *super().get_urls(),
        ]

    def sentence_view(self, request: HttpRequest) -> HttpResponse:
        """Say in plain words what is typed."""
        form = self.typed(request)
        form.is_valid()
        document = getattr(form, "document", None)
        panel = words.typed_panel(document, form.clinic_id) if document else None
        return render(request, "automations/panel.html", {"rule_panel": panel})

    def lines_view(self, request: HttpRequest) -> JsonResponse:
        """Return what may be chosen after another trigger: schemas, the typed data in their shape, what to hide."""
        form = self.typed(request)
        trigger = catalog.triggers.get(form.data.get("trigger_event", ""))
        parts = {
            name: {"schema": form.fields[name].widget.get_schema(), "data": json.loads(form.fields[name].widget.shown)}
            for name in ("trigger_config", "conditions", "actions")
            if form.fields[name].widget.shown is not None
        }
        stops = list(default_stop_on(trigger)) if trigger else []
        answer = {"parts": jsonforms.plain(parts), "hidden": jsonforms.hidden(form.editor), "stop_on": stops}
        return JsonResponse(answer)
