"""Long work: what one asked for and how far it is, to come back to and to cancel; asking a rule, and starting one."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Clinic
from accounts.sessions import in_background
from automations import enrolling
from automations.backtest import MAX_DAYS
from automations.engine.declare import catalog
from automations.models import Rule
from automations.showing.answers import CODES, spark
from clinic.errors import ClinicError
from segments.models import Segment
from staff import jobs, jobs_kinds, jobs_running
from staff.frame import attempt, own, page, paged
from staff.models import Job
from staff.navigation import ADMINS
from staff.sheets.writing import IMPORTERS

AT_ONCE_SECONDS = 1.0
"""So long the person waits for what may be quick; what takes longer is left to the workers."""


def begun(job: Job) -> Job:
    """Do what can be done while the person waits, and return the job as it is then."""
    jobs_running.turn(job.pk, AT_ONCE_SECONDS)
    job.refresh_from_db()
    return job


@page(methods=("GET", "HEAD"))
def job_list(request: Any) -> HttpResponse:
    """List the long work that one may see, the newest first."""
    shown = paged(request, jobs.visible(request.desk.clinic), size=25)
    may_import = request.desk.role in IMPORTERS
    return render(request, "staff/jobs/list.html", {"paged": shown, "jobs": shown.rows, "may_import": may_import})


def _seen(request: Any, pk: int) -> Job:
    """Return a job that the person may see. Raises Http404."""
    job: Job = own(request, Job.objects.all(), pk=pk)
    found = jobs.visible(request.desk.clinic).select_related("clinic").filter(pk=job.pk).first()
    if found is None:
        raise Http404
    if found.is_open:
        jobs.kind_of(found).look(found)
    return found


@page(methods=("GET", "HEAD"))
def job_page(request: Any, pk: int) -> HttpResponse:
    """Show how far a job is; the page asks again by itself, or when it is asked to."""
    return render(request, "staff/jobs/job.html", _context(_seen(request, pk)))


@in_background
@page(methods=("GET", "HEAD"))
def job_progress(request: Any, pk: int) -> HttpResponse:
    """Give the part of the page that changes."""
    return render(request, "staff/jobs/_progress.html", _context(_seen(request, pk)))


def _context(job: Job) -> dict[str, Any]:
    context: dict[str, Any] = {"job": job, "kind": jobs.kind_of(job).label, "result": job.result}
    if job.kind == "backtest" and job.state == Job.State.DONE:
        per_day = {date.fromisoformat(day): count for day, count in job.result["per_day"]}
        context["spark"] = spark(per_day)
        context["a_day"] = job.result["ran"] / job.result["days"]
        context["suppressed"] = [(CODES.get(code, code), n) for code, n in sorted(job.result["suppressed"].items())]
    return context


@page(methods=("POST",))
def job_cancel(request: Any, pk: int) -> HttpResponse:
    """Do nothing more of it."""
    job = _seen(request, pk)
    attempt(request, lambda: jobs.cancel(job), _("Cancelled; what was done stays."))
    return redirect("staff:job", job.pk)


# --- asking a rule, and starting one for patients ---


class BacktestForm(forms.Form):
    """Which rule, and how far back."""

    rule = forms.ModelChoiceField(Rule.objects.none(), label=gettext_lazy("Rule"))
    days = forms.IntegerField(label=gettext_lazy("Days"), min_value=1, max_value=MAX_DAYS, initial=30)

    def __init__(self, clinic: Clinic, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = Rule.objects.filter(clinic=clinic).exclude(mode=Rule.Mode.ARCHIVED).order_by("name")
        self.fields["rule"].queryset = rules.select_related("clinic")  # type: ignore[attr-defined]


class EnrolForm(forms.Form):
    """Which rule, for whom, and how fast."""

    rule = forms.ModelChoiceField(Rule.objects.none(), label=gettext_lazy("Rule"))
    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=gettext_lazy("Patients"),
        required=False,
        empty_label=gettext_lazy("everybody in care"),
        to_field_name="slug",
    )
    per_minute = forms.IntegerField(
        label=gettext_lazy("Patients a minute"), min_value=1, max_value=enrolling.MOST_A_MINUTE, initial=60
    )

    def __init__(self, clinic: Clinic, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        triggers = [trigger.key for trigger in catalog.triggers.values() if trigger.existing or trigger.by_hand]
        rules = Rule.objects.filter(clinic=clinic, mode__in=enrolling.RUNNABLE, published__trigger__in=triggers)
        segments = Segment.objects.filter(clinic=clinic, archived_at=None).order_by("name")
        self.fields["rule"].queryset = rules.select_related("clinic").order_by("name")  # type: ignore[attr-defined]
        self.fields["segment"].queryset = segments  # type: ignore[attr-defined]

    def who(self) -> dict[str, Any]:
        """Return who is meant, as `enrolling` takes it."""
        segment = self.cleaned_data["segment"]
        return {"segment": segment.slug} if segment else {"everybody": True}


@page(*ADMINS)
def backtest(request: Any) -> HttpResponse:
    """Ask how often a rule would have run, over as many days as one likes."""
    form = BacktestForm(request.desk.clinic, request.POST or None, initial={"rule": request.GET.get("rule")})
    if request.method == "POST" and form.is_valid():
        try:
            job = jobs_kinds.ask_backtest(form.cleaned_data["rule"], days=form.cleaned_data["days"])
        except ClinicError as error:
            form.add_error(None, error.message)
        else:
            return redirect("staff:job", begun(job).pk)
    return render(request, "staff/jobs/backtest.html", {"form": form})


@page(*ADMINS)
def enrol(request: Any) -> HttpResponse:
    """Start a rule for patients who were there before it: first what that would do, then do it."""
    form = EnrolForm(request.desk.clinic, request.POST or None, initial={"rule": request.GET.get("rule")})
    found = None
    if request.method == "POST" and form.is_valid():
        rule, who = form.cleaned_data["rule"], form.who()
        try:
            if "start" in request.POST:
                job = jobs_kinds.ask_enrolment(rule, per_minute=form.cleaned_data["per_minute"], **who)
                return redirect("staff:job", job.pk)
            found = enrolling.preview(rule, **who)
            audit.listed("patient", found.sample, clinic_id=rule.clinic_id)
        except ClinicError as error:
            form.add_error(None, error.message)
    return render(request, "staff/jobs/enrol.html", {"form": form, "found": found, "steps": _steps(found)})


def _steps(found: enrolling.Preview | None) -> list[tuple[Any, int]]:
    steps = found.steps.items() if found else ()
    return [(catalog.actions[key].label if key in catalog.actions else key, count) for key, count in steps]


urlpatterns = [
    path("staff/jobs/", job_list, name="jobs"),
    path("staff/jobs/backtest/", backtest, name="job-backtest"),
    path("staff/jobs/enrol/", enrol, name="job-enrol"),
    path("staff/jobs/<int:pk>/", job_page, name="job"),
    path("staff/jobs/<int:pk>/progress/", job_progress, name="job-progress"),
    path("staff/jobs/<int:pk>/cancel/", job_cancel, name="job-cancel"),
]
