"""The page behind a message's link: a patient fills, signs or declines what is open. No account, no JavaScript.

The link is no signed-in session: what happens here has the origin "system" (so rules' messages wait no undo time: the
undo time is for slips of the staff's hand) and the actor "patient", also when staff open the link in their own browser.
A GET changes nothing, for mail scanners follow links. Answers kept from an earlier visit are shown only to the browser
that gave them: the link alone, forwarded by mistake, tells nothing about the patient's health.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import NONE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.actor import Actor, acting_as
from accounts.middleware import client_ip
from clinic.changes import origin
from clinic.clock import now
from clinic.errors import ImpossibleTransition, Refused
from forms_app import selectors, services
from forms_app.languages import spoken
from forms_app.links import Link, LinkRefused, read_token
from forms_app.models import FormRequest
from forms_app.pages import FormPage, moment_words

HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    # Not no-referrer: browsers then post with "Origin: null", which the CSRF check must refuse. This one keeps the
    # address of the page, and so the link, out of every header just as well.
    "Referrer-Policy": "strict-origin",
}
DRAFTS = "form_drafts"
METHODS = ["GET", "HEAD", "POST"]
View = Callable[..., HttpResponse]


def by_link(view: View) -> View:
    """Open the link, let its patient be the actor, and answer in the reader's language."""

    @wraps(view)
    @sensitive_variables("token", "link")
    @sensitive_post_parameters()
    def opened(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        try:
            link = read_token(token)
        except LinkRefused as refused:
            kind, status = ("link_expired", 410) if refused.expired else ("link_invalid", 404)
            response = _notice(request, kind, status)
        else:
            clinic_id, patient_id = link.patient.clinic_id, link.patient.pk
            actor = Actor("patient", clinic_id=clinic_id, patient_id=patient_id, ip=client_ip(request))
            with acting_as(actor), origin("system"), translation.override(spoken(*link.languages)):
                response = view(request, token, link, **kwargs)
                response["Content-Language"] = translation.get_language() or "en"
        for name, value in HEADERS.items():
            response[name] = value
        return response

    no_scripts: Callable[[View], View] = csp_replace({"script-src": [NONE], "connect-src": [NONE]})  # type: ignore[assignment]
    return no_scripts(opened)


@require_http_methods(METHODS)
@by_link
def overview(request: HttpRequest, token: str, link: Link) -> HttpResponse:
    """List what is open for the patient."""
    if request.method == "POST":
        return HttpResponseRedirect(reverse("forms:open", args=[token]))
    rows = selectors.open_requests(link.patient.pk)
    forms = [
        {
            "title": FormPage.title_of(row.version, link.languages),
            "url": reverse("forms:fill", args=[token, row.pk]),
            "due": moment_words(row.due_at, link),
            "late": row.due_at is not None and row.due_at < now(),
            "begun": row.status == FormRequest.Status.IN_PROGRESS,
        }
        for row in rows
    ]
    audit.record("form.link_opened", obj=link.patient, detail={"open": len(forms)})
    done = _just_done(request, link)
    return render(request, "forms_app/overview.html", {"link": link, "forms": forms, "done": done, **_frame(link)})


def _just_done(request: HttpRequest, link: Link) -> dict[str, str] | None:
    """Say what this browser has just finished."""
    pk = request.GET.get("done", "")
    mine = {str(one): one for one in request.session.get(DRAFTS, [])}
    if pk not in mine:
        return None
    row = FormRequest.objects.filter(patient=link.patient, pk=mine[pk]).select_related("version").first()
    if row is None or row.status in FormRequest.OPEN:
        return None
    return {"title": FormPage.title_of(row.version, link.languages), "status": row.status}


@require_http_methods(METHODS)
@by_link
def fill(request: HttpRequest, token: str, link: Link, pk: int) -> HttpResponse:
    """Show one form, and take what the patient decides: sign or submit, keep for later, decline."""
    rows = FormRequest.objects.select_related("template", "version", "patient__clinic", "clinic")
    row = rows.filter(pk=pk, patient=link.patient).first()
    if row is None:
        return _notice(request, "unknown", 404, link, token)
    if row.status not in FormRequest.OPEN:
        return _settled(request, token, link, row)
    page = FormPage(row, link)
    if request.method != "POST":
        audit.record("form.opened", obj=row)
        page.show_draft(pk in request.session.get(DRAFTS, []))
        return _form(request, token, page)
    page.read(request.POST)
    action = request.POST.get("action")
    try:
        if action == "decline":
            services.decline(row)
            return _done(request, token, pk)
        if action == "draft":
            return _keep(request, token, page)
        if action == "sign":
            return _sign(request, token, page)
    except ImpossibleTransition:  # somebody else was faster
        row.refresh_from_db()
        return _settled(request, token, link, row)
    return _form(request, token, page, 400)  # no button of ours was pressed: show what was typed, do nothing


def _sign(request: HttpRequest, token: str, page: FormPage) -> HttpResponse:
    if not page.may_sign:
        return _form(request, token, page, 403)
    try:
        page.check()
        services.sign(
            page.request,
            answers=page.answers,
            signed_by=page.signed_by,
            relation=page.relation,
            version=page.version_read,
        )
    except services.FormInvalid as invalid:
        page.problems = list(invalid.problems)
        services.save_draft(page.request, answers=page.answers)
        _remember(request, page.request.pk)
        return _form(request, token, page, 422)
    except Refused as refused:
        if refused.code != "version_changed":
            raise
        page = FormPage(
            FormRequest.objects.select_related("template", "version", "patient__clinic").get(pk=page.request.pk),
            page.link,
        )
        page.read(request.POST)
        page.changed = True
        return _form(request, token, page, 409)
    return _done(request, token, page.request.pk)


def _keep(request: HttpRequest, token: str, page: FormPage) -> HttpResponse:
    services.save_draft(page.request, answers=page.answers)
    _remember(request, page.request.pk)
    return HttpResponseRedirect(reverse("forms:open", args=[token]), status=303)


def _done(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    _remember(request, pk)
    return HttpResponseRedirect(f"{reverse('forms:open', args=[token])}?done={pk}", status=303)


def _remember(request: HttpRequest, pk: int) -> None:
    mine = request.session.get(DRAFTS, [])
    if pk not in mine:
        request.session[DRAFTS] = [*mine, pk][-50:]


def _form(request: HttpRequest, token: str, page: FormPage, status: int = 200) -> HttpResponse:
    back = reverse("forms:open", args=[token])
    context = {"page": page, "back": back, **_frame(page.link)}
    return render(request, "forms_app/fill.html", context, status=status)


def _settled(request: HttpRequest, token: str, link: Link, row: FormRequest) -> HttpResponse:
    """Say that there is nothing to do here any more, and why."""
    gone = row.status in (FormRequest.Status.VOIDED, FormRequest.Status.EXPIRED)
    return _notice(request, row.status, 410 if gone else 200, link, token, moment_words(row.finished_at, link))


def _notice(
    request: HttpRequest, kind: str, status: int, link: Link | None = None, token: str = "", when: str = ""
) -> HttpResponse:
    back = reverse("forms:open", args=[token]) if token else ""
    context = {"kind": kind, "back": back, "when": when, **_frame(link)}
    return render(request, "forms_app/notice.html", context, status=status)


def _frame(link: Link | None) -> dict[str, Any]:
    """Give what every page shows: the language, and the clinic if the link is good."""
    return {
        "language": translation.get_language() or "en",
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
        "clinic": None if link is None else link.patient.clinic,
        "given_name": "" if link is None else link.patient.given_name,
    }
