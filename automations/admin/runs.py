"""The pages of what rules did: events, runs and steps. Only to be read; a step has buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.admin_base import ReadOnlyAdmin
from accounts.permissions import EVERYBODY
from automations import interventions
from automations.engine.declare import catalog
from automations.models import Event, Run, Step
from automations.naming import names_of
from automations.seen import moment
from automations.showing import trace
from automations.showing.trace import NOTHING
from clinic.errors import ClinicError

STATE_COLOURS = {
    "done": "success",
    "pending": "info",
    "held": "warning",
    "failed": "danger",
    "matched": "success",
    "error": "danger",
    "dead": "danger",
}
SEARCH = ("patient__family_name", "patient__given_name", "=patient__external_id", "rule__name")
INTERVENTIONS: dict[str, Callable[[Step], Step]] = {
    "skip": interventions.skip,
    "hold": interventions.hold,
    "release": interventions.release,
    "run_now": interventions.run_now,
    "retry": interventions.retry,
}


class TraceAdmin(ReadOnlyAdmin):
    """Rows of the engine: seen by everybody of the clinic, changed by nobody here."""

    view_roles = EVERYBODY
    list_per_page = 50
    show_full_result_count = False

    def link(self, row: Any, text: Any = None) -> str:
        """Link to a row's admin page, if it has one."""
        if row is None:
            return NOTHING
        address = trace.admin_address(row)
        return format_html('<a class="rule-link" href="{}">{}</a>', address, text or row) if address else str(row)

    @display(description=_("patient"))
    def patient_link(self, obj: Any) -> str:
        """Link to the patient."""
        return self.link(obj.patient)

    @display(description=_("subject"))
    def subject_link(self, obj: Any) -> str:
        """Link to what it is about."""
        return self.link(trace.subject_of(obj))


@admin.register(Event)
class EventAdmin(TraceAdmin):
    """What happened to patients' records."""

    list_display = ("occurred", "trigger_label", "patient", "state_badge", "muted")
    list_filter = ("trigger", "state")
    search_fields = SEARCH[:3]
    list_select_related = ("patient", "clinic")
    fields = (
        "trigger_label",
        "patient_link",
        "subject_link",
        "occurred",
        "recorded",
        "state",
        "origin",
        "muted",
        "caused_by_link",
        "depth",
        "runs_links",
        "facts_table",
    )
    readonly_fields = fields

    @display(description=_("what"), ordering="trigger")
    def trigger_label(self, obj: Event) -> str:
        """Name the trigger."""
        declared = catalog.triggers.get(obj.trigger)
        return str(declared.label) if declared else obj.trigger

    @display(description=_("occurred"), ordering="occurred_at")
    def occurred(self, obj: Event) -> str:
        """Say when it happened, in the clinic's zone."""
        return moment(obj.occurred_at, obj.clinic.time_zone)

    @display(description=_("recorded"))
    def recorded(self, obj: Event) -> str:
        """Say when it was written down."""
        return moment(obj.created_at, obj.clinic.time_zone)

    @display(description=_("state"), label=STATE_COLOURS)
    def state_badge(self, obj: Event) -> tuple[str, str]:
        """Show the state."""
        return obj.state, obj.get_state_display()

    @display(description=_("caused by"))
    def caused_by_link(self, obj: Event) -> str:
        """Link to the step that caused it."""
        return self.link(obj.caused_by)

    @display(description=_("runs"))
    def runs_links(self, obj: Event) -> Any:
        """Link to the runs that it led to."""
        runs = list(obj.runs.select_related("rule").order_by("pk"))
        return trace.below_each_other([self.link(run, f"{run.rule}; {run.get_outcome_display()}") for run in runs])

    @display(description=_("facts"))
    def facts_table(self, obj: Event) -> Any:
        """Show the facts that every rule saw."""
        facts = obj.facts if isinstance(obj.facts, dict) else {}
        zone = ZoneInfo(obj.clinic.time_zone)
        return trace.below_each_other([trace.fact_line(key, value, zone) for key, value in sorted(facts.items())])


