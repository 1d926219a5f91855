"""The clinic's API tokens: made, rotated and revoked; a secret is shown once, in the answer that made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import tokens as services
from accounts.models import ApiToken
from staff.frame import attempt, attempt_form, page, paged
from staff.pages.settings import ADMINS, own_as_admin


@page(*ADMINS, methods=("GET", "HEAD"))
def tokens(request: Any) -> HttpResponse:
    """List the clinic's tokens, the newest first."""
    rows = ApiToken.objects.for_clinic(request.desk.clinic).select_related("created_by").order_by("-pk")
    return render(request, "staff/settings/tokens.html", {"paged": paged(request, rows), "now": services.real_now()})


class TokenForm(forms.Form):
    """What a program may do, and for how long."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("Which program it is for.")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("It may"), choices=ApiToken.Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=services.MAX_DAYS,
        initial=services.DEFAULT_DAYS,
        help_text=gettext_lazy("How long it is good, at most a year."),
    )


@page(*ADMINS)
@reauthentication_required
def new_token(request: Any) -> HttpResponse:
    """Make a token and show its secret, here and nowhere again."""
    form = TokenForm(request.POST or None)
    made: list[Any] = []
    if request.method == "POST" and form.is_valid():
        wanted = {"clinic": request.desk.clinic, **form.cleaned_data}
        if attempt_form(form, lambda: made.extend(services.create_token(**wanted))):
            return _show(request, *made)
    return render(request, "staff/settings/token_new.html", {"form": form})


def _show(request: Any, token: ApiToken, secret: str) -> HttpResponse:
    return render(request, "staff/settings/token_made.html", {"token": token, "secret": secret})


def _rotate(request: Any, token: ApiToken) -> HttpResponse:
    made: list[Any] = []
    if attempt(request, lambda: made.extend(services.rotate_token(token))):
        return _show(request, *made)
    return redirect("staff:settings-tokens")


def _revoke(request: Any, token: ApiToken) -> HttpResponse:
    attempt(request, lambda: services.revoke_token(token), _("The token opens nothing any more."))
    return redirect("staff:settings-tokens")


VERBS: dict[str, Callable[[Any, ApiToken], HttpResponse]] = {"rotate": _rotate, "revoke": _revoke}


@page(*ADMINS, methods=("POST",))
def move_token(request: Any, pk: int, verb: str) -> HttpResponse:
    """Make a token's successor, or end it."""
    token = own_as_admin(request, ApiToken.objects.select_related("clinic"), pk=pk)
    if verb not in VERBS:
        raise Http404
    return VERBS[verb](request, token)


urlpatterns = [
    path("staff/settings/tokens/", tokens, name="settings-tokens"),
    path("staff/settings/tokens/new/", new_token, name="settings-token-new"),
    path("staff/settings/tokens/<int:pk>/<slug:verb>/", move_token, name="settings-token"),
]
