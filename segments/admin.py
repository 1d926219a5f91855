"""The admin pages of segments: built with the rule editor's own inputs, with a count while somebody types."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from accounts.admin_base import ClinicAdmin
from accounts.permissions import EVERYBODY
from automations.admin import jsonforms
from automations.admin.typed import TypedForms
from automations.engine.problems import RuleInvalid
from clinic.errors import ClinicError
from segments import definition, selectors, services
from segments.admin_forms import MemberForm, SegmentForm
from segments.models import Segment, SegmentMembership
from segments.words import in_words


@admin.register(Segment)
class SegmentAdmin(TypedForms, ClinicAdmin):
    """Segments: a dynamic one by its conditions, a manual one by its list of patients."""

    form = SegmentForm
    view_roles = EVERYBODY
    audits_writes = False
    change_form_template = "admin/segments/segment/change_form.html"
    list_display = ("name", "kind", "who", "members", "archived_at")
    list_filter = ("kind",)
    list_select_related = ("clinic",)
    search_fields = ("name", "slug", "description")
    ordering = ("name",)
    actions = ("archive", "restore")
    readonly_fields = ("who", "members", "state")

    class Media:
        css = {"all": ("automations/editor.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        """Count the members along."""
        counted = Count("memberships", filter=Q(memberships__is_member=True))
        return super().get_queryset(request).annotate(member_count=counted)

    # --- what is shown ---

    @display(description=_("who is in it"))
    def who(self, obj: Segment) -> str:
        """Say the conditions in words, or why they cannot be used."""
        if not obj.is_dynamic:
            return gettext("whoever is added")
        try:
            return in_words(definition.parse(obj.conditions), obj.clinic_id)
        except RuleInvalid as error:
            return format_html('<span class="rule-bad">{}</span>', error.errors[0].message)

    @display(description=_("patients"), ordering="member_count")
    def members(self, obj: Any) -> str:
        """Count the members, and lead to them."""
        address = reverse("admin:segments_segmentmembership_changelist")
        query = f"?segment__id__exact={obj.pk}&is_member__exact=1"
        return format_html('<a class="rule-link" href="{}{}">{}</a>', address, query, obj.member_count)

    @display(description=_("state"))
    def state(self, obj: Segment) -> str:
        """Say whether its members are those of its definition."""
        if obj.broken:
            return gettext("It cannot be worked out: %s") % obj.broken
        if obj.archived_at is not None:
            return gettext("Archived: it changes no more.")
        if obj.is_dynamic and obj.built_version != obj.version:
            return gettext("Its patients are being worked out.")
        return gettext("Up to date.")

    # --- the form ---

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer conditions where they decide, and inputs to those who may change something."""
        changeable = self.has_change_permission(request, obj) if obj else True
        about = ["name", "slug", "kind", "description", *(["read_version", "state", "members"] if obj else [])]
        if obj is not None and not changeable:
            return [(None, {"fields": [name for name in about if name != "read_version"] + ["who"]})]
        sets: list[Any] = [(None, {"fields": about})]
        if obj is None or obj.is_dynamic:
            sets.append((_("Who is in it"), {"fields": ["conditions"], "classes": ["rule-only-if"]}))
        clinic = ["clinic"] if obj is None and not self.clinic_to_add_in(request) else []
        sets[0][1]["fields"] = [*clinic, *about]
        return sets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep the kind, as the slug, once the segment exists."""
        return [*super().get_readonly_fields(request, obj), *(["kind"] if obj else [])]

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Segment:
        """Define the segment, or define it anew."""
        given = form.cleaned_data
        values: dict[str, Any] = {"name": given["name"], "description": given["description"]}
        values["conditions"] = form.document
        try:
            if change:
                return services.update(obj, version=given.get("read_version"), **values)
            return services.create(clinic=obj.clinic, kind=given["kind"], slug=given["slug"], **values)
        except RuleInvalid as error:
            raise ClinicError(str(error)) from error

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add the side column."""
        form = context["adminform"].form
        context["rule_hidden"] = jsonforms.hidden(form.editor) if hasattr(form, "editor") else {}
        if hasattr(form, "editor"):
            context |= self._count(form)
        return super().render_change_form(request, context, *args, **kwargs)

    def _count(self, form: SegmentForm) -> dict[str, Any]:
        """Count whom the conditions would match now; while they are not whole, what is missing."""
        conditions = form.document if form.is_bound else form.instance.conditions or definition.EVERYONE
        clinic = services.Clinic.objects.filter(pk=form.clinic_id or 0).first()
        if clinic is None or conditions is None:
            return {"segment_missing": [problem.message for problem in form.problems[:3]]}
        try:
            found = selectors.preview(clinic, conditions, sample=0)
            said = in_words(definition.parse(conditions), clinic.pk)
        except RuleInvalid as error:
            return {"segment_missing": [problem.message for problem in error.errors[:3]]}
        return {"segment_preview": found, "segment_words": said}

    # --- while somebody types ---

    def get_urls(self) -> list[URLPattern]:
        """Add the helpers' addresses before Django's, which would take them for ids."""
        site = self.admin_site
        return [
            path("count/", site.admin_view(self.count_view), name="segments_segment_count"),
            path("lines/", site.admin_view(self.lines_view), name="segments_segment_lines"),
            *super().get_urls(),
        ]

    def count_view(self, request: HttpRequest) -> HttpResponse:
        """Count whom the typed conditions match."""
        form = self.typed(request)
        form.is_valid()
        return render(request, "segments/count.html", self._count(form))

    def lines_view(self, request: HttpRequest) -> JsonResponse:
        """Return what may be chosen at another clinic."""
        form = self.typed(request)
        parts: dict[str, Any] = {}
        if hasattr(form, "editor"):
            widget: Any = form.fields["conditions"].widget
            if widget.shown is not None:
                parts["conditions"] = {"schema": widget.get_schema(), "data": json.loads(widget.shown)}
        hidden = jsonforms.hidden(form.editor) if hasattr(form, "editor") else {}
        return JsonResponse({"parts": jsonforms.plain(parts), "hidden": hidden, "stop_on": []})

    # --- the list ---

    @action(description=_("Archive"))
    def archive(self, request: HttpRequest, queryset: Any) -> None:
        """Put segments away."""
        self.for_each(request, queryset, services.archive, lambda n: ngettext("%d archived.", "%d archived.", n) % n)

    @action(description=_("Restore"))
    def restore(self, request: HttpRequest, queryset: Any) -> None:
        """Take segments back."""
        self.for_each(request, queryset, services.restore, lambda n: ngettext("%d restored.", "%d restored.", n) % n)


