"""The admin page of API tokens: made, rotated and revoked here; a new secret is shown once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from accounts import tokens
from accounts.admin_base import ADMINS, ClinicAdmin, ClinicModelForm
from accounts.models import ApiToken


class ApiTokenForm(ClinicModelForm):
    """A token to make: what it is for, what it opens, how long."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=ApiToken.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    days = forms.IntegerField(
        label=_("days"),
        min_value=1,
        max_value=tokens.MAX_DAYS,
        initial=tokens.DEFAULT_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("How long it is good, at most a year."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:  # nothing of a token that exists is typed again
            self.fields.clear()

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | {"digest", "hint", "expires_at"}


@admin.register(ApiToken)
class ApiTokenAdmin(ClinicAdmin):
    """The programs that call the API for a clinic. Nothing of a token changes but that it ends."""

    form = ApiTokenForm
    view_roles = ADMINS
    list_display = ("name", "hint", "scopes", "last_used_at", "expires_at", "revoked_at", "clinic")
    list_select_related = ("clinic",)
    search_fields = ("name", "=hint")
    actions_submit_line = ("rotate", "revoke")
    asks_password = True
    audits_writes = False
    KEPT = ("name", "hint", "scopes", "created_at", "created_by", "last_used_at", "expires_at", "revoked_at")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what a new one needs; show what there is of one that exists."""
        names = ["name", "scopes", "days"] if obj is None else list(self.KEPT)
        if obj is None and not self.clinic_to_add_in(request):
            names.insert(0, "clinic")
        return [(None, {"fields": names})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep everything of a token that exists."""
        return () if obj is None else self.KEPT

    def write(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> ApiToken:
        """Make the token and show its secret."""
        if change:
            return obj
        given = {name: form.cleaned_data[name] for name in ("name", "scopes", "days")}
        token, secret = tokens.create_token(clinic=obj.clinic, **given)
        self._show(request, secret)
        return token

    def _show(self, request: HttpRequest, secret: str) -> None:
        text = _("Copy the token now; it is shown this once: %(secret)s") % {"secret": secret}
        self.message_user(request, text, messages.WARNING)

    @action(description=_("Rotate"), icon="autorenew")
    def rotate(self, request: HttpRequest, obj: ApiToken) -> None:
        """Make a successor; this one stays good for a day."""
        _new, secret = tokens.rotate_token(obj)
        self._show(request, secret)

    @action(description=_("Revoke"), icon="block")
    def revoke(self, request: HttpRequest, obj: ApiToken) -> None:
        """End the token now."""
        tokens.revoke_token(obj)
