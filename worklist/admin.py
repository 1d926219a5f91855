"""The admin page of tasks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin_base import ClinicAdmin
from accounts.permissions import EVERYBODY, Role
from worklist import services
from worklist.models import Task


@admin.register(Task)
class TaskAdmin(ClinicAdmin):
    """Tasks of the staff: made by rules and by people."""

    list_display = ("title", "patient", "assignee", "role", "due_at", "priority", "status")
    list_filter = ("status", "priority", "assignee")
    list_select_related = ("patient", "assignee")
    search_fields = ("title", "patient__family_name", "patient__given_name")
    autocomplete_fields = ("patient",)
    add_roles = change_roles = EVERYBODY
    audits_writes = False
    actions = ("claim_selected", "complete_selected")
    actions_submit_line = ("claim", "complete", "cancel")
    FIELDS = ("title", "details", "patient", "assignee", "role", "due_at", "priority")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what a person decides, and of a task that exists also what became of it."""
        return self.FIELDS if obj is None else (*self.FIELDS, "status", "finished_at", "finished_by", "source_step")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of a task that exists only the person it is for can change."""
        if obj is None:
            return ()
        return tuple(name for name in self.get_fields(request, obj) if name != "assignee")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles by name."""
        if db_field.name == "role":
            choices = [("", _("nobody in particular")), *Role.choices]
            return forms.ChoiceField(
                label=db_field.verbose_name, choices=choices, required=False, widget=UnfoldAdminSelectWidget
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def write(self, request: HttpRequest, obj: Task, form: Any, change: bool) -> Task:
        """Create the task, or give it to another person."""
        if change:
            return services.assign(obj, assignee=obj.assignee) if "assignee" in form.changed_data else obj
        return services.create(clinic=obj.clinic, **{name: form.cleaned_data[name] for name in self.FIELDS})

    @action(description=_("Claim"), icon="person_add")
    def claim(self, request: HttpRequest, obj: Task) -> None:
        """Take the task."""
        services.claim(obj)

    @action(description=_("Done"), icon="check")
    def complete(self, request: HttpRequest, obj: Task) -> None:
        """Note that it is done."""
        services.complete(obj)

    @action(description=_("Not needed"), icon="close")
    def cancel(self, request: HttpRequest, obj: Task) -> None:
        """Note that it need not be done."""
        services.cancel(obj)

    @admin.action(description=_("Claim the selected tasks"), permissions=["change"])
    def claim_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Take these tasks."""
        self.for_each(
            request,
            queryset,
            services.claim,
            lambda n: ngettext("%(n)d task claimed.", "%(n)d tasks claimed.", n) % {"n": n},
        )

    @admin.action(description=_("Mark the selected tasks done"), permissions=["change"])
    def complete_selected(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Note that these are done."""
        self.for_each(
            request,
            queryset,
            services.complete,
            lambda n: ngettext("%(n)d task done.", "%(n)d tasks done.", n) % {"n": n},
        )