@admin.register(SegmentMembership)
class SegmentMembershipAdmin(ClinicAdmin):
    """Who is in which segment, and who was; patients are added to manual ones here."""

    form = MemberForm
    view_roles = add_roles = EVERYBODY
    change_roles = ()
    audits_writes = False
    fields = ("segment", "patient")
    autocomplete_fields = ("patient",)
    list_display = ("patient", "segment", "is_member", "reason", "since")
    list_filter = ("segment", "is_member", "reason")
    list_select_related = ("patient", "segment")
    search_fields = ("patient__given_name", "patient__family_name", "patient__external_id")
    actions = ("remove",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show of a membership all there is."""
        return self.list_display if obj else self.fields

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> SegmentMembership:
        """Add the patient to the segment."""
        services.add_member(obj.segment, obj.patient)
        return SegmentMembership.objects.get(segment=obj.segment, patient=obj.patient)

    @action(description=_("Remove from the segment"))
    def remove(self, request: HttpRequest, queryset: Any) -> None:
        """Take the chosen patients out of their manual segments."""
        rows = queryset.select_related("segment", "patient")
        self.for_each(
            request,
            rows,
            lambda row: services.remove_member(row.segment, row.patient),
            lambda n: ngettext("%d removed.", "%d removed.", n) % n,
        )
        if not rows:
            self.message_user(request, gettext("Nobody was chosen."), messages.WARNING)
