"""The sidebar of the admin: every page that a person may open, in the groups in which people look for them."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

GROUPS: tuple[tuple[Any, list[tuple[str, str]]], ...] = (
    (
        _("Automations"),
        [
            ("automations.Rule", "account_tree"),
            ("automations.Run", "play_arrow"),
            ("automations.Step", "checklist"),
            ("automations.Event", "bolt"),
        ],
    ),
    (
        _("Patients"),
        [
            ("patients.Patient", "person"),
            ("segments.Segment", "group_work"),
            ("segments.SegmentMembership", "how_to_reg"),
            ("patients.FeatureGrant", "lock_open"),
            ("patients.Consent", "how_to_reg"),
            ("appointments.Appointment", "event"),
            ("appointments.VisitSummary", "summarize"),
            ("treatments.TreatmentPlan", "exercise"),
            ("treatments.ExerciseSession", "fitness_center"),
            ("treatments.PainScore", "monitor_heart"),
            ("worklist.Task", "task_alt"),
        ],
    ),
    (
        _("Forms and messages"),
        [
            ("forms_app.FormTemplate", "description"),
            ("forms_app.FormRequest", "assignment"),
            ("messaging.MessageTemplate", "drafts"),
            ("messaging.Delivery", "outgoing_mail"),
            ("messaging.Notification", "notifications"),
            ("patients.LibraryItem", "menu_book"),
        ],
    ),
    (
        _("Clinic"),
        [
            ("accounts.Clinic", "local_hospital"),
            ("appointments.Service", "medical_services"),
            ("treatments.Program", "list_alt"),
            ("accounts.Membership", "groups"),
            ("accounts.User", "login"),
            ("accounts.ApiToken", "key"),
            ("accounts.Pause", "pause_circle"),
            ("accounts.AuditEntry", "history"),
        ],
    ),
)
"""Title, and (model, icon) of each page. A model without a page is left out."""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the navigation that this person may use."""
    found = []
    for title, pages in GROUPS:
        items = [_item(request, *page) for page in pages]
        kept = [item for item in items if item is not None]
        if kept:
            found.append({"title": str(title), "items": kept})
    return found


def _item(request: HttpRequest, label: str, icon: str) -> dict[str, Any] | None:
    model = apps.get_model(label)
    page = admin.site._registry.get(model)
    if page is None or not page.has_module_permission(request) or not page.has_view_permission(request):
        return None
    link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    title = str(model._meta.verbose_name_plural)
    return {"title": title[:1].upper() + title[1:], "icon": icon, "link": link}
