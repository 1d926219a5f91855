"""The admin pages of what patients may use and agreed to be sent, and of the clinic's library."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, URLField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from accounts.admin_base import ClinicAdmin, WatchedModelForm
from accounts.permissions import EVERYBODY
from patients import services
from patients.library import EDITORS, ITEM_FIELDS
from patients.models import Consent, FeatureGrant, LibraryItem


@admin.register(FeatureGrant)
class FeatureGrantAdmin(ClinicAdmin):
    """Who may use what, and until when. Granting again extends; taking back is a button."""

    form = WatchedModelForm
    list_display = ("patient", "feature", "granted_at", "expires_at", "ended_at")
    list_filter = ("feature",)
    list_select_related = ("patient",)
    search_fields = ("patient__family_name", "patient__given_name")
    autocomplete_fields = ("patient",)
    add_roles = change_roles = EVERYBODY
    audits_writes = False
    actions_submit_line = ("revoke",)
    SAID = ("patient", "feature", "expires_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what a person decides, and of a grant that exists also what became of it."""
        return self.SAID if obj is None else (*self.SAID, "granted_at", "ended_at", "source_step")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave a grant that exists to its button, and to granting again."""
        return () if obj is None else self.get_fields(request, obj)

    def write(self, request: HttpRequest, obj: FeatureGrant, form: Any, change: bool) -> FeatureGrant:
        """Grant the feature, or extend the grant that stands."""
        if change:
            return obj
        return services.grant_access(obj.patient, feature=obj.feature, until=obj.expires_at)

    @action(description=_("Revoke"), icon="lock")
    def revoke(self, request: HttpRequest, obj: FeatureGrant) -> None:
        """Take the feature back."""
        if obj.ended_at is None:
            services.revoke_access(obj.patient, feature=obj.feature)


@admin.register(Consent)
class ConsentAdmin(ClinicAdmin):
    """What patients said about messages, a line for each category and way."""

    form = WatchedModelForm
    list_display = ("patient", "category", "channel", "granted", "said_at")
    list_filter = ("category", "channel", "granted")
    list_select_related = ("patient",)
    search_fields = ("patient__family_name", "patient__given_name")
    autocomplete_fields = ("patient",)
    fields = ("patient", "category", "channel", "granted")
    add_roles = change_roles = EVERYBODY
    audits_writes = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of a line that exists only the answer can change."""
        return () if obj is None else ("patient", "category", "channel")

    def write(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> Consent:
        """Note what the patient said."""
        line = {"category": obj.category, "channel": obj.channel, "granted": form.cleaned_data["granted"]}
        said = services.set_consents(obj.patient, [line])
        return next(row for row in said if (row.category, row.channel) == (obj.category, obj.channel))


@admin.register(LibraryItem)
class LibraryItemAdmin(ClinicAdmin):
    """What the clinic offers to read and to watch."""

    list_display = ("title", "slug", "language", "archived_at")
    search_fields = ("title", "slug")
    fields = ("title", "slug", "text", "video_url", "language", "archived_at")
    readonly_fields = ("archived_at",)
    prepopulated_fields = {"slug": ("title",)}
    add_roles = change_roles = EDITORS
    audits_writes = False
    actions = ("archive", "restore")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Take a link typed without its scheme as a safe one."""
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def write(self, request: HttpRequest, obj: LibraryItem, form: Any, change: bool) -> LibraryItem:
        """Put the item into the library, or change it."""
        values = {name: form.cleaned_data[name] for name in ITEM_FIELDS}
        if change:
            return services.update_item(obj, **values)
        return services.add_item(clinic=obj.clinic, slug=form.cleaned_data["slug"], **values)

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, rows: QuerySet[LibraryItem]) -> None:
        """Show the selected items no longer."""
        self.for_each(request, rows, services.archive_item, lambda n: ngettext("%d archived.", "%d archived.", n) % n)

    @admin.action(description=_("Offer again"), permissions=["change"])
    def restore(self, request: HttpRequest, rows: QuerySet[LibraryItem]) -> None:
        """Show the selected items again."""
        self.for_each(request, rows, services.restore_item, lambda n: ngettext("%d restored.", "%d restored.", n) % n)
