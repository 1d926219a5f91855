"""Exporting patients and appointments as a spreadsheet: choose which, then take the file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Clinic, Membership
from accounts.permissions import Role
from accounts.selectors import local_date
from appointments.models import Appointment, Service
from clinic.clock import now
from patients.models import Patient
from staff.frame import page
from staff.models import Sheet
from staff.navigation import ADMINS
from staff.pages.sheets import download
from staff.sheets import exporting


class Day(forms.DateInput):
    """A day, picked or typed."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ExportForm(forms.Form):
    """Which records, and what kind of file."""

    status = forms.ChoiceField(label=gettext_lazy("Status"), required=False)
    specialist = forms.ModelChoiceField(
        Membership.objects.none(), label=gettext_lazy("Specialist"), required=False, empty_label=gettext_lazy("all")
    )
    service = forms.ModelChoiceField(
        Service.objects.none(), label=gettext_lazy("Service"), required=False, empty_label=gettext_lazy("all")
    )
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=Day)
    until = forms.DateField(label=gettext_lazy("Until"), required=False, widget=Day)
    kind = forms.ChoiceField(
        label=gettext_lazy("File"), choices=[("xlsx", "Excel (.xlsx)"), ("csv", "CSV")], widget=forms.RadioSelect
    )

    def __init__(self, clinic: Clinic, noun: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named: Any = self.fields
        model: Any = Patient if noun == Sheet.Noun.PATIENTS else Appointment
        named["status"].choices = [("", _("all")), *model.Status.choices]
        named["specialist"].queryset = Membership.objects.for_clinic(clinic).filter(role=Role.SPECIALIST)
        if noun == Sheet.Noun.PATIENTS:
            named.pop("service")
            named["since"].label, named["until"].label = _("Registered from"), _("Registered until")
        else:
            named["service"].queryset = Service.objects.for_clinic(clinic)

    def wanted(self) -> exporting.Wanted:
        """Return the filters."""
        return exporting.Wanted(**{key: value for key, value in self.cleaned_data.items() if key != "kind" and value})


@page(*ADMINS)
def export(request: Any, noun: str) -> Any:
    """Ask which records; give the file. It is a POST, so that no link that was merely followed exports anything."""
    if noun not in Sheet.Noun.values:
        raise Http404
    clinic = request.desk.clinic
    form = ExportForm(clinic, noun, request.POST or None, initial={"kind": "xlsx"})
    if request.method == "POST" and form.is_valid():
        kind = form.cleaned_data["kind"]
        rows = exporting.export(clinic, noun, form.wanted())
        name = exporting.file_name(noun, clinic, local_date(clinic, now()), kind)
        return download(rows, name, kind, clinic.language)
    total = exporting.count(clinic, noun, exporting.Wanted())
    context = {"form": form, "noun": noun, "label": Sheet.Noun(noun).label, "total": total}
    return render(request, "staff/sheets/export.html", context)


urlpatterns = [path("staff/exports/<slug:noun>/", export, name="export")]
