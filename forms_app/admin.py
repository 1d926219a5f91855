"""Templates with their versions, the requests to patients, and what was signed."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from accounts import audit
from accounts.admin_base import ClinicAdmin, ClinicInline, ReadOnlyAdmin, WatchedModelForm
from accounts.permissions import EVERYBODY
from forms_app import services
from forms_app.admin_forms import TemplateForm
from forms_app.lifecycle import SOURCES
from forms_app.models import FormRequest, FormResponse, FormTemplate, FormTemplateVersion

Status = FormRequest.Status


class VersionInline(ClinicInline):
    """The versions that were published: to read only."""

    model = FormTemplateVersion
    fields = readonly_fields = ("number", "title", "created_at", "published_by")
    ordering = ("-number",)
    add_roles = change_roles = ()
    verbose_name_plural = _("published versions")


@admin.register(FormTemplate)
class FormTemplateAdmin(ClinicAdmin):
    """Forms: another wording is published as another version, never written over."""

    form = TemplateForm
    list_display = ("name", "slug", "kind", "archived_at")
    list_filter = ("kind",)
    search_fields = ("name", "slug")
    fields = ("name", "slug", "kind", *TemplateForm.WORDING, "archived_at")
    readonly_fields = ("archived_at",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (VersionInline,)
    actions = ("archive", "restore")
    audits_writes = False

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Show versions of a template that exists."""
        return super().get_inlines(request, obj) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep the kind: what was signed as a consent stays one."""
        return [*super().get_readonly_fields(request, obj), *(["kind"] if obj else [])]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave the boxes of the next wording out for people who may only look."""
        names = super().get_fields(request, obj)
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return names if may_write else [name for name in names if name not in TemplateForm.WORDING]

    def write(self, request: HttpRequest, obj: FormTemplate, form: Any, change: bool) -> FormTemplate:
        """Create or rename the template, and publish its wording if that is new."""
        given = form.cleaned_data
        if not change:
            obj = services.create_template(
                clinic=obj.clinic, slug=given["slug"], name=given["name"], kind=given["kind"]
            )
        elif "name" in form.changed_data:
            obj.save(update_fields=["name"])
            audit.record("form_template.renamed", obj=obj)
        before = obj.versions.count()
        version = services.publish_template_version(obj, **{name: given[name] for name in TemplateForm.WORDING})
        if obj.versions.count() > before:
            self.message_user(request, _("Version %(number)d is published.") % {"number": version.number})
        return obj

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, rows: Any) -> None:
        """Ask the selected forms of nobody from now on."""
        done = lambda n: ngettext("%d archived.", "%d archived.", n) % n  # noqa: E731
        self.for_each(request, rows, services.archive_template, done)

    @admin.action(description=_("Use again"), permissions=["change"])
    def restore(self, request: HttpRequest, rows: Any) -> None:
        """Let the selected forms be asked again."""
        done = lambda n: ngettext("%d restored.", "%d restored.", n) % n  # noqa: E731
        self.for_each(request, rows, services.restore_template, done)


