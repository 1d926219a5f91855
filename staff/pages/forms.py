"""Forms: what patients were asked, asking them, sending the link again, and one request with all that was signed."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import Role
from clinic.api.fields import id_of
from clinic.clock import now
from forms_app import services
from forms_app.lifecycle import SOURCES
from forms_app.listing import STATES, requests_of
from forms_app.models import FormRequest, FormResponse, FormTemplate, PaperScan
from forms_app.pdf import receipt_file
from forms_app.reading import answered
from patients.models import Patient
from staff.choosing import find_patients
from staff.frame import attempt, attempt_form, back_to, own, page, paged

Status = FormRequest.Status
REQUESTS = FormRequest.objects.select_related("template", "version", "clinic", "patient__clinic", "message")


def templates_of(clinic: Any) -> Any:
    """Return the forms that may be asked at the clinic: in use, with a version."""
    rows = FormTemplate.objects.for_clinic(clinic).filter(archived_at=None, versions__isnull=False)
    return rows.distinct().order_by("name")


@page(methods=("GET", "HEAD"))
def forms_list(request: Any) -> HttpResponse:
    """List what patients were asked, by state, form and patient."""
    clinic, moment = request.desk.clinic, now()
    state = request.GET.get("state") if request.GET.get("state") in STATES else "open"
    offered = list(FormTemplate.objects.for_clinic(clinic).order_by("name"))
    chosen = next((one for one in offered if str(one.pk) == request.GET.get("form")), None)
    words = request.GET.get("q", "")[:100].strip()
    patient = None
    if request.GET.get("patient"):
        patient = own(request, Patient.objects.for_clinic(clinic), pk=number_of(request.GET["patient"]))
    which = {"template": chosen and chosen.pk, "patient": patient and patient.pk}
    rows = requests_of(clinic, state=state, moment=moment, words=words, **which)
    shown = paged(request, rows)
    for row in shown.rows:
        row.is_late = row.status in FormRequest.OPEN and row.due_at is not None and row.due_at < moment
    audit.listed("form", shown.rows, clinic_id=clinic.pk)
    context = {
        "paged": shown,
        "states": [{"key": key, "label": label, "here": key == state} for key, (label, _in) in STATES.items()],
        "state": state,
        "offered": offered,
        "chosen": chosen,
        "words": words,
        "patient": patient,
        "filtered": bool(chosen or words or patient),
    }
    return render(request, "staff/forms/list.html", context)


class SendForm(forms.Form):
    """Which form, until when, and whether the patient is told at once."""

    template = forms.ModelChoiceField(label=gettext_lazy("Form"), queryset=FormTemplate.objects.none())
    due_on = forms.DateField(
        label=gettext_lazy("Please by"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Until the end of this day. Left empty: whenever the patient likes."),
    )
    blocking = forms.BooleanField(
        label=gettext_lazy("No booking until it is filled"),
        required=False,
    )
    tell = forms.BooleanField(label=gettext_lazy("Send the link by email now"), required=False, initial=True)

    def __init__(self, clinic: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clinic = clinic
        self.fields["template"].queryset = templates_of(clinic)  # type: ignore[attr-defined]

    def clean_due_on(self) -> datetime | None:
        """Return the end of the day at the clinic; a day that is over is refused."""
        day = self.cleaned_data["due_on"]
        if day is None:
            return None
        due_at = datetime.combine(day, time(23, 59), ZoneInfo(self.clinic.time_zone))
        if due_at <= now():
            raise forms.ValidationError(_("This day is over. Choose a later one."))
        return due_at


@page()
def send(request: Any) -> HttpResponse:
    """Choose a patient, then the form, and send it."""
    chosen = request.POST.get("patient") or request.GET.get("patient") or ""
    if not chosen:
        words = request.GET.get("q", "")
        found = find_patients(request.desk.clinic, words)
        context = {"words": words, "found": found, "kept": request.GET.get("form", "")}
        return render(request, "staff/forms/choose_patient.html", context)
    patient = own(request, Patient.objects.select_related("clinic"), pk=number_of(chosen))
    form = SendForm(patient.clinic, request.POST or None, initial={"template": request.GET.get("form"), "tell": True})
    if request.method == "POST" and form.is_valid():
        asked: list[services.Asked] = []
        given = form.cleaned_data
        if attempt_form(
            form,
            lambda: asked.append(
                services.ask_and_tell(
                    clinic=patient.clinic,
                    patient=patient,
                    template=given["template"],
                    due_at=given["due_on"],
                    blocking=given["blocking"],
                    tell=given["tell"],
                )
            ),
        ):
            _say(request, asked[0], given["tell"])
            return redirect("staff:form", asked[0].request.pk)
    return render(request, "staff/forms/send.html", {"form": form, "patient": patient})


def number_of(text: str) -> int:
    """Read an id that was posted. Raises Http404."""
    found = id_of(text)
    if found is None:
        raise Http404
    return found


def _say(request: Any, asked: services.Asked, told: bool) -> None:
    """Tell what became of the wish, and what did not."""
    if asked.request.status not in FormRequest.OPEN:
        messages.warning(request, _("This was signed before; nothing is asked twice."))
    elif asked.obstacle:
        text = _("The form is asked, but no message was sent: %(why)s") % {"why": asked.obstacle}
        messages.warning(request, text)
    elif told:
        messages.success(request, _("The form is asked, and the link is on its way."))
    else:
        messages.success(request, _("The form is asked."))


@page(methods=("GET", "HEAD"))
def form_request(request: Any, pk: int) -> HttpResponse:
    """Show one request: its state, what may be done with it, and everything that was signed."""
    row = own(request, REQUESTS, pk=pk)
    languages = [get_language() or "en", row.clinic.language]
    rows = row.responses.select_related("template", "version", "request", "witnessed_by").order_by("-number")
    rows = rows.prefetch_related(Prefetch("scans", queryset=PaperScan.objects.defer("content")), "drawings")
    shown = [
        {
            "response": one,
            "lines": [(line.question, line.answer) for line in answered(one, languages) if not line.is_display],
            "intact": services.is_intact(one),
            "drawings": [b64encode(bytes(drawing.png)).decode() for drawing in one.drawings.all()],
        }
        for one in rows
    ]
    audit.record("form.read", obj=row, detail={"responses": len(shown)})
    is_consent = row.template.kind == FormTemplate.Kind.CONSENT
    context = {
        "row": row,
        "responses": shown,
        "is_open": row.status in FormRequest.OPEN,
        "is_late": row.status in FormRequest.OPEN and row.due_at is not None and row.due_at < now(),
        "is_consent": is_consent,
        "may_withdraw": is_consent
        and row.status in SOURCES[Status.WITHDRAWN]
        and request.desk.role in (Role.CLINIC_ADMIN, Role.SPECIALIST),
    }
    return render(request, "staff/forms/request.html", context)


@page(methods=("POST",))
def move(request: Any, pk: int, verb: str) -> HttpResponse:
    """Send the link again, take the request back, or note that a consent is withdrawn."""
    row = own(request, REQUESTS, pk=pk)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:200]
    verbs = {
        "remind": (lambda: services.send_again(row), _("The link is on its way.")),
        "void": (lambda: services.void(row, reason=reason), _("Taken back.")),
        "withdraw": (
            lambda: services.withdraw(row, reason=reason),
            _("Withdrawn; what was signed stays on record."),
        ),
    }
    if verb not in verbs:
        raise Http404
    attempt(request, *verbs[verb])
    return redirect(back_to(request, reverse("staff:form", args=[pk])))


@page(methods=("GET", "HEAD"))
def receipt_of(request: Any, pk: int) -> HttpResponse:
    """Hand out one signature as a PDF."""
    rows = FormResponse.objects.select_related("clinic", "patient", "template", "version", "request", "witnessed_by")
    row = own(request, rows, pk=pk)
    audit.record("form.receipt_read", obj=row, detail={"number": row.number})
    return receipt_file(row)


urlpatterns = [
    path("staff/forms/receipts/<int:pk>/", receipt_of, name="form-receipt"),
    path("staff/forms/", forms_list, name="forms"),
    path("staff/forms/send/", send, name="form-send"),
    path("staff/forms/<int:pk>/", form_request, name="form"),
    path("staff/forms/<int:pk>/move/<slug:verb>/", move, name="form-move"),
]
