"""What rules answered to events: the list, and one run's trace with all that it saw and made."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Clinic, Membership
from automations.interventions import SENDERS
from automations.models import Rule, Run, Step
from automations.naming import names_of
from automations.showing import trace
from automations.showing.steps import step_words
from staff.frame import own, page, paged
from staff.pages.flow import steps_in
from staff.pages.patient_forms import in_a_row

READ = ("GET", "HEAD")
PAGES = {
    "patients.patient": "staff:patient",
    "appointments.appointment": "staff:visit",
    "forms_app.formrequest": "staff:form",
    "treatments.treatmentplan": "staff:plan",
    "messaging.delivery": "staff:message",
}
"""The staff's own pages of records, by kind."""


def address_of(row: Any) -> str:
    """Return the address of a record's page; where the staff have none, that of the patient whose it is."""
    name = PAGES.get(row._meta.label_lower)
    try:
        return reverse(name, args=[row.pk]) if name else _patient_page(row)
    except NoReverseMatch:
        return _patient_page(row)


def _patient_page(row: Any) -> str:
    patient = getattr(row, "patient_id", None)
    return reverse("staff:patient", args=[patient]) if patient else ""


class RunFilterForm(forms.Form):
    """What narrows the list of runs."""

    rule: Any = forms.ModelChoiceField(label=_("Rule"), required=False, queryset=None, empty_label=_("any rule"))
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[("", _("any")), *Run.Outcome.choices])
    failed = forms.BooleanField(label=_("with failed steps"), required=False)
    patient = forms.IntegerField(required=False, widget=forms.HiddenInput, max_value=2**63 - 1)
    event = forms.IntegerField(required=False, widget=forms.HiddenInput, max_value=2**63 - 1)

    def __init__(self, data: Any, clinic: Clinic) -> None:
        super().__init__(data)
        self.clinic = clinic
        rules = Rule.objects.for_clinic(clinic).defer("draft").order_by("name")
        self.fields["rule"].queryset = rules  # type: ignore[attr-defined]
        in_a_row(self)
        self.fields["failed"].widget.attrs["class"] = "form-check-input"

    def narrow(self, rows: QuerySet[Run]) -> QuerySet[Run]:
        """Keep what is asked for; a filter that makes no sense keeps nothing."""
        if not self.is_valid():
            return rows.none()
        asked = dict(self.cleaned_data)
        if asked.pop("failed"):
            rows = rows.filter(pk__in=steps_in(self.clinic, Step.State.FAILED).values("run_id"))
        return rows.filter(**{name: value for name, value in asked.items() if value})

    @property
    def narrowed(self) -> bool:
        """Tell whether anything but the whole list is asked for."""
        return any(self.data.get(name) for name in self.fields)


@page(methods=READ)
def runs(request: Any) -> HttpResponse:
    """List what rules answered, newest first."""
    clinic = request.desk.clinic
    form = RunFilterForm(request.GET, clinic)
    rows = form.narrow(Run.objects.for_clinic(clinic)).select_related("rule", "patient", "event")
    found = paged(request, rows.defer("rule__draft", "verdict", "event__facts", "event__data").order_by("-pk"))
    counts = _steps_of(found.rows)
    for run in found.rows:
        run.trigger, run.counts = trace.trigger_label(run.event.trigger), counts.get(run.pk)
    audit.listed("run", found.rows, clinic_id=clinic.pk)
    return render(request, "staff/runs/list.html", {"form": form, "paged": found})


def _steps_of(found: list[Run]) -> dict[int, Any]:
    """Count the steps of runs: all, those still open, those that failed. One query."""
    rows = Step.objects.filter(run__in=[run.pk for run in found]).order_by().values("run_id")
    counted = rows.annotate(
        all=Count("pk"),
        open=Count("pk", filter=Q(state__in=Step.OPEN)),
        failed=Count("pk", filter=Q(state=Step.State.FAILED)),
    )
    return {row["run_id"]: row for row in counted}


@page(methods=READ)
def run(request: Any, pk: int) -> HttpResponse:
    """Show the event, each condition with the value that it met, and each step with what became of it."""
    rows = Run.objects.select_related("clinic", "rule", "version", "patient", "event").defer("rule__draft")
    found: Run = own(request, rows, pk=pk)
    zone = found.clinic.time_zone
    steps = list(found.steps.select_related("run").order_by("pk"))
    said = step_words(found.clinic_id, steps)
    may_send = request.desk.role in SENDERS
    lines = trace.step_lines(steps, zone, True, may_send=may_send, address=address_of)
    for line in lines:
        line.action = said[line.step.pk]
    subject = trace.subject_of(found.event)
    audit.record("run.read", obj=found)
    context = {
        "run": found,
        "trigger": trace.trigger_label(found.event.trigger),
        "subject": None if found.event.subject_type == "patient" else subject,
        "subject_link": address_of(subject) if subject is not None else "",
        "verdict": trace.verdict_lines(found.verdict, names_of(found.clinic_id, [], [found.verdict]), zone),
        "steps": lines,
        "again": _try_again(found) if request.desk.role == Membership.Role.CLINIC_ADMIN else "",
        "others": found.event.runs.exclude(pk=pk).select_related("rule").defer("rule__draft", "verdict"),
    }
    return render(request, "staff/runs/run.html", context)


def _try_again(found: Run) -> str:
    """Return the address that tries the rule, as its draft stands, with the run's event."""
    event, zone = found.event, ZoneInfo(found.clinic.time_zone)
    asked = {"patient": found.patient_id, "at": event.occurred_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")}
    if found.rule.draft.get("trigger_event") == event.trigger and event.subject_type != "patient":
        asked["subject"] = event.subject_id
    return f"{reverse('admin:automations_rule_try', args=[found.rule_id])}?{urlencode(asked)}"


urlpatterns = [
    path("staff/runs/", runs, name="runs"),
    path("staff/runs/<int:pk>/", run, name="run"),
]
