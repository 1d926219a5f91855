"""What no request may carry."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _


class RefuseNul:
    """Refuse a query with a NUL character: PostgreSQL stores none, so no row can be meant."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        api = request.path.startswith("/api/")  # which says so itself, naming the parameter
        if not api and "%00" in request.META.get("QUERY_STRING", ""):
            text = _("This address holds a NUL character, which nothing here is named with.")
            return HttpResponseBadRequest(text, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
