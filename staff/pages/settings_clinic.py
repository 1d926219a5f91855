"""The clinic's own settings: calendar, messages, caps, and whether everybody needs a second factor."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.asking import ask_again
from accounts.models import Clinic
from accounts.services import CLINIC_SETTINGS, update_clinic
from staff.frame import attempt_form, page
from staff.pages.settings import ADMINS


def zones() -> list[tuple[str, str]]:
    """Return the zones that a clinic can lie in, by continent and town."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class ClinicForm(forms.ModelForm):
    """Everything that a clinic's admin sets."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=lazy(zones, list))
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    closed_weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Closed days"),
        choices=Clinic.Weekday.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Clinic
        fields = CLINIC_SETTINGS
        widgets = {
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
            "quiet_start": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_end": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["time_zone"].choices  # type: ignore[attr-defined]
        if self.instance.time_zone not in dict(choices):  # an old name of a zone stays what it is
            choices.append((self.instance.time_zone, self.instance.time_zone))

    def changes(self) -> dict[str, Any]:
        """Return what differs from what was shown."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


@page(*ADMINS)
def clinic(request: Any) -> HttpResponse:
    """Show the clinic's settings and change them; who gets in is changed by somebody who gave the password just now."""
    row = Clinic.objects.get(pk=request.desk.clinic.pk)
    form = ClinicForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        if "require_mfa" in form.changed_data:
            ask_again(request)
        if attempt_form(form, lambda: update_clinic(row, **form.changes())):
            messages.success(request, _("Saved."))
            return redirect("staff:settings-clinic")
    return render(request, "staff/settings/clinic.html", {"form": form})


urlpatterns = [path("staff/settings/clinic/", clinic, name="settings-clinic")]
