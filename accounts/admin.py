"""Admin pages of clinics, their staff, stop switches and the audit trail."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from accounts import audit, services
from accounts.admin_base import ADMINS, ClinicAdmin, ClinicModelForm, ReadOnlyAdmin, may
from accounts.admin_scope import reach, sees_all
from accounts.admin_tokens import ApiTokenAdmin
from accounts.asking import ask_again
from accounts.models import AuditEntry, Clinic, Membership, Pause, User

__all__ = ["ApiTokenAdmin"]

for _unwanted in (Group, EmailAddress, Authenticator, UserSession):
    admin.site.unregister(_unwanted)
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

OPERATORS = ("platform_operator",)  # nobody's role at a clinic: only platform operators pass


@admin.register(Clinic)
class ClinicsAdmin(ClinicAdmin):
    """Clinics: an operator opens one, its admins keep its settings."""

    list_display = ("name", "slug", "time_zone", "language")
    search_fields = ("name", "slug")
    add_roles = OPERATORS
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "language", "phone", "address")}),
        (_("Calendar"), {"fields": ("time_zone", "week_start", "quiet_start", "quiet_end", "closed_weekdays")}),
        (_("Messages"), {"fields": ("undo_seconds", "age_of_consent")}),
        (
            _("The most that one patient gets"),
            {
                "fields": (
                    ("cap_survey_day", "cap_survey_week"),
                    ("cap_marketing_day", "cap_marketing_week"),
                    ("cap_total_day", "cap_total_week"),
                ),
                "description": _(
                    "Empty: no cap. Transactional and clinical messages count towards messages of any kind, and are "
                    "never held back themselves."
                ),
            },
        ),
        (_("Treatments"), {"fields": ("adherence_grace_hours",)}),
        (_("Who gets in"), {"fields": ("require_mfa",)}),
    )
    actions_submit_line = ("pause_all", "end_pause_all")
    audits_writes = False

    def clinic_of(self, obj: Any) -> int | None:
        """Return the clinic itself."""
        return None if obj is None else obj.pk

    def write(self, request: HttpRequest, obj: Clinic, form: Any, change: bool) -> Clinic:
        """Open the clinic or change its settings."""
        if "require_mfa" in form.changed_data:
            ask_again(request)
        if change:
            return services.update_clinic(obj, **{name: form.cleaned_data[name] for name in form.changed_data})
        return services.create_clinic(**form.cleaned_data)

    @action(description=_("Pause all"), icon="pause_circle")
    def pause_all(self, request: HttpRequest, obj: Clinic) -> None:
        """Stop executing and sending everything of this clinic."""
        services.pause(clinic=obj, scope="clinic", why=str(_("Pressed “Pause all” on the clinic's page.")))
        self.message_user(request, _("Everything stands still until somebody ends the pause."))

    @action(description=_("End “Pause all”"), icon="play_circle")
    def end_pause_all(self, request: HttpRequest, obj: Clinic) -> None:
        """Let the clinic's work go on."""
        for standing in Pause.objects.filter(clinic=obj, scope="clinic", ended_at__isnull=True):
            services.end_pause(standing)
        self.message_user(request, _("Work goes on."))


class MembershipForm(ClinicModelForm):
    """A person at a clinic; while adding, who they are when they sign in."""

    email = forms.EmailField(label=_("email"), widget=UnfoldAdminEmailInputWidget, required=False)
    password = forms.CharField(
        label=_("first password"),
        required=False,
        widget=UnfoldAdminPasswordWidget,
        help_text=_("For somebody new. Leave it empty for a person who signs in already."),
    )

    def clean_email(self) -> str:
        """Ask for the address while adding."""
        email: str = self.cleaned_data["email"]
        if not self.instance.pk and not email:
            raise forms.ValidationError(_("Who is it? The email address is their login."), code="required")
        return email

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | {"user"}


