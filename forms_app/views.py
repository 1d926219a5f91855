"""The pages behind a message's link: a patient fills, signs or declines what is open. No account, no JavaScript needed.

The link is no signed-in session: what happens here has the origin "system" (so rules' messages wait no undo time: the
undo time is for slips of the staff's hand) and the actor "patient", also when staff open the link in their own browser.
How a link is opened is in entrance.py; a GET changes nothing, for mail scanners follow links.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import audit
from clinic.clock import now
from clinic.errors import ImpossibleTransition, Refused
from forms_app import links, selectors, services
from forms_app.drawing import NotADrawing
from forms_app.entrance import by_link, frame, held, notice, open_page
from forms_app.links import Link
from forms_app.models import FormRequest, FormResponse
from forms_app.pages import FormPage, moment_words
from forms_app.pdf import receipt_file

METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(METHODS)
@by_link
def overview(request: HttpRequest, token: str, link: Link) -> HttpResponse:
    """Open the link, then list what is open for the patient."""
    if not link.held:
        return open_page(request, token, link)
    if request.method == "POST":
        return HttpResponseRedirect(reverse("forms:open", args=[token]), status=303)
    rows = selectors.open_requests(link.patient.pk)
    forms = [
        {
            "title": FormPage.title_of(row.version, link.languages),
            "url": reverse("forms:fill", args=[token, row.pk]),
            "due": moment_words(row.due_at, link.patient),
            "late": row.due_at is not None and row.due_at < now(),
            "begun": row.status == FormRequest.Status.IN_PROGRESS,
        }
        for row in rows
    ]
    audit.record("form.link_opened", obj=link.patient, detail={"open": len(forms)})
    done = _just_done(request, token, link)
    return render(request, "forms_app/overview.html", {"link": link, "forms": forms, "done": done, **frame(link)})


def _just_done(request: HttpRequest, token: str, link: Link) -> dict[str, str] | None:
    """Say what was just finished through this link."""
    pk = request.GET.get("done", "")
    mine = {str(one): one for one in link.row.touched}
    if pk not in mine:
        return None
    row = FormRequest.objects.filter(patient=link.patient, pk=mine[pk]).select_related("version").first()
    if row is None or row.status in FormRequest.OPEN:
        return None
    filled = row.status in FormRequest.FILLED
    return {
        "title": FormPage.title_of(row.version, link.languages),
        "status": row.status,
        "receipt": reverse("forms:receipt", args=[token, row.pk]) if filled else "",
    }


@require_http_methods(METHODS)
@held
def fill(request: HttpRequest, token: str, link: Link, pk: int) -> HttpResponse:
    """Show one form, and take what the patient decides: sign or submit, keep for later, decline."""
    rows = FormRequest.objects.select_related("template", "version", "patient__clinic", "clinic")
    row = rows.filter(pk=pk, patient=link.patient).first()
    if row is None:
        return notice(request, "unknown", 404, link, token)
    if row.status not in FormRequest.OPEN:
        return _settled(request, token, link, row)
    page = FormPage(row, link.contact, link.languages)
    if request.method != "POST":
        audit.record("form.opened", obj=row)
        # Without a date of birth to ask for, the link alone, forwarded by mistake, must tell nothing about health.
        page.show_draft(link.patient.birth_date is not None or pk in link.row.touched)
        return _form(request, token, link, page)
    page.read(request.POST)
    action = request.POST.get("action")
    try:
        if action == "decline" and request.POST.get("sure"):
            services.decline(row)
            return _done(token, link, pk)
        if action == "draft":
            return _keep(token, link, page)
        if action == "sign":
            return _sign(request, token, link, page)
    except ImpossibleTransition:  # somebody else was faster
        row.refresh_from_db()
        return _settled(request, token, link, row)
    return _form(request, token, link, page, 400)  # no button of ours was pressed: show what was typed, do nothing


def _sign(request: HttpRequest, token: str, link: Link, page: FormPage) -> HttpResponse:
    if not page.may_sign:
        return _form(request, token, link, page, 403)
    try:
        page.sign()
    except services.FormInvalid as invalid:
        page.problems = list(invalid.problems)
    except NotADrawing as refused:
        page.problems, page.drawing = [refused.problem], ""
    except Refused as refused:
        if refused.code != "version_changed":
            raise
        rows = FormRequest.objects.select_related("template", "version", "patient__clinic", "clinic")
        page = FormPage(rows.get(pk=page.request.pk), link.contact, link.languages)
        page.read(request.POST)
        page.changed = True
        return _form(request, token, link, page, 409)
    else:
        return _done(token, link, page.request.pk)
    services.save_draft(page.request, answers=page.answers)
    links.touch(link, page.request.pk)
    return _form(request, token, link, page, 422)


def _keep(token: str, link: Link, page: FormPage) -> HttpResponse:
    services.save_draft(page.request, answers=page.answers)
    links.touch(link, page.request.pk)
    return HttpResponseRedirect(reverse("forms:open", args=[token]), status=303)


def _done(token: str, link: Link, pk: int) -> HttpResponse:
    links.touch(link, pk)
    return HttpResponseRedirect(f"{reverse('forms:open', args=[token])}?done={pk}", status=303)


@require_http_methods(["GET", "HEAD"])
@held
def signed(request: HttpRequest, token: str, link: Link, pk: int) -> HttpResponse:
    """Give the receipt of what was signed or submitted through this link."""
    rows = FormResponse.objects.filter(request_id=pk, request__status__in=FormRequest.FILLED, patient=link.patient)
    row = rows.select_related("patient", "clinic", "template", "version", "request").order_by("-number").first()
    if row is None or pk not in link.row.touched:
        return notice(request, "unknown", 404, link, token)
    audit.record("form.receipt_read", obj=row)
    return receipt_file(row)


def _form(request: HttpRequest, token: str, link: Link, page: FormPage, status: int = 200) -> HttpResponse:
    context = {"page": page, "back": reverse("forms:open", args=[token]), **frame(link)}
    return render(request, "forms_app/fill.html", context, status=status)


def _settled(request: HttpRequest, token: str, link: Link, row: FormRequest) -> HttpResponse:
    """Say that there is nothing to do here any more, and why."""
    gone = row.status in (FormRequest.Status.VOIDED, FormRequest.Status.EXPIRED)
    when = moment_words(row.finished_at, link.patient)
    return notice(request, row.status, 410 if gone else 200, link, token, when)
