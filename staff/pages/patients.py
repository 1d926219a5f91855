"""The list of patients, registering one, changing what is known of one, and those who stand by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from clinic.api.fields import id_of
from clinic.clock import now
from clinic.errors import ClinicError
from patients import services
from patients.contacts import remove_contact
from patients.models import Contact, Patient
from patients.selectors import age_of
from staff.frame import attempt, attempt_form, move, own, page, paged
from staff.pages.patient_forms import ContactForm, PatientForm, SearchForm


@page(methods=("GET", "HEAD"))
def patients(request: Any) -> HttpResponse:
    """List the clinic's patients: all in care, or those that are asked for."""
    clinic = request.desk.clinic
    form = SearchForm(request.GET, clinic)
    rows = form.narrow(Patient.objects.for_clinic(clinic).select_related("specialist"))
    found = paged(request, rows.order_by(*form.order))
    moment = now()
    for one in found.rows:
        one.clinic = clinic
        one.age = age_of(one, moment)
    audit.listed("patient", found.rows, clinic_id=clinic.pk)
    context = {"form": form, "paged": found, "anywhere": _everywhere(request)}
    return render(request, "staff/patients/list.html", context)


def _everywhere(request: HttpRequest) -> str:
    """Return the address of the same search among everybody, also those who left; "" if that is what was asked."""
    asked = request.GET.copy()
    if not asked.get("q") or asked.get("status") == "all":
        return ""
    asked["status"] = "all"
    asked.pop("page", None)
    return f"?{asked.urlencode()}"


@page()
def new_patient(request: Any) -> HttpResponse:
    """Register a patient; who may be registered already is shown first."""
    clinic = request.desk.clinic
    form = PatientForm(request.POST or None, clinic=clinic)
    alike: Sequence[Patient] = ()
    if request.method == "POST" and form.is_valid():
        seen = [pk for text in request.POST.getlist("unlike") if (pk := id_of(text)) is not None]
        try:
            made = services.register(clinic=clinic, unlike=seen, **form.known)
        except services.KnownAlready as known:
            alike = known.patients
            audit.listed("patient", alike, clinic_id=clinic.pk)
        except ClinicError as error:
            form.add_error(error.path if error.path in form.fields else None, error.message)
        else:
            messages.success(request, _("%(name)s is registered.") % {"name": made})
            return redirect("staff:patient", made.pk)
    context = {"form": form, "alike": alike}
    return render(request, "staff/patients/new.html", context, status=422 if form.errors or alike else 200)


def mine(request: Any, pk: int) -> Patient:
    """Return a patient of the person's clinic. Raises Http404."""
    found: Patient = own(request, Patient.objects.select_related("clinic", "specialist"), pk=pk)
    return found


@page()
def edit_patient(request: Any, pk: int) -> HttpResponse:
    """Change what is known of a patient."""
    patient = mine(request, pk)
    form = PatientForm(request.POST or None, instance=patient, clinic=patient.clinic)
    if request.method == "POST" and form.is_valid():
        stored = Patient(pk=patient.pk, clinic=patient.clinic)
        revision = form.cleaned_data["read_revision"]
        if attempt_form(form, lambda: services.update(stored, revision=revision, **form.known)):
            messages.success(request, _("Saved."))
            return redirect("staff:patient", pk)
    else:
        audit.record("patient.read", obj=patient)
    fresh = mine(request, pk)
    return render(
        request, "staff/patients/edit.html", {"form": form, "patient": fresh}, status=422 if form.errors else 200
    )


# --- those who stand by a patient ---


@page()
def contacts(request: Any, pk: int) -> HttpResponse:
    """List those who stand by a patient, each with a form, and one for somebody new."""
    patient = mine(request, pk)
    form = ContactForm(request.POST if request.method == "POST" else None, prefix="new")
    valid = request.method == "POST" and form.is_valid()
    if valid and attempt_form(form, lambda: services.add_contact(patient, **form.cleaned_data)):
        return redirect("staff:patient-contacts", pk)
    return _contacts(request, patient, form)


def _contacts(request: Any, patient: Patient, new: ContactForm, typed: ContactForm | None = None) -> HttpResponse:
    """Show the page; `typed` is the form of one contact as it was filled in."""
    forms = []
    for contact in patient.contacts.order_by("pk"):
        is_typed = typed is not None and typed.instance.pk == contact.pk
        forms.append(typed if is_typed else ContactForm(instance=contact, prefix=f"c{contact.pk}"))
    audit.record("patient.contacts_read", obj=patient)
    context = {"patient": patient, "forms": forms, "new": new, "typed": typed}
    refused = new.errors or (typed is not None and typed.errors)
    return render(request, "staff/patients/contacts.html", context, status=422 if refused else 200)


@page(methods=("POST",))
def contact(request: Any, pk: int) -> HttpResponse:
    """Change what is known of a contact, or take them off the list."""
    row = own(request, Contact.objects.select_related("patient"), pk=pk)
    if "remove" in request.POST:
        attempt(request, lambda: remove_contact(row), _("%(name)s is no longer listed.") % {"name": row.name})
        return redirect("staff:patient-contacts", row.patient_id)
    form = ContactForm(request.POST, instance=row, prefix=f"c{pk}")
    stored = Contact(pk=pk, clinic_id=row.clinic_id, patient_id=row.patient_id)
    if form.is_valid() and attempt_form(form, lambda: services.update_contact(stored, **form.cleaned_data)):
        messages.success(request, _("Saved."))
        return redirect("staff:patient-contacts", row.patient_id)
    return _contacts(request, mine(request, row.patient_id), ContactForm(prefix="new"), form)


# --- leaving and coming back ---

VERBS: dict[str, tuple[Any, Any]] = {
    "archive": (services.archive, gettext_lazy("Done.")),
    "discharge": (services.discharge, gettext_lazy("Done.")),
    "reactivate": (services.reactivate, gettext_lazy("Done.")),
}


@page(methods=("POST",))
def move_patient(request: Any, pk: int, verb: str) -> HttpResponse:
    """Put a record away, end the care, or take the patient back."""
    patient = mine(request, pk)
    return move(request, patient, VERBS, verb, reverse("staff:patient", args=[pk]))


urlpatterns = [
    path("staff/patients/", patients, name="patients"),
    path("staff/patients/new/", new_patient, name="patient-new"),
    path("staff/patients/<int:pk>/edit/", edit_patient, name="patient-edit"),
    path("staff/patients/<int:pk>/contacts/", contacts, name="patient-contacts"),
    path("staff/patients/<int:pk>/move/<slug:verb>/", move_patient, name="patient-move"),
    path("staff/contacts/<int:pk>/", contact, name="contact"),
]
