"""The forms in which staff book and move visits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.guards import REASON_MAX
from accounts.permissions import Role
from accounts.selectors import members
from appointments.booking import SERIES_MAX
from appointments.models import Service
from appointments.selectors import bookable_services
from automations.engine.moments import at_local

TYPED = "%Y-%m-%dT%H:%M"
MINUTES_MAX = 24 * 60


class VisitForm(forms.Form):
    """When, where and with whom; the reason to go on in spite of another visit shows once there is one."""

    service = forms.ModelChoiceField(Service.objects.none(), label=_("Service"))
    specialist = forms.ModelChoiceField(
        Service.objects.none(), label=_("Specialist"), required=False, empty_label=_("nobody yet")
    )
    starts_at = forms.DateTimeField(
        label=_("Start"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=TYPED)
    )
    minutes = forms.IntegerField(
        label=_("Minutes"),
        required=False,
        min_value=1,
        max_value=MINUTES_MAX,
        help_text=_("Left empty: as long as the service takes."),
    )
    location = forms.CharField(label=_("Place"), required=False, max_length=200)
    join_url = forms.URLField(label=_("Link to join by video"), required=False, max_length=200, assume_scheme="https")
    clash_reason = forms.CharField(
        label=_("Reason to book all the same"), required=False, max_length=REASON_MAX, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, clinic: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clinic = clinic
        self.fields["service"].queryset = bookable_services(clinic)  # type: ignore[attr-defined]
        self.fields["specialist"].queryset = members(clinic, Role.SPECIALIST).order_by("name")  # type: ignore[attr-defined]
        if self.data.get("clash_reason"):
            self.ask_why()

    def ask_why(self) -> None:
        """Show the field for the reason: there is another visit at that time."""
        self.fields["clash_reason"].widget = forms.TextInput(attrs={"maxlength": REASON_MAX})

    def place(self) -> dict[str, Any]:
        """Return where the visit takes place, as services take it."""
        given = self.cleaned_data
        return {"location": given["location"], "join_url": given["join_url"] or None}


class BookForm(VisitForm):
    """A new visit, or as many as are wanted, so many weeks apart."""

    times = forms.IntegerField(
        label=_("How many visits"), initial=1, min_value=1, max_value=min(52, SERIES_MAX), required=False
    )
    weeks = forms.IntegerField(label=_("Weeks apart"), initial=1, min_value=1, max_value=12, required=False)
    name = forms.CharField(label=_("Name of the series"), required=False, max_length=200)
    override_reason = forms.CharField(
        label=_("Reason to book in spite of the open form"), required=False, max_length=REASON_MAX
    )

    def __init__(self, *args: Any, blocked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not blocked:
            del self.fields["override_reason"]

    @property
    def is_series(self) -> bool:
        """Tell whether more than one visit is wanted."""
        return (self.cleaned_data.get("times") or 1) > 1

    def starts(self) -> list[datetime]:
        """Return when the visits start: on the same weekday at the same time on the wall, also over a clock change."""
        given = self.cleaned_data
        zone = ZoneInfo(self.clinic.time_zone)
        first = timezone.localtime(given["starts_at"], zone)
        apart = timedelta(weeks=given.get("weeks") or 1)
        return [at_local(first.date() + n * apart, first.time(), zone) for n in range(given.get("times") or 1)]


class ChangeForm(VisitForm):
    """Another time, length, place or specialist for a visit that is booked."""

    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, visit: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = self.fields["service"].queryset | Service.objects.filter(pk=visit.service_id)  # type: ignore[attr-defined]
        self.fields["service"].queryset = offered.distinct()  # type: ignore[attr-defined]
        self.fields["minutes"].help_text = ""
        self.fields["minutes"].required = True
        self.order_fields(["starts_at", "minutes", "specialist", "service", "location", "join_url", "clash_reason"])
