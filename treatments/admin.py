"""Programs, plans with the buttons of their life-cycle, sessions and pain."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from accounts.admin_base import ClinicAdmin, ClinicInline, WatchedModelForm
from accounts.admin_buttons import LifecycleButtons
from accounts.guards import CARE, DESK
from accounts.times import ClinicTimes
from treatments import services
from treatments.admin_forms import PlanForm, SessionForm, as_lines, read_lines
from treatments.lifecycle import OPEN, VERBS
from treatments.models import ExerciseSession, PainScore, Program, TreatmentPlan, WeeklyAdherence
from treatments.planning import CHANGEABLE

BUTTONS: dict[str, tuple[Any, Any]] = {
    "assign": (_("Assign"), _("Assigned.")),
    "pause": (_("Pause"), _("Paused.")),
    "resume": (_("Resume"), _("Resumed.")),
    "complete": (_("Complete"), _("Completed.")),
    "cancel": (_("Cancel plan"), _("Cancelled.")),
}


@admin.register(Program)
class ProgramAdmin(ClinicAdmin):
    """The kinds of plan that a clinic offers."""

    add_roles = change_roles = CARE
    list_display = ("name", "slug", "archived_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "archived_at")
    readonly_fields = ("archived_at",)
    prepopulated_fields = {"slug": ("name",)}
    actions = ("archive", "restore")

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, rows: Any) -> None:
        """Offer the selected programs no longer."""
        done = lambda n: ngettext("%d archived.", "%d archived.", n) % n  # noqa: E731
        self.for_each(request, rows, services.archive_program, done)

    @admin.action(description=_("Offer again"), permissions=["change"])
    def restore(self, request: HttpRequest, rows: Any) -> None:
        """Offer the selected programs again."""
        done = lambda n: ngettext("%d restored.", "%d restored.", n) % n  # noqa: E731
        self.for_each(request, rows, services.restore_program, done)


class WeekInline(ClinicInline):
    """The weeks that were evaluated: to read only."""

    model = WeeklyAdherence
    fields = readonly_fields = ("week_on", "completed", "prescribed", "percent")
    ordering = ("-first_on",)
    add_roles = change_roles = ()
    verbose_name_plural = _("weeks")


def _button(verb: str) -> Any:
    """Make the button of the form that takes a plan one step on."""
    label, done = BUTTONS[verb]

    def press(self: PlanAdmin, request: HttpRequest, obj: TreatmentPlan) -> None:
        extra = {"reason": request.POST.get("reason", "")} if verb == "cancel" else {}
        obj.__dict__.update(getattr(services, verb)(obj, **extra).__dict__)
        self.message_user(request, str(done), messages.SUCCESS)

    press.__name__ = f"press_{verb}"
    return action(description=label)(press)


@admin.register(TreatmentPlan)
class PlanAdmin(LifecycleButtons, ClinicAdmin):
    """Plans: written here as drafts, and taken through their life-cycle by buttons that post the form."""

    form = PlanForm
    add_roles = change_roles = CARE
    list_display = ("name", "patient", "program", "specialist", "status", "starts_on", "ends_on")
    list_filter = ("status", "program", "specialist")
    list_select_related = ("patient", "program", "specialist")
    search_fields = ("name", "patient__given_name", "patient__family_name", "external_id")
    autocomplete_fields = ("patient",)
    fields = ("patient", "program", "name", "specialist", "starts_on", "ends_on", "exercises", "status", "reason")
    readonly_fields = ("status",)
    inlines = (WeekInline,)
    audits_writes = False
    buttons = tuple(BUTTONS)
    actions_submit_line = tuple(f"press_{verb}" for verb in BUTTONS)

    for _verb in BUTTONS:
        vars()[f"press_{_verb}"] = _button(_verb)
    del _verb

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Show the weeks of a plan that exists."""
        return super().get_inlines(request, obj) if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what only a form can hold for people who may only look, and a new plan's state."""
        names = super().get_fields(request, obj)
        if obj is None:
            return [name for name in names if name not in ("status", "reason")]
        return (
            names
            if self.has_change_permission(request, obj)
            else [n for n in names if n not in ("exercises", "reason")]
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer for change only what the state of the plan lets change."""
        names = list(super().get_readonly_fields(request, obj))
        if obj is not None:
            names += ["patient"] if obj.status == TreatmentPlan.Status.DRAFT else ["patient", "starts_on"]
            names += [] if obj.status in OPEN else ["program", "name", "specialist", "ends_on"]
        return names

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form which button was pressed."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.pressed = self.pressed(request)
        return form

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Write the draft, or change what the form changed; other exercises are another version."""
        values = {name: form.cleaned_data[name] for name in CHANGEABLE if name in form.cleaned_data}
        exercises = form.cleaned_data["exercises"]
        if not change:
            return services.create_plan(clinic=obj.clinic, patient=obj.patient, exercises=exercises, **values)
        row = services.change(obj, revision=form.cleaned_data.get("read_revision"), **values)
        if row.status in OPEN and exercises != read_lines(as_lines(row)):
            services.revise(row, exercises=exercises)
        return row

    def leads_on(self, verb: str, status: str) -> bool:
        """Tell whether the button leads on from this state."""
        return status in VERBS[verb].sources


@admin.register(ExerciseSession)
class SessionAdmin(ClinicTimes):
    """Sessions, as patients and staff logged them; corrected here, or struck out."""

    form = SessionForm
    add_roles = change_roles = DESK
    list_display = ("done_at", "patient", "plan", "pain", "status", "logged_by")
    list_filter = ("status", "logged_by")
    list_select_related = ("patient", "plan")
    search_fields = ("patient__given_name", "patient__family_name", "plan__name")
    autocomplete_fields = ("plan",)
    fields = ("plan", "done_at", "pain", "note", "status", "logged_by", "member")
    readonly_fields = ("status", "logged_by", "member")
    actions = ("strike_selected",)
    audits_writes = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a session with its plan, and one that was struck out as it is."""
        names = [*super().get_readonly_fields(request, obj), *(["plan"] if obj else [])]
        struck = obj is not None and obj.status == ExerciseSession.Status.ENTERED_IN_ERROR
        return [*names, "done_at", "pain", "note"] if struck else names

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Log the session, or correct what the form corrected."""
        given = {name: form.cleaned_data[name] for name in ("done_at", "pain", "note") if name in form.cleaned_data}
        if change:
            return services.correct_session(obj, revision=form.cleaned_data.get("read_revision"), **given)
        return services.log_session(obj.plan, **given)

    @admin.action(description=_("Entered in error"), permissions=["change"])
    def strike_selected(self, request: HttpRequest, rows: Any) -> None:
        """Strike out the selected sessions."""
        done = lambda n: ngettext("%d struck out.", "%d struck out.", n) % n  # noqa: E731
        self.for_each(request, rows, services.strike_session, done)


@admin.register(PainScore)
class PainScoreAdmin(ClinicTimes):
    """Pain as patients told it; added here, or struck out, never written over."""

    form = WatchedModelForm
    add_roles = change_roles = DESK
    list_display = ("measured_at", "patient", "value", "source", "status")
    list_filter = ("source", "status")
    list_select_related = ("patient",)
    search_fields = ("patient__given_name", "patient__family_name")
    autocomplete_fields = ("patient",)
    fields = ("patient", "value", "measured_at")
    actions = ("strike_selected",)
    audits_writes = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show where a score that exists comes from."""
        return [*super().get_fields(request, obj), *(["source", "status"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let nothing be written over."""
        return [*self.fields, "source", "status"] if obj else []

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Note a new score; an old one stays."""
        if change:
            return obj
        given = {name: form.cleaned_data[name] for name in ("value", "measured_at")}
        return services.record_pain(clinic=obj.clinic, patient=obj.patient, **given)

    @admin.action(description=_("Entered in error"), permissions=["change"])
    def strike_selected(self, request: HttpRequest, rows: Any) -> None:
        """Strike out the selected scores."""
        done = lambda n: ngettext("%d struck out.", "%d struck out.", n) % n  # noqa: E731
        self.for_each(request, rows, services.strike_pain, done)
