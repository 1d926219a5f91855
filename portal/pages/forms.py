"""The patient's forms: what is open, and receipts of what was signed."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path

from accounts import audit
from clinic.clock import now
from forms_app import links
from forms_app.entrance import hand_over
from forms_app.models import FormRequest
from forms_app.pages import FormPage, moment_words
from forms_app.pdf import receipt_file
from forms_app.selectors import open_requests
from portal import selectors
from portal.frame import page, show

A_PAGE = 20


@page()
def forms(request: Any) -> HttpResponse:
    """List the forms that are open, and those that were signed or submitted."""
    reader, patient = request.reader, request.reader.patient
    languages = (reader.language, patient.clinic.language)
    rows = Paginator(selectors.done_forms(patient), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "open": [
            {
                "pk": row.pk,
                "title": FormPage.title_of(row.version, languages),
                "due": moment_words(row.due_at, patient),
                "late": row.due_at is not None and row.due_at < now(),
                "begun": row.status == FormRequest.Status.IN_PROGRESS,
            }
            for row in open_requests(patient.pk)
        ],
        "done": [
            {
                "pk": row.pk,
                "title": FormPage.title_of(row.version, languages),
                "when": moment_words(row.signed_at, patient),
                "status": row.request.get_status_display(),
            }
            for row in rows
        ],
        "rows": rows,
    }
    return show(request, "forms", context)


@page(methods=("POST",))
def open_form(request: Any, pk: int) -> HttpResponse:
    """Lead to the page of one form, through a link that this browser has opened already."""
    reader = request.reader
    row = FormRequest.objects.filter(pk=pk, patient=reader.patient, status__in=FormRequest.OPEN).first()
    if row is None:
        return show(request, "nothing", status=404)
    token, secret = links.make_opened(reader.patient, reader.contact)
    audit.record("form.link_made", obj=row)
    return hand_over(redirect("forms:fill", token=token, pk=row.pk), token, secret)


@page()
def signed(request: Any, pk: int) -> HttpResponse:
    """Give the receipt of what was signed or submitted."""
    row = selectors.done_forms(request.reader.patient).filter(pk=pk).select_related("patient").first()
    if row is None:
        return show(request, "nothing", status=404)
    audit.record("form.receipt_read", obj=row)
    return receipt_file(row)


urlpatterns = [
    path("forms/", forms, name="forms"),
    path("forms/<int:pk>/open/", open_form, name="open-form"),
    path("forms/<int:pk>/receipt.pdf", signed, name="receipt"),
]
