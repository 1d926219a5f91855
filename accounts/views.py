"""The page behind an invitation's link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import invitations
from accounts.models import Invitation, User
from clinic.errors import ClinicError


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Show what is offered; a POST takes it. Opening the link changes nothing."""
    invitation = invitations.find(secret)
    state = "unknown" if invitation is None else invitations.what_became(invitation)
    if invitation is None or state:
        return render(request, "account/join_over.html", {"state": state}, status=404 if invitation is None else 410)
    known = invitations.person_of(invitation)
    shown: dict[str, Any] = {"invitation": invitation, "known": known is not None}
    if known is None:
        return _join_as_new(request, invitation, shown)
    shown["is_them"] = request.user.pk == known.pk
    if request.method == "POST" and shown["is_them"]:
        try:
            invitations.accept(invitation, user=known)
        except ClinicError as error:
            messages.error(request, error.message)
            return render(request, "account/join.html", shown)
        messages.success(request, _("Welcome to %(clinic)s.") % {"clinic": invitation.clinic})
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "account/join.html", shown)


def _join_as_new(request: HttpRequest, invitation: Invitation, shown: dict[str, Any]) -> HttpResponse:
    somebody = User(username=invitation.email, email=invitation.email, first_name=invitation.name)
    form = SetPasswordForm(somebody, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            invitations.accept(invitation, password=form.cleaned_data["new_password1"])
        except ClinicError as error:
            form.add_error("new_password1" if error.path == "password" else None, error.message)
        else:
            messages.success(request, _("Your account is ready. Sign in with your address and the password."))
            return redirect(settings.LOGIN_URL)
    return render(request, "account/join.html", shown | {"form": form})