@admin.register(Membership)
class MembershipAdmin(ClinicAdmin):
    """The staff of a clinic."""

    form = MembershipForm
    list_display = ("name", "slug", "role", "email", "is_active", "clinic")
    list_filter = ("role", "is_active")
    list_select_related = ("user", "clinic")
    search_fields = ("name", "slug", "user__email")
    prepopulated_fields = {"slug": ("name",)}
    asks_password = True
    audits_writes = False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the login while adding only."""
        names = ["name", "slug", "role", *(("email", "password") if obj is None else ("is_active",))]
        self_made = [(None, {"fields": names})]
        if obj is None and not self.clinic_to_add_in(request):
            names.insert(0, "clinic")
        return self_made

    @admin.display(description=_("email"))
    def email(self, obj: Membership) -> str:
        """Show the login."""
        return obj.user.email

    def write(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> Membership:
        """Add or change the person."""
        if change:
            return services.update_membership(obj, **{name: form.cleaned_data[name] for name in form.changed_data})
        names = ("role", "slug", "name", "email", "password")
        return services.add_membership(clinic=obj.clinic, **{name: form.cleaned_data[name] for name in names})


@admin.register(User)
class UsersAdmin(DjangoUserAdmin, ClinicAdmin):  # type: ignore[misc]
    """Logins. A clinic's admin changes those of people who work at that admin's clinics only."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_active", "is_platform_operator", "last_login")
    list_filter = ("is_active",)
    search_fields = ("username", "first_name", "last_name", "email")
    filter_horizontal = ()
    view_roles = ADMINS
    add_roles = OPERATORS
    asks_password = True
    OWN = ("is_platform_operator", "is_staff", "last_login")

    def clinic_of(self, obj: Any) -> int | None:
        """Return no clinic: a login may open several; `get_queryset` and `has_change_permission` decide."""
        return None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let an admin change a login that opens nothing outside the admin's own clinics."""
        if obj is None or sees_all(request):
            return may(request, self.change_roles)
        if obj.is_platform_operator or obj.is_superuser:
            return False
        theirs = set(Membership.objects.filter(user=obj).values_list("clinic_id", flat=True))
        mine = reach(request, ADMINS) or set()
        return bool(theirs) and theirs <= mine

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what rights the platform gives to operators only."""
        if obj is None:
            return self.add_fieldsets
        own = self.OWN if sees_all(request) else ()
        names = ("username", "password", "first_name", "last_name", "email", "is_active", *own)
        return [(None, {"fields": names})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep the login's name, except for operators."""
        return ("last_login",) if sees_all(request) else ("username", "last_login")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a password and record who did."""
        ask_again(request)
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            self.note("password_set", self.get_object(request, id))
        return response


class PauseForm(ClinicModelForm):
    """What a new pause stops: nobody stops a whole clinic by leaving the choice out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "target_id" in self.fields:
            self.fields["target_id"].help_text = _("The id of the rule or of the patient; empty for the whole clinic.")

    def validate_constraints(self) -> None:
        """Leave it to the service, which says what does not fit and keeps to a pause that stands already."""


@admin.register(Pause)
class PauseAdmin(ClinicAdmin):
    """Stop switches: standing ones and those that ended."""

    form = PauseForm
    list_display = ("scope", "target_id", "why", "created_by", "created_at", "ended_at", "clinic")
    list_filter = ("scope",)
    list_select_related = ("created_by", "clinic")
    fields = ("scope", "target_id", "why")
    actions = ("end_pauses",)
    actions_submit_line = ("end_this",)
    audits_writes = False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show everything of a pause that exists; nothing of it can be changed but its end."""
        if obj is None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": self.get_readonly_fields(request, obj)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep what was said when the pause began."""
        return () if obj is None else ("scope", "target_id", "why", "created_by", "created_at", "ended_at")

    def write(self, request: HttpRequest, obj: Pause, form: Any, change: bool) -> Pause | None:
        """Pause what was chosen."""
        if change:
            return obj
        asked = form.cleaned_data
        return services.pause(clinic=obj.clinic, scope=asked["scope"], target=asked["target_id"], why=asked["why"])

    @action(description=_("End this pause"), icon="play_circle")
    def end_this(self, request: HttpRequest, obj: Pause) -> None:
        """Let the work go on."""
        services.end_pause(obj)

    @admin.action(description=_("End the selected pauses"), permissions=["change"])
    def end_pauses(self, request: HttpRequest, queryset: QuerySet[Pause]) -> None:
        """Let the work of these go on."""
        self.for_each(
            request,
            queryset,
            services.end_pause,
            lambda count: ngettext("%(count)d pause ended.", "%(count)d pauses ended.", count) % {"count": count},
        )


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who read or changed what. Nobody edits it, and reading it is recorded too."""

    view_roles = ADMINS
    list_display = ("at", "actor_name", "action", "object_type", "object_id", "patient_id", "ip")
    search_fields = ("action", "=object_id", "=patient_id")
    show_full_result_count = False
    audited_reads = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Name the people."""
        names = User.objects.filter(pk=OuterRef("actor_id")).values("username")[:1]
        person = Case(When(actor_kind="user", then=Subquery(names)), default=F("actor_kind"))
        return super().get_queryset(request).annotate(person=person)

    @admin.display(description=_("who"))
    def actor_name(self, obj: Any) -> str:
        """Show the login, or the kind of actor."""
        return f"{obj.person or obj.actor_kind}"

    def note(self, what: str, obj: Any = None, detail: dict[str, Any] | None = None) -> None:
        """Say that the trail was looked at, without naming its rows' patients anew."""
        audit.record(f"audit.{what}", clinic_id=getattr(obj, "clinic_id", None), detail=detail)
