"""The demo's own page: the staff's desk and a patient's phone side by side, and buttons that let time pass.

It exists in the demo and in tests only. Nobody types a password here; everything else is the product as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth import login
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import User
from appointments import services as visits
from appointments.models import Appointment
from automations import ticking
from automations.explain import explain
from automations.models import Rule
from clinic.clock import now
from clinic.errors import ClinicError
from messaging import catcher
from messaging.selectors import notifications_of_patient
from messaging.views import demo_only
from patients.models import Patient
from portal.frame import keep
from portal.readers import Reader
from portal.signing_in import begin
from staff.demo.people import LOGINS, people
from staff.frame import attempt
from staff.timeline import timeline
from staff.whatif import what_if

PEOPLE = {"admin": LOGINS[0], "specialist": LOGINS[1], "desk": LOGINS[2]}
BACKEND = "django.contrib.auth.backends.ModelBackend"
LOCK = 8_242_027
SHOWN = 12
MARIA, EXPECTED = 1, 6
"""Whose phone it is, and whose visit to come can be cancelled."""
ASKED_ABOUT, ASKED_RULE = 2, "smart-targeting"
STEPS: dict[str, Any] = {
    "day": gettext_lazy("+24 hours"),
    "fortnight": gettext_lazy("+2 weeks"),
    "monday": gettext_lazy("Next Monday noon"),
}


def someone(number: int) -> Patient:
    """Return one of the demo's patients by their number. Raises Http404 where nothing is seeded."""
    known = people()[number - 1].external_id
    patient = Patient.objects.filter(clinic__slug="harbour", external_id=known).select_related("clinic").first()
    if patient is None:
        raise Http404
    return patient


@csp_update({"frame-src": [SELF]})
@demo_only
@never_cache
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Show both frames; a visitor whom nobody knows sits down at the clinic admin's desk."""
    maria = someone(MARIA)
    if not request.user.is_authenticated:
        _sign_in(request, "admin")
    context = {"maria": maria, "people": PEOPLE, "steps": STEPS, **_clock(maria), **_flow(maria)}
    return render(request, "staff/demo/front.html", context)


@demo_only
@require_POST
def continue_as_patient(request: HttpRequest) -> HttpResponse:
    """Open the patient's own pages on the phone, as her link would."""
    maria = someone(MARIA)
    _session, secret = begin([Reader(maria)], maria.email)
    return keep(redirect("portal:home"), secret)


@demo_only
@require_POST
def continue_as(request: HttpRequest, who: str) -> HttpResponse:
    """Sit down at somebody's desk, in the frame of the staff."""
    if who not in PEOPLE:
        raise Http404
    _sign_in(request, who)
    return redirect("staff:home")


def _sign_in(request: HttpRequest, who: str) -> None:
    user = User.objects.filter(username=PEOPLE[who].username).first()
    if user is None:
        raise Http404
    login(request, user, backend=BACKEND)


@demo_only
@never_cache
@require_safe
def phone(request: Any) -> HttpResponse:
    """Show what has come to the patient's phone, newest first; asked again every second."""
    maria = someone(MARIA)
    mails = [{"key": one.id, "mail": one} for one in catcher.newest(SHOWN, maria.email)]
    pushed = notifications_of_patient(maria).order_by("-pk")[:SHOWN]
    notes = [{"key": one.pk, "note": one} for one in pushed]
    newest = "-".join(str(rows[0]["key"]) if rows else "" for rows in (mails, notes))
    if request.htmx and request.GET.get("seen") == newest:
        return HttpResponse(status=204)
    audit.record("demo.phone_read", obj=maria)
    context = {"maria": maria, "mails": mails, "notes": notes, "newest": newest, "buzz": bool(request.htmx)}
    with timezone.override(ZoneInfo(maria.clinic.time_zone)):
        return render(request, f"staff/demo/{'_phone' if request.htmx else 'phone'}.html", context)


@demo_only
@never_cache
@require_safe
def mail(request: HttpRequest, id: str) -> HttpResponse:
    """Show one mail on the phone, as text whose links open on the phone."""
    caught, maria = catcher.read(id), someone(MARIA)
    if caught is None or maria.email.lower() not in caught.to.lower():
        raise Http404
    return render(request, "staff/demo/mail.html", {"caught": caught, "maria": maria})


