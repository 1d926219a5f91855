"""Sign here: a patient fills and signs one form on the clinic's tablet, which is locked to it (staff/tablet.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts import audit
from accounts.actor import Actor, acting_as
from accounts.middleware import client_ip
from accounts.models import Membership
from clinic.changes import origin
from clinic.errors import ClinicError, ImpossibleTransition
from clinic.languages import spoken
from clinic.pages import spoken_language
from forms_app import services
from forms_app.drawing import NotADrawing
from forms_app.models import FormRequest, FormResponse
from forms_app.pages import FormPage
from staff.frame import attempt, own, page
from staff.tablet import lock, locked_to, seconds_to_wait, unlock

ROWS = FormRequest.objects.select_related("template", "version", "clinic", "patient__clinic")


@page(methods=("POST",))
def hand_over(request: Any, pk: int) -> HttpResponse:
    """Lock this browser to a form, and show it."""
    row = own(request, ROWS, pk=pk)
    if attempt(request, lambda: lock(request.session, row, request.desk.membership)):
        return redirect("staff:tablet")
    return redirect("staff:form", pk)


@page()
def tablet(request: Any) -> HttpResponse:
    """Show the form that this browser is locked to, take what the patient decides, and then say thanks."""
    held = locked_to(request)
    if held is None:
        return redirect("staff:forms")
    row = own(request, ROWS, pk=held[0])
    languages = (row.patient.language or row.clinic.language, row.clinic.language)
    with _patient_acts(request, row), translation.override(spoken(*languages)):
        if row.status not in FormRequest.OPEN:
            return _thanks(request, row)
        shown = FormPage(row, None, languages)
        if request.method != "POST":
            audit.record("form.opened", obj=row)
            return _form(request, shown)
        shown.read(request.POST)
        return _decide(request, shown, held[1])


@contextmanager
def _patient_acts(request: Any, row: FormRequest) -> Iterator[None]:
    """Let the patient be the actor, as on their own phone: what follows waits no undo time of the staff's."""
    actor = Actor("patient", clinic_id=row.clinic_id, patient_id=row.patient_id, ip=client_ip(request))
    with acting_as(actor), origin("system"):
        yield


def _decide(request: Any, shown: FormPage, member_id: int) -> HttpResponse:
    row, action = shown.request, request.POST.get("action")
    try:
        if action == "decline" and request.POST.get("sure"):
            services.decline(row)
        elif action == "sign" and shown.may_sign:
            witness = Membership.objects.get(pk=member_id)
            shown.sign(services.InPerson(FormResponse.Method.TABLET, witness))
        else:
            return _form(request, shown, 400)
    except services.FormInvalid as invalid:
        shown.problems = list(invalid.problems)
        return _form(request, shown, 422)
    except NotADrawing as refused:
        shown.problems, shown.drawing = [refused.problem], ""
        return _form(request, shown, 422)
    except ImpossibleTransition:  # it was signed or taken back elsewhere meanwhile: the page says which
        return redirect("staff:tablet")
    except ClinicError as error:
        if error.code != "version_changed":
            raise
        shown = FormPage(ROWS.get(pk=row.pk), None, shown.languages)
        shown.read(request.POST)
        shown.changed = True
        return _form(request, shown, 409)
    return redirect("staff:tablet")


def _form(request: Any, shown: FormPage, status: int = 200) -> HttpResponse:
    return render(request, "staff/tablet/form.html", {"page": shown, **_frame(shown.request)}, status=status)


def _thanks(request: Any, row: FormRequest) -> HttpResponse:
    return render(request, "staff/tablet/thanks.html", {"row": row, **_frame(row)})


def _frame(row: FormRequest) -> dict[str, Any]:
    return {
        **spoken_language(),
        "clinic": row.clinic,
    }


@sensitive_post_parameters("password")
@sensitive_variables("password")
@page()
def unlock_page(request: Any) -> HttpResponse:
    """Ask for the password of who is signed in, or a colleague's, and go back to the request, or to the door."""
    held = locked_to(request)
    if held is None:
        return redirect("staff:forms")
    row = own(request, ROWS, pk=held[0])
    email, wrong, status = request.POST.get("email", "")[:254], "", 200
    if request.method == "POST":
        me = request.user
        who = unlock(request, request.POST.get("password", ""), email)
        if who is not None:
            return (
                redirect("staff:form", held[0])
                if who == me
                else redirect_to_login(reverse("staff:form", args=[held[0]]))
            )
        wrong, status = _miss(request, email), 422
    minutes = -(-seconds_to_wait(request) // 60)
    if minutes:
        status = 429 if request.method == "POST" else 200
    context = {"wrong": wrong, "email": email, "minutes": minutes, "name": request.desk.membership.name}
    context["still_open"] = row.status in FormRequest.OPEN
    return render(request, "staff/tablet/unlock.html", {**context, **_frame(row)}, status=status)


def _miss(request: Any, email: str) -> str:
    if email.strip():
        return _("This is not the email and password of somebody who works here.")
    return _("This is not the password of %(name)s.") % {"name": request.desk.membership.name}


urlpatterns = [
    path("staff/tablet/", tablet, name="tablet"),
    path("staff/tablet/unlock/", unlock_page, name="tablet-unlock"),
    path("staff/forms/<int:pk>/tablet/", hand_over, name="form-tablet"),
]