@admin.register(FormRequest)
class FormRequestAdmin(ClinicAdmin):
    """What patients were asked for. Made here by hand or by rules; its states change by buttons only."""

    form = WatchedModelForm
    add_roles = EVERYBODY
    change_roles = EVERYBODY
    list_display = ("template", "patient", "status", "due_at", "blocking", "finished_at")
    list_filter = ("status", "template", "blocking")
    list_select_related = ("template", "patient")
    search_fields = ("patient__given_name", "patient__family_name", "template__name")
    autocomplete_fields = ("patient", "template")
    actions = ("void_selected", "withdraw_selected")
    actions_submit_line = ("press_void", "press_withdraw", "press_expire")
    audits_writes = False
    ASKED = ("patient", "template", "due_at", "blocking")
    KEPT = ("version", "status", "reason", "finished_at", "about_type", "about_id", "message", "source_step")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what a person decides; show what became of it."""
        return list(self.ASKED) if obj is None else [*self.ASKED, *self.KEPT]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let nothing be written over."""
        return [] if obj is None else [*self.ASKED, *self.KEPT]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer forms that are in use."""
        if db_field.name == "template":
            kwargs["queryset"] = FormTemplate.objects.filter(archived_at=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def write(self, request: HttpRequest, obj: FormRequest, form: Any, change: bool) -> FormRequest:
        """Ask the patient; what is open or signed already is not asked twice."""
        if change:
            return obj
        asked = services.request_form(
            clinic=obj.clinic,
            patient=obj.patient,
            template=obj.template,
            due_at=obj.due_at,
            blocking=obj.blocking,
        )
        if asked.outcome != "created":
            self.message_user(request, _("This was asked before; nothing is asked twice."), messages.WARNING)
        return asked.request

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer the buttons that lead on from the request's state, and the one that was pressed."""
        row = self.get_object(request, str(object_id)) if object_id else None
        if row is None or not self.has_change_permission(request, row):
            return []
        leads = {"void": Status.VOIDED, "withdraw": Status.WITHDRAWN, "expire": Status.EXPIRED}
        consent = row.template.kind == FormTemplate.Kind.CONSENT
        offered = {
            f"forms_app_formrequest_press_{verb}"
            for verb, to in leads.items()
            if row.status in SOURCES[to] and (verb != "withdraw" or consent)
        }
        every = super().get_actions_submit_line(request, object_id)
        return [one for one in every if one.action_name in offered or one.action_name in request.POST]

    def _press(self, request: HttpRequest, obj: FormRequest, verb: Any, words: Any) -> None:
        obj.__dict__.update(verb(obj).__dict__)
        self.message_user(request, str(words), messages.SUCCESS)

    @action(description=_("Void"))
    def press_void(self, request: HttpRequest, obj: FormRequest) -> None:
        """Take an open request back."""
        self._press(request, obj, services.void, _("Voided."))

    @action(description=_("Withdraw consent"))
    def press_withdraw(self, request: HttpRequest, obj: FormRequest) -> None:
        """Note that the patient takes a signed consent back."""
        self._press(request, obj, services.withdraw, _("Withdrawn; what was signed stays on record."))

    @action(description=_("Too late"))
    def press_expire(self, request: HttpRequest, obj: FormRequest) -> None:
        """End an open request that is of no use any more."""
        self._press(request, obj, services.expire, _("Expired."))

    @admin.action(description=_("Void the selected requests"), permissions=["change"])
    def void_selected(self, request: HttpRequest, rows: QuerySet[FormRequest]) -> None:
        """Take these requests back."""
        done = lambda n: ngettext("%d voided.", "%d voided.", n) % n  # noqa: E731
        self.for_each(request, rows, services.void, done)

    @admin.action(description=_("Withdraw the selected consents"), permissions=["change"])
    def withdraw_selected(self, request: HttpRequest, rows: QuerySet[FormRequest]) -> None:
        """Note that these consents are taken back."""
        done = lambda n: ngettext("%d withdrawn.", "%d withdrawn.", n) % n  # noqa: E731
        self.for_each(request, rows, services.withdraw, done)


@admin.register(FormResponse)
class FormResponseAdmin(ReadOnlyAdmin):
    """What was signed or submitted: to read only, here as in the database."""

    list_display = ("template", "patient", "number", "signed_by", "relation", "signed_at")
    list_filter = ("template",)
    list_select_related = ("template", "patient")
    search_fields = ("patient__given_name", "patient__family_name", "signed_by")
    fields = (
        "request",
        "patient",
        "version",
        "number",
        "answers_shown",
        "signed_by",
        "relation",
        "signed_at",
        "ip",
        "method",
        "witnessed_by",
        "content_hash",
        "intact",
    )
    readonly_fields = fields

    @admin.display(description=_("answers"))
    def answers_shown(self, obj: FormResponse) -> str:
        """Show the answers indented."""
        return format_html("<pre>{}</pre>", json.dumps(obj.answers, ensure_ascii=False, indent=2))

    @admin.display(description=_("unchanged since it was signed"), boolean=True)
    def intact(self, obj: FormResponse) -> bool:
        """Tell whether the hash still fits."""
        return services.is_intact(obj)
