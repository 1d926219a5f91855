"""The admin page of patients, with those who stand by them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from accounts.admin_base import ClinicAdmin, ClinicInline, WatchedModelForm
from accounts.models import Pause
from accounts.permissions import EVERYBODY
from accounts.services import end_pause, pause
from patients import services
from patients.admin_access import ConsentAdmin, FeatureGrantAdmin, LibraryItemAdmin
from patients.models import Contact, Patient

__all__ = ["ConsentAdmin", "FeatureGrantAdmin", "LibraryItemAdmin", "PatientAdmin"]


class ContactInline(ClinicInline):
    """People who stand by a patient."""

    model = Contact
    fields = ("name", "relation", "email", "phone", "language", "gets_messages", "may_sign")
    add_roles = change_roles = EVERYBODY


@admin.register(Patient)
class PatientAdmin(ClinicAdmin):
    """Patients. They are archived, never deleted."""

    form = WatchedModelForm
    list_display = ("family_name", "given_name", "birth_date", "specialist", "status", "email")
    list_display_links = ("family_name", "given_name")
    list_filter = ("status", "specialist", "sex")
    list_select_related = ("specialist",)
    search_fields = ("family_name", "given_name", "=external_id", "=email")
    inlines = (ContactInline,)
    add_roles = change_roles = EVERYBODY
    audits_writes = False
    readonly_fields = ("status", "deceased_on", "email_status", "registered_at", "summary")
    actions_submit_line = ("archive", "discharge", "reactivate", "stop_automations", "resume_automations")
    fieldsets = (
        (None, {"fields": ("given_name", "family_name", "birth_date", "sex", "external_id")}),
        (_("Contact"), {"fields": ("email", "phone", "city", "language", "time_zone")}),
        (_("Care"), {"fields": ("specialist", "tags", "source")}),
    )
    STATE = (_("State"), {"fields": ("status", "deceased_on", "email_status", "registered_at", "summary")})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the state of a patient who is registered."""
        sets = super().get_fieldsets(request, obj)
        return sets if obj is None else [*sets, self.STATE]

    @admin.display(description=_("summary"))
    def summary(self, obj: Patient) -> str:
        """Link to the page that sums the patient up."""
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">{}</a>',
            reverse("staff:patient-summary", args=[obj.pk]),
            _("Open"),
            reverse("admin:automations_rule_of_patient", args=[obj.pk]),
            _("why did a rule run, or not?"),
        )

    def write(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> Patient:
        """Register the patient, or change what is known."""
        fields = {name: form.cleaned_data[name] for name in services.FIELDS if name in form.cleaned_data}
        if not change:
            return services.register(clinic=obj.clinic, **fields)
        changed = {name: value for name, value in fields.items() if name in form.changed_data}
        return services.update(obj, revision=form.cleaned_data["read_revision"], **changed)

    @action(description=_("Archive"), icon="archive")
    def archive(self, request: HttpRequest, obj: Patient) -> None:
        """Put the record away."""
        services.archive(obj)

    @action(description=_("Discharge"), icon="logout")
    def discharge(self, request: HttpRequest, obj: Patient) -> None:
        """End the care."""
        services.discharge(obj)

    @action(description=_("Reactivate"), icon="undo")
    def reactivate(self, request: HttpRequest, obj: Patient) -> None:
        """Take the patient back."""
        services.reactivate(obj)

    @action(description=_("Stop automations for this patient"), icon="pause_circle")
    def stop_automations(self, request: HttpRequest, obj: Patient) -> None:
        """Execute and send nothing for the patient."""
        why = str(_("Pressed on the patient's page."))
        pause(clinic=obj.clinic, scope=Pause.Scope.PATIENT, target=obj, why=why)

    @action(description=_("Let automations go on"), icon="play_circle")
    def resume_automations(self, request: HttpRequest, obj: Patient) -> None:
        """Let what waits for the patient go on."""
        scope = Pause.Scope.PATIENT
        for standing in Pause.objects.filter(clinic=obj.clinic, scope=scope, target_id=obj.pk, ended_at__isnull=True):
            end_pause(standing)
