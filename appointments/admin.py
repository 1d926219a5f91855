"""Services, appointments with the buttons of their life-cycle, and visit summaries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import URLField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from accounts.admin_base import ClinicAdmin
from accounts.admin_buttons import LifecycleButtons
from accounts.times import ClinicTimes
from appointments import services
from appointments.admin_forms import AppointmentForm, SummaryForm
from appointments.lifecycle import FINISHED, OPEN, UPCOMING, VERBS
from appointments.locking import CARE, DESK
from appointments.models import Appointment, Service, VisitSummary

BUTTONS: dict[str, tuple[Any, Any]] = {
    "confirm": (_("Confirm"), _("Confirmed.")),
    "start": (_("Start"), _("Started.")),
    "complete": (_("Complete"), _("Completed.")),
    "no_show": (_("No-show"), _("Noted as missed.")),
    "cancel": (_("Cancel visit"), _("Cancelled.")),
    "reopen": (_("Reopen"), _("Reopened as booked.")),
    "enter_in_error": (_("Entered in error"), _("Struck out.")),
}
WITH_REASON = {"cancel", "reopen", "enter_in_error"}


@admin.register(Service)
class ServiceAdmin(ClinicAdmin):
    """The kinds of visit that a clinic offers."""

    list_display = ("name", "slug", "minutes", "archived_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "minutes", "archived_at")
    readonly_fields = ("archived_at",)
    prepopulated_fields = {"slug": ("name",)}
    actions = ("archive", "restore")

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, rows: Any) -> None:
        """Offer the selected services no longer."""
        self.for_each(
            request, rows, services.archive_service, lambda n: ngettext("%d archived.", "%d archived.", n) % n
        )

    @admin.action(description=_("Offer again"), permissions=["change"])
    def restore(self, request: HttpRequest, rows: Any) -> None:
        """Offer the selected services again."""
        self.for_each(
            request, rows, services.restore_service, lambda n: ngettext("%d restored.", "%d restored.", n) % n
        )


def _button(verb: str) -> Any:
    """Make the button of the form that takes an appointment one step on."""
    label, done = BUTTONS[verb]

    def press(self: AppointmentAdmin, request: HttpRequest, obj: Appointment) -> None:
        extra = {"reason": request.POST.get("reason", "")} if verb in WITH_REASON else {}
        fresh = getattr(services, verb)(obj, **extra)
        obj.__dict__.update(fresh.__dict__)
        self.message_user(request, str(done), messages.SUCCESS)

    press.__name__ = f"press_{verb}"
    return action(description=label)(press)


def _list_action(verb: str) -> Any:
    """Make the action of the list that takes the selected appointments one step on."""

    def run(self: AppointmentAdmin, request: HttpRequest, rows: Any) -> None:
        self.for_each(
            request, rows, getattr(services, verb), lambda n: ngettext("%d visit changed.", "%d visits changed.", n) % n
        )

    run.__name__ = f"{verb}_selected"
    return admin.action(description=BUTTONS[verb][0], permissions=["change"])(run)


@admin.register(Appointment)
class AppointmentAdmin(LifecycleButtons, ClinicTimes):
    """Visits: booked here, and taken through their life-cycle by buttons that post the form."""

    form = AppointmentForm
    add_roles = change_roles = DESK
    list_display = ("starts_at", "patient", "service", "specialist", "status")
    list_filter = ("status", "service", "specialist")
    list_select_related = ("patient", "service", "specialist", "clinic")
    search_fields = ("patient__given_name", "patient__family_name", "external_id")
    date_hierarchy = "starts_at"
    autocomplete_fields = ("patient",)
    fields = (
        "patient",
        "service",
        "specialist",
        "starts_at",
        "minutes",
        "location",
        "join_url",
        "status",
        "series",
        "series_position",
        "reason",
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "patient",
                    "service",
                    "specialist",
                    "starts_at",
                    "minutes",
                    "location",
                    "join_url",
                    "override_reason",
                )
            },
        ),
    )
    readonly_fields = ("status", "series", "series_position")
    actions = tuple(f"{verb}_selected" for verb in ("confirm", "start", "complete", "no_show", "cancel"))
    buttons = tuple(BUTTONS)
    actions_submit_line = tuple(f"press_{verb}" for verb in BUTTONS)

    for _verb in BUTTONS:
        vars()[f"press_{_verb}"] = _button(_verb)
    for _verb in ("confirm", "start", "complete", "no_show", "cancel"):
        vars()[f"{_verb}_selected"] = _list_action(_verb)
    del _verb

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer for change only what the state of the visit lets change."""
        names = list(super().get_readonly_fields(request, obj))
        if obj is not None:
            names.append("patient")
            names += [] if obj.status in UPCOMING else ["starts_at", "service"]
            names += [] if obj.status in OPEN else ["specialist"]
        return names

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Take a link typed without its scheme as a safe one."""
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form which button was pressed."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.pressed = self.pressed(request)
        return form

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Book, or change what the form changed."""
        values = {name: form.cleaned_data[name] for name in services.CHANGEABLE if name in form.cleaned_data}
        if change:
            return services.change(obj, revision=form.cleaned_data.get("read_revision"), **values)
        reason = form.cleaned_data["override_reason"]
        return services.book(clinic=obj.clinic, patient=obj.patient, override_reason=reason, **values)

    def leads_on(self, verb: str, status: str) -> bool:
        """Tell whether the button leads on from this state."""
        return _possible(verb, status)


def _possible(verb: str, status: str) -> bool:
    return status in (VERBS[verb].sources if verb in VERBS else FINISHED)


@admin.register(VisitSummary)
class VisitSummaryAdmin(ClinicTimes):
    """What was written about visits; released by a button, and from then on only to be read."""

    form = SummaryForm
    view_roles = add_roles = change_roles = CARE
    list_display = ("appointment", "patient", "status", "released_at", "released_by")
    list_filter = ("status",)
    list_select_related = ("appointment__service", "patient", "released_by")
    search_fields = ("patient__given_name", "patient__family_name")
    autocomplete_fields = ("appointment",)
    fields = ("appointment", "text", "status", "released_at", "released_by")
    readonly_fields = ("status", "released_at", "released_by")
    actions_submit_line = ("press_release",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change what the patient may have read."""
        if obj is not None and obj.status == VisitSummary.Status.RELEASED:
            return False
        return bool(super().has_change_permission(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a summary with its visit."""
        return [*super().get_readonly_fields(request, obj), *(["appointment"] if obj else [])]

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer the release of a draft."""
        row = self.get_object(request, str(object_id)) if object_id else None
        if row is None or not self.has_change_permission(request, row):
            return []
        return list(super().get_actions_submit_line(request, object_id))

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Write the draft."""
        return services.write_summary(
            obj.appointment, text=form.cleaned_data["text"], revision=form.cleaned_data.get("read_revision")
        )

    @action(description=_("Release to the patient"))
    def press_release(self, request: HttpRequest, obj: VisitSummary) -> None:
        """Release the summary that this form shows."""
        obj.__dict__.update(services.release_summary(obj.appointment).__dict__)
        self.message_user(request, str(_("Released; the patient may read it.")), messages.SUCCESS)