@demo_only
@never_cache
@require_safe
def flow(request: HttpRequest) -> HttpResponse:
    """Draw what waits for the patient, and what was struck from it and why; asked again every two seconds."""
    maria = someone(MARIA)
    context = {**_flow(maria), **_clock(maria)}
    with timezone.override(ZoneInfo(maria.clinic.time_zone)):
        return render(request, "staff/demo/_flow.html", context)


def _flow(maria: Patient) -> dict[str, Any]:
    other, moment = someone(EXPECTED), now()
    return {
        "flows": [_lines(maria, moment), _lines(other, moment, ("appointment", "step"))],
        "other": other,
    }


def _lines(patient: Patient, moment: datetime, kinds: Sequence[str] = ()) -> dict[str, Any]:
    """Give what waits for a patient, and which steps were struck in the last hour."""
    found = timeline(patient, moment, limit=30)
    since = moment - timedelta(hours=1)
    coming = [line for line in found.upcoming if not kinds or line.kind in kinds][:10]
    return {
        "patient": patient,
        "struck": [line for line in found.suppressed if line.at >= since and line.kind == "step"][:5],
        "coming": [{"line": one, "in": _in_words(one.at, moment, patient.clinic.time_zone)} for one in coming],
    }


def _in_words(at: datetime, moment: datetime, zone: str) -> str:
    """Say how far ahead a moment is, in days or weeks of the calendar."""
    days = (at.astimezone(ZoneInfo(zone)).date() - moment.astimezone(ZoneInfo(zone)).date()).days
    if days < 0:
        return _("overdue")
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days % 7:
        return ngettext("in %(n)d day", "in %(n)d days", days) % {"n": days}
    return ngettext("in %(n)d week", "in %(n)d weeks", days // 7) % {"n": days // 7}


def _clock(maria: Patient) -> dict[str, Any]:
    return {"moment": now().astimezone(ZoneInfo(maria.clinic.time_zone))}


@demo_only
@require_POST
def let_pass(request: HttpRequest) -> HttpResponse:
    """Let time pass, stopping wherever something is due, and come back when all of it is done."""
    target = _targets(someone(MARIA)).get(request.POST.get("until", ""))
    if target is None:
        raise Http404
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            messages.error(request, _("Time is passing already; wait until it stands."))
            return redirect("staff:demo")
        try:
            attempt(request, lambda: list(ticking.walk_to(target)))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return redirect("staff:demo")


def _targets(maria: Patient) -> dict[str, datetime]:
    moment, zone = now(), ZoneInfo(maria.clinic.time_zone)
    today = moment.astimezone(zone).date()
    monday = datetime.combine(today + timedelta(days=8 - today.isoweekday()), time(12, 1), zone)
    return {"day": moment + timedelta(hours=24), "fortnight": moment + timedelta(weeks=2), "monday": monday}


@demo_only
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel one of the visits that the page shows, as the person whose desk it is."""
    visit = Appointment.objects.filter(pk=pk, patient__in=[someone(MARIA), someone(EXPECTED)]).first()
    if visit is None:
        raise Http404
    attempt(request, lambda: visits.cancel(visit, reason="demo"))
    return redirect("staff:demo")


@demo_only
@never_cache
@require_safe
def why(request: HttpRequest) -> HttpResponse:
    """Say why the rule that looks for those who need a check-up left one patient out, and what other numbers give."""
    patient = someone(ASKED_ABOUT)
    rule = Rule.objects.filter(clinic=patient.clinic, slug=ASKED_RULE).first()
    if rule is None:
        raise Http404
    context: dict[str, Any] = {"patient": patient, "rule": rule, "ask": reverse("staff:demo-why")}
    try:
        context["found"] = what_if(rule, request.GET.dict())
    except ClinicError as error:
        context["refusal"] = error.message
    if not request.GET:
        context["answer"] = explain(rule, patient)
    part = "_what_if_count" if request.GET else "demo/_why"
    return render(request, f"staff/{part}.html", context)


urlpatterns = [
    path("demo/", front, name="demo"),
    path("demo/as/patient/", continue_as_patient, name="demo-as-patient"),
    path("demo/as/<slug:who>/", continue_as, name="demo-as"),
    path("demo/phone/", phone, name="demo-phone"),
    path("demo/phone/<str:id>/", mail, name="demo-mail"),
    path("demo/flow/", flow, name="demo-flow"),
    path("demo/clock/", let_pass, name="demo-clock"),
    path("demo/visits/<int:pk>/cancel/", cancel, name="demo-cancel"),
    path("demo/why/", why, name="demo-why"),
]
