"""Who works at the clinic: invited, with which role, until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import invitations, second_factor
from accounts.models import Invitation, Membership
from accounts.services import opens_elsewhere, update_membership
from accounts.tokens import real_now
from staff.frame import attempt, attempt_form, page, paged
from staff.pages.settings import ADMINS, own_as_admin


def _members() -> QuerySet[Membership]:
    factor = Authenticator.objects.filter(user_id=OuterRef("user_id"), type=Authenticator.Type.TOTP)
    return Membership.objects.select_related("user", "clinic").annotate(has_factor=Exists(factor))


@page(*ADMINS, methods=("GET", "HEAD"))
def people(request: Any) -> HttpResponse:
    """List who works here and who is invited to."""
    rows = _members().filter(clinic=request.desk.clinic).order_by("-is_active", "name", "pk")
    shown = {
        "paged": paged(request, rows),
        "invitations": invitations.open_invitations(request.desk.clinic),
        "now": real_now(),
    }
    return render(request, "staff/settings/people.html", shown)


class InviteForm(forms.ModelForm):
    """Whom, as what."""

    class Meta:
        model = Invitation
        fields = ("email", "name", "slug", "role")
        help_texts = {
            "email": gettext_lazy("The link goes there, and it is what they sign in with."),
            "name": gettext_lazy("As patients read it, for example Dr. Ioana Ionescu."),
            "slug": gettext_lazy("In small letters, as rules name this person: for example dr-ionescu."),
        }


@page(*ADMINS)
@reauthentication_required
def invite(request: Any) -> HttpResponse:
    """Offer somebody a place, by mail."""
    form = InviteForm(request.POST or None)
    sent: list[Any] = []
    if request.method == "POST" and form.is_valid():
        place = {name: form.cleaned_data[name] for name in form.fields}
        if attempt_form(form, lambda: sent.extend(invitations.invite(clinic=request.desk.clinic, **place))):
            _send(request, *sent)
            return redirect("staff:settings-people")
    return render(request, "staff/settings/invite.html", {"form": form})


def _send(request: Any, invitation: Invitation, secret: str) -> None:
    if invitations.send(invitation, secret):
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": invitation.email})
    else:
        messages.error(request, _("The mail server did not take the message. Send it again in a few minutes."))


def _renew(request: Any, row: Invitation) -> None:
    sent: list[Any] = []
    if attempt(request, lambda: sent.extend(invitations.renew(row))):
        _send(request, *sent)


def _revoke(request: Any, row: Invitation) -> None:
    attempt(request, lambda: invitations.revoke(row), _("The invitation is taken back; its link opens nothing."))


INVITATION_VERBS: dict[str, Callable[[Any, Invitation], None]] = {"resend": _renew, "revoke": _revoke}


@page(*ADMINS, methods=("POST",))
def move_invitation(request: Any, pk: int, verb: str) -> HttpResponse:
    """Send an invitation again, with a new link, or take it back."""
    row = own_as_admin(request, Invitation.objects.select_related("clinic"), pk=pk)
    if verb not in INVITATION_VERBS:
        raise Http404
    INVITATION_VERBS[verb](request, row)
    return redirect("staff:settings-people")


class PersonForm(forms.ModelForm):
    """What is changed of somebody who works here; the slug stays, since rules name people by it."""

    class Meta:
        model = Membership
        fields = ("name", "role", "is_active")
        labels = {"is_active": gettext_lazy("Works here")}
        help_texts = {"is_active": gettext_lazy("Without it the person no longer gets in. What they did stays.")}


@page(*ADMINS)
def person(request: Any, pk: int) -> HttpResponse:
    """Change a person's name or role, or whether they still work here."""
    row = own_as_admin(request, _members(), pk=pk)
    form = PersonForm(request.POST or None, instance=Membership.objects.get(pk=pk))
    if request.method == "POST" and form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if attempt_form(form, lambda: update_membership(row, **changes)):
            messages.success(request, _("Saved."))
            return redirect("staff:settings-people")
    may_take = row.has_factor and row.user_id != request.user.pk and not opens_elsewhere(row.user, row.clinic)
    return render(request, "staff/settings/person.html", {"form": form, "member": row, "may_take": may_take})


@page(*ADMINS, methods=("POST",))
def take_factor(request: Any, pk: int) -> HttpResponse:
    """Take away the second factor of somebody who lost their phone."""
    row = own_as_admin(request, Membership.objects.select_related("user", "clinic"), pk=pk)
    attempt(request, lambda: second_factor.take_away(row), _("The second factor is gone; a new one can be set up."))
    return redirect("staff:settings-person", pk)


urlpatterns = [
    path("staff/settings/people/", people, name="settings-people"),
    path("staff/settings/people/invite/", invite, name="settings-invite"),
    path("staff/settings/people/<int:pk>/", person, name="settings-person"),
    path("staff/settings/people/<int:pk>/second-factor/", take_factor, name="settings-person-factor"),
    path("staff/settings/invitations/<int:pk>/<slug:verb>/", move_invitation, name="settings-invitation"),
]
