"""What stands under /api/ and is no endpoint."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from clinic.api.problems import ProblemError, http_response


@csrf_exempt
def no_endpoint(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Say that there is nothing here, and where to look."""
    message = _("There is no endpoint here. Addresses end with a slash; /api/v1/docs/ lists them.")
    return http_response(ProblemError(404, message, code="not_found"))
