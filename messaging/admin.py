"""Templates with their texts; deliveries and notifications to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin_base import ADMINS, ClinicAdmin, ClinicInline, ReadOnlyAdmin
from clinic.errors import ClinicError
from messaging import reasons, services
from messaging.liquid import TextError, parse
from messaging.models import Delivery, DeliveryAttempt, MessageBody, MessageTemplate, Notification
from messaging.templates import Body, archive_template, check_bodies, finish, restore_template
from messaging.text import compose, samples
from messaging.variables import variables


class BodyFormSet(BaseInlineFormSet):
    """The texts of one template, checked together; what is wrong stands at the field that it is about."""

    _should_delete_form: Callable[[Any], bool]

    def clean(self) -> None:
        """Check every text that is to stay."""
        super().clean()
        if any(self.errors):
            return
        kept = [form for form in self.forms if form.cleaned_data and not self._should_delete_form(form)]
        bodies = [Body(*(form.cleaned_data[name] for name in ("language", "subject", "text"))) for form in kept]
        try:
            check_bodies(bodies, inside_only=self.instance.inside_only)
        except ClinicError as error:
            parts = error.path.split("/")
            if len(parts) == 3:
                kept[int(parts[1])].add_error(parts[2], error.message)
            # The formset keeps its forms' errors from before this check, so it has to fail as well.
            self._non_form_errors = self.error_class([error.message], error_class="nonform")
            self._errors = [form.errors for form in self.forms]


class BodyInline(ClinicInline):
    """Subject and text in each language."""

    model = MessageBody
    formset = BodyFormSet
    delete_roles = ADMINS
    min_num = 1


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ClinicAdmin):
    """The messages that rules send."""

    list_display = ("name", "slug", "category", "inside_only", "archived_at")
    list_filter = ("category", "inside_only")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "category", "inside_only", "archived_at", "offered", "preview")
    readonly_fields = ("archived_at", "offered", "preview")
    prepopulated_fields: ClassVar[Any] = {"slug": ("name",)}
    inlines = (BodyInline,)
    actions = ("archive", "restore")

    @admin.display(description=_("variables"))
    def offered(self, obj: MessageTemplate | None) -> str:
        """List what a text may use."""
        known = variables.known()
        allowed = {name: one for name, one in known.items() if not one.sensitive or (obj and obj.inside_only)}
        rows = sorted((name, one.label) for name, one in allowed.items())
        return format_html("<ul>{}</ul>", format_html_join("", "<li><code>{{{{ {} }}}}</code> {}</li>", rows))

    @admin.display(description=_("preview"))
    def preview(self, obj: MessageTemplate | None) -> str:
        """Show each text with example values, as a message looks."""
        if obj is None or obj.pk is None:
            return _now("Save the template to see it with example values.")
        return format_html_join("", "{}", ((self._sample(body),) for body in obj.bodies.order_by("language")))

    @staticmethod
    def _sample(body: MessageBody) -> str:
        try:
            subject, text = parse(body.subject), parse(body.text)
            clinic = body.template.clinic
            values = samples(subject.names | text.names, variables.known(), language=body.language, clinic=clinic)
            content = compose(
                subject=subject.render(values),
                text=text.render(values),
                language=body.language,
                clinic_name=clinic.name,
            )
        except TextError as error:
            return format_html("<p><strong>{}</strong> {}</p>", body.language, error)
        return format_html(
            '<p><strong>{}</strong> {}</p><iframe title="{}" sandbox srcdoc="{}" width="100%" height="260"></iframe>',
            body.language,
            content.subject,
            f"{_now('preview')}: {body.language}",
            content.html,
        )

    def write(self, request: HttpRequest, obj: MessageTemplate, form: Any, change: bool) -> None:
        """Store a new template; a changed one is stored after its texts, see save_related."""
        if not change:
            obj.save()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the texts, then the template, so that who listens finds both new."""
        super().save_related(request, form, formsets, change)
        finish(form.instance)

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, rows: Any) -> None:
        """Offer the selected templates no longer."""
        self.for_each(request, rows, archive_template, lambda n: ngettext("%d archived.", "%d archived.", n) % n)

    @admin.action(description=_("Offer again"), permissions=["change"])
    def restore(self, request: HttpRequest, rows: Any) -> None:
        """Offer the selected templates again."""
        self.for_each(request, rows, restore_template, lambda n: ngettext("%d restored.", "%d restored.", n) % n)


class AttemptInline(ClinicInline):
    """The conversations with the mail server."""

    model = DeliveryAttempt
    add_roles = change_roles = ()
    fields = readonly_fields = ("number", "started_at", "ended_at", "outcome", "answer")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What left the house, what did not, and why."""

    list_display = ("id", "patient", "to", "template", "category", "state", "why", "not_before", "finished_at")
    list_filter = ("state", "category", "purpose")
    list_select_related = ("patient", "contact", "recipient", "template")
    search_fields = ("message_id", "patient__family_name", "patient__given_name")
    date_hierarchy = "not_before"
    inlines = (AttemptInline,)
    actions = ("try_again",)
    fields = readonly_fields = (
        *("patient", "to", "address", "category", "purpose", "template", "state", "why", "last_error"),
        *("not_before", "not_after", "finished_at", "attempts", "message_id", "source_step"),
        *("language", "subject", "body_text"),
    )

    @admin.display(description=_("to"))
    def to(self, obj: Delivery) -> str:
        """Name the reader."""
        return str(obj.recipient or obj.contact or obj.patient)

    @admin.display(description=_("why"))
    def why(self, obj: Delivery) -> str:
        """Say the reason in words."""
        return reasons.words(obj.reason) if obj.reason else ""

    @admin.action(description=_("Try again"), permissions=["view"])
    def try_again(self, request: HttpRequest, rows: Any) -> None:
        """Queue the selected deliveries that did not arrive once more."""
        self.for_each(
            request, rows, services.retry_failed, lambda n: ngettext("%d queued again.", "%d queued again.", n) % n
        )


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What people were told inside the platform."""

    list_display = ("title", "patient", "recipient", "visible_at", "read_at", "withdrawn_at")
    list_select_related = ("patient", "recipient")
    list_filter = ("recipient",)
    search_fields = ("title", "patient__family_name", "patient__given_name")
    fields = readonly_fields = (
        *("patient", "recipient", "title", "body", "link_kind", "visible_at", "not_after", "read_at", "withdrawn_at"),
        *("category", "withdrawn_reason", "listed_in", "source_step"),
    )
