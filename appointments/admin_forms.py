"""The forms behind the admin pages of appointments and visit summaries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin_base import Role, WatchedModelForm
from appointments.lifecycle import REOPENED_AS, VERBS
from appointments.locking import REASON_MAX


def reached(status: str, button: str) -> bool:
    """Tell whether an appointment is already in the state that a button leads to."""
    return status == VERBS[button].to if button in VERBS else status in REOPENED_AS


class AppointmentForm(WatchedModelForm):
    """Carries reasons beside the appointment's own fields."""

    override_reason = forms.CharField(
        label=_("Reason to book in spite of an open form"),
        max_length=REASON_MAX,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    reason = forms.CharField(
        label=_("Reason for cancelling or correcting"),
        max_length=REASON_MAX,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    pressed = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "minutes" in self.fields and not self.instance.pk:
            self.fields["minutes"].required = False
            self.fields["minutes"].initial = None
            self.fields["minutes"].help_text = _("Left empty: as long as the service takes.")
        self.offer("specialist", role=Role.SPECIALIST, is_active=True)
        self.offer("service", archived_at=None)

    def clean(self) -> dict[str, Any] | None:
        """Refuse a form gone stale, except for a second click: what it asks for has happened."""
        if self.instance.pk and self.pressed and reached(self.instance.status, self.pressed):
            return forms.ModelForm.clean(self)
        return super().clean()


class SummaryForm(WatchedModelForm):
    """Lets a released summary be looked at only."""