@admin.register(Run)
class RunAdmin(TraceAdmin):
    """What rules answered to events, and why."""

    change_form_template = "admin/automations/run/change_form.html"
    list_display = ("at", "rule", "patient", "outcome_badge", "reason_text")
    list_filter = ("outcome", "rule")
    ordering = ("-id",)
    search_fields = SEARCH
    list_select_related = ("rule", "patient", "clinic")
    fields = ("outcome",)
    readonly_fields = ("outcome",)

    @display(description=_("at"), ordering="created_at")
    def at(self, obj: Run) -> str:
        """Say when, in the clinic's zone."""
        return moment(obj.created_at, obj.clinic.time_zone)

    @display(description=_("outcome"), label=STATE_COLOURS)
    def outcome_badge(self, obj: Run) -> tuple[str, str]:
        """Show the outcome."""
        return obj.outcome, obj.get_outcome_display()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave a rule's draft where it is: one that cannot be loaded must not hide the page."""
        return super().get_queryset(request).defer("rule__draft")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lay out the run."""
        run = kwargs["obj"]
        zone = run.clinic.time_zone
        event = run.event
        steps = run.steps.select_related("patient").order_by("pk")
        context |= {
            "run": run,
            "event": event,
            "event_label": str(getattr(catalog.triggers.get(event.trigger), "label", event.trigger)),
            "occurred": moment(event.occurred_at, zone),
            "recorded": moment(event.created_at, zone),
            "subject": trace.subject_of(event),
            "subject_address": trace.admin_address(trace.subject_of(event)) if trace.subject_of(event) else "",
            "patient_address": trace.admin_address(run.patient),
            "lines": trace.verdict_lines(run.verdict, names_of(run.clinic_id, [], [run.verdict]), zone),
            "steps": trace.step_lines(steps, zone, self.has_view_permission(request, run)),
        }
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Step)
class StepAdmin(TraceAdmin):
    """What rules do and will do: with the buttons to skip, hold, release, run now and retry."""

    change_form_template = "admin/automations/step/change_form.html"
    list_display = ("due", "action_label", "rule", "patient", "state_badge", "why")
    list_filter = ("state", "rule", "action")
    ordering = ("-due_at", "-id")
    search_fields = SEARCH
    list_select_related = ("rule", "patient", "clinic")
    fields = (
        "action_label",
        "state",
        "why",
        "due",
        "waiting",
        "not_after_text",
        "finished",
        "rule_link",
        "run_link",
        "patient_link",
        "subject_link",
        "role",
        "attempts",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave a rule's draft where it is."""
        return super().get_queryset(request).defer("rule__draft")

    @display(description=_("action"), ordering="action")
    def action_label(self, obj: Step) -> str:
        """Name the action."""
        declared = catalog.actions.get(obj.action)
        return str(declared.label) if declared else obj.action

    @display(description=_("due"), ordering="due_at")
    def due(self, obj: Step) -> str:
        """Say when it is due, in the clinic's zone."""
        return moment(obj.due_at, obj.clinic.time_zone)

    @display(description=_("not after"))
    def not_after_text(self, obj: Step) -> str:
        """Say when it is too late."""
        return moment(obj.not_after, obj.clinic.time_zone) or NOTHING

    @display(description=_("finished"))
    def finished(self, obj: Step) -> str:
        """Say when it ended."""
        return moment(obj.finished_at, obj.clinic.time_zone) or NOTHING

    @display(description=_("waiting for"))
    def waiting(self, obj: Step) -> str:
        """Name the event that it waits for."""
        return trace.trigger_label(obj.waiting_for) or NOTHING

    @display(description=_("state"), label=STATE_COLOURS)
    def state_badge(self, obj: Step) -> tuple[str, str]:
        """Show the state."""
        return obj.state, obj.get_state_display()

    @display(description=_("why"))
    def why(self, obj: Step) -> str:
        """Say the reason of its state."""
        return obj.reason_text or obj.reason or NOTHING

    @display(description=_("rule"))
    def rule_link(self, obj: Step) -> str:
        """Link to the rule."""
        return self.link(obj.rule)

    @display(description=_("run"))
    def run_link(self, obj: Step) -> str:
        """Link to the run that planned it."""
        return self.link(obj.run, _("Run #%d") % obj.run_id)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the step with its buttons and what it made."""
        step = kwargs["obj"]
        context["lines"] = trace.step_lines([step], step.clinic.time_zone, True)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """Add the buttons' address."""
        view = self.admin_site.admin_view(self.intervene)
        return [path("<int:step_id>/do/<slug:verb>/", view, name="automations_step_do"), *super().get_urls()]

    def intervene(self, request: HttpRequest, step_id: int, verb: str) -> HttpResponse:
        """Do one thing to a step, and go back to where the button was."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        step = self.get_object(request, str(step_id))
        call = INTERVENTIONS.get(verb)
        if step is None or call is None:
            raise Http404
        if not self.has_view_permission(request, step):
            raise PermissionDenied
        try:
            call(step)
            messages.success(request, _("Done: %s.") % trace.VERBS[verb])
        except ClinicError as error:
            messages.error(request, error.message)
        back = request.POST.get("back", "")
        safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
        return redirect(back if safe else reverse("admin:automations_step_change", args=[step.pk]))
