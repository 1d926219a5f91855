"""Forms that were signed on paper: recording one with its scan, and reading the scan."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_replace
from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.selectors import local_date, members
from clinic.clock import now
from clinic.errors import ClinicError
from forms_app import services
from forms_app.fields import build_fields, posted_values, typed_answers
from forms_app.models import FormRequest, FormTemplate, PaperScan
from forms_app.questions import Problem
from forms_app.signing import SELF
from forms_app.witnessing import MAX_BYTES, MIME
from patients.models import Patient
from staff.choosing import find_patients
from staff.frame import own, page
from staff.pages.forms import number_of, templates_of


class PaperForm(forms.Form):
    """Who signed the paper, when, who saw it, and its scan."""

    signed_on = forms.DateField(
        label=gettext_lazy("Date on the paper"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    signed_by = forms.CharField(label=gettext_lazy("Name of who signed"), max_length=200)
    relation = forms.ChoiceField(label=gettext_lazy("Who signed"))
    witness = forms.ModelChoiceField(label=gettext_lazy("Who of us saw it"), queryset=Membership.objects.none())
    scan = forms.FileField(
        label=gettext_lazy("Scan or photo of the whole paper"),
        help_text=gettext_lazy("PDF, PNG or JPEG, at most 10 MB. It cannot be changed later."),
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,application/pdf,image/png,image/jpeg"}),
    )

    def __init__(self, patient: Patient, template: FormTemplate, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = FormRequest(clinic=patient.clinic, patient=patient, template=template)
        relations = [one.relation for one in services.who_may_sign(asked, now())]
        labels = {SELF: _("the patient")}
        self.may_sign = bool(relations)
        self.fields["relation"].choices = [(one, labels.get(one, one)) for one in relations]  # type: ignore[attr-defined]
        self.fields["witness"].queryset = members(patient.clinic).order_by("name", "pk")  # type: ignore[attr-defined]

    def clean_scan(self) -> Any:
        """Look into the file; a huge one is not even read."""
        uploaded = self.cleaned_data["scan"]
        content = uploaded.read(MAX_BYTES + 1)
        try:
            return services.checked_scan(content, uploaded.name or "")
        except ClinicError as error:
            raise forms.ValidationError(error.message, code=error.code) from error


@page()
def record(request: Any) -> HttpResponse:
    """Choose patient and form, then type what the paper says and add its scan."""
    given = request.POST if request.method == "POST" else request.GET
    if not given.get("patient"):
        words = request.GET.get("q", "")
        found = find_patients(request.desk.clinic, words)
        context = {"words": words, "found": found, "kept": request.GET.get("form", "")}
        return render(request, "staff/forms/choose_patient.html", context)
    patient = own(request, Patient.objects.select_related("clinic"), pk=number_of(given["patient"]))
    if not given.get("form"):
        context = {"patient": patient, "offered": templates_of(patient.clinic)}
        return render(request, "staff/forms/paper_form.html", context)
    template = templates_of(patient.clinic).filter(pk=number_of(given["form"])).first()
    if template is None:
        raise Http404
    return _record(request, patient, template)


def _record(request: Any, patient: Patient, template: FormTemplate) -> HttpResponse:
    open_now = template.requests.filter(patient=patient, status__in=FormRequest.OPEN).select_related("version").first()
    version = services.current_version(template)
    if open_now is not None and open_now.status == FormRequest.Status.IN_PROGRESS:
        version = open_now.version  # begun on that wording: see requesting.py
    initial = {
        "signed_on": local_date(patient.clinic, now()),
        "signed_by": str(patient),
        "witness": request.desk.membership.pk,
    }
    form = PaperForm(patient, template, request.POST or None, request.FILES or None, initial=initial)
    values = posted_values(version.questions, request.POST)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        row = _try(form, patient, template, typed_answers(version.questions, values), problems)
        if row is not None:
            return redirect("staff:form", row.pk)
    languages = [get_language() or "en", patient.clinic.language]
    context = {
        "form": form,
        "patient": patient,
        "template": template,
        "version": version,
        "fields": build_fields(version.questions, languages, values, problems),
    }
    return render(request, "staff/forms/paper.html", context, status=422 if form.errors or problems else 200)


def _try(
    form: PaperForm, patient: Patient, template: FormTemplate, answers: Any, problems: list[Problem]
) -> FormRequest | None:
    given = form.cleaned_data
    try:
        return services.record_paper(
            clinic=patient.clinic, patient=patient, template=template, answers=answers, **given
        )
    except services.FormInvalid as invalid:
        problems += [one for one in invalid.problems if one.path.startswith("/answers/")]
        for one in invalid.problems:
            if one not in problems:
                form.add_error(_field(form, one.path), one.message)
        if problems:
            form.add_error(None, _("Please check the answers below, and add the scan again."))
    except ClinicError as error:
        form.add_error(_field(form, error.path), error.message)
    return None


def _field(form: PaperForm, path: str) -> str | None:
    name = path.strip("/")
    return name if name in form.fields else None


@csp_replace({"default-src": ["'none'"], "sandbox": []})
@page(methods=("GET", "HEAD"))
def scan(request: Any, pk: int) -> HttpResponse:
    """Hand out a scan to be saved; a browser is told never to run or guess at it."""
    row = own(request, PaperScan.objects.select_related("response"), pk=pk)
    response = HttpResponse(services.read_scan(row), content_type=MIME[row.kind])
    response["Content-Disposition"] = content_disposition_header(True, row.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


urlpatterns = [
    path("staff/forms/paper/", record, name="paper-new"),
    path("staff/forms/scans/<int:pk>/", scan, name="form-scan"),
]
