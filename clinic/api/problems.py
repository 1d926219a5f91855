"""Answers that say no: RFC 9457 problem documents, whatever it was that refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg.errors
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.core.signals import got_request_exception
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response

from clinic.api.pointers import as_pointer, flattened, pointer
from clinic.errors import ClinicError, ImpossibleTransition, Refused, StaleRecord

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100

TITLES = {
    400: gettext_lazy("Bad request"),
    401: gettext_lazy("Not authenticated"),
    403: gettext_lazy("Forbidden"),
    404: gettext_lazy("Not found"),
    405: gettext_lazy("Method not allowed"),
    406: gettext_lazy("Not acceptable"),
    409: gettext_lazy("Conflict"),
    412: gettext_lazy("Precondition failed"),
    413: gettext_lazy("Too large"),
    415: gettext_lazy("Unsupported media type"),
    422: gettext_lazy("Invalid"),
    428: gettext_lazy("Precondition required"),
    429: gettext_lazy("Too many requests"),
    500: gettext_lazy("Internal error"),
    503: gettext_lazy("Try again"),
}


class Fault(NamedTuple):
    """One place that is wrong: JSON Pointer, stable code, and what to do about it."""

    path: str
    code: str
    message: str


class ProblemError(Exception):
    """Refuse a request with this status; what services refuse arrives as ClinicError instead."""

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Sequence[Fault] = (),
        *,
        code: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.faults = tuple(faults) or ((Fault("", code, detail),) if code else ())
        self.headers = headers or {}


def invalid(path: str, code: str, message: str) -> ProblemError:
    """Make the refusal (422) of one place of the body or of one query parameter."""
    return ProblemError(422, message, [Fault(path, code, message)])


Converter = Callable[[Any], ProblemError]
_converters: dict[type[BaseException], Converter] = {}


def register_problem(kind: type[BaseException], converter: Converter) -> None:
    """Say how an app's own exception becomes a problem; the nearest class in its ancestry decides."""
    _converters[kind] = converter


def as_problem(error: BaseException) -> ProblemError | None:
    """Return the problem that an exception stands for; None for one that nobody expected."""
    if isinstance(error, ProblemError):
        return error
    for kind in type(error).__mro__:
        if kind in _converters:
            return _converters[kind](error)
    return None


# --- what services refuse ---

STATUS_BY_CODE = {"forbidden": 403, "not_found": 422, "may_not_sign": 422}


def _of_service(status: int) -> Converter:
    def convert(error: ClinicError) -> ProblemError:
        found = STATUS_BY_CODE.get(error.code, status)
        if several := getattr(error, "problems", ()):
            return of_problems(found, several)
        return ProblemError(found, error.message, [Fault(as_pointer(error.path), error.code, error.message)])

    return convert


def of_problems(status: int, problems: Iterable[Any]) -> ProblemError:
    """Make a problem from objects with path, code and message."""
    faults = [Fault(as_pointer(one.path), one.code, one.message) for one in problems]
    return ProblemError(status, summary(faults) if faults else str(TITLES[status]), faults)


# --- what Django, its REST framework and the database refuse ---


def _of_validation(error: exceptions.ValidationError) -> ProblemError:
    faults = [Fault(*one) for one in flattened(error.detail)]
    return ProblemError(422, summary(faults), faults)


def summary(faults: Sequence[Fault]) -> str:
    """Say in one sentence what is wrong where, and how much more there is."""
    first = f"{faults[0].path}: {faults[0].message}" if faults[0].path else faults[0].message
    if len(faults) == 1:
        return first
    return _("%(first)s (and %(more)d more)") % {"first": first, "more": len(faults) - 1}


def _of_framework(error: exceptions.APIException) -> ProblemError:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, int(wait)))
    code = error.get_codes()
    detail = str(error.detail)
    return ProblemError(error.status_code, detail, code=str(code), headers=headers)


def _of_django_validation(error: ValidationError) -> ProblemError:
    fields = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    faults = [
        Fault("" if name == "__all__" else pointer(name) if name else "", "invalid", text)
        for name, texts in fields.items()
        for text in texts
    ]
    return ProblemError(422, summary(faults), faults)


def _of_integrity(error: IntegrityError) -> ProblemError:
    if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
        message = _("Somebody saved the same at the same moment. Read it and, if it is still needed, send it again.")
        return ProblemError(409, message, code="conflict")
    raise error


def _of_operation(error: OperationalError) -> ProblemError:
    passing = (
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
    )
    if not isinstance(error.__cause__, passing):
        raise error
    message = _("The record is busy. Nothing was changed; send the request again.")
    return ProblemError(503, message, code="busy", headers={"Retry-After": "1"})


def _plain(status: int, code: str, text: Any = "") -> Converter:
    return lambda error: ProblemError(status, str(text) or str(error) or str(TITLES[status]), code=code)


register_problem(ClinicError, _of_service(422))
register_problem(Refused, _of_service(409))
register_problem(ImpossibleTransition, _of_service(409))
register_problem(StaleRecord, _of_service(409))
register_problem(exceptions.APIException, _of_framework)
register_problem(exceptions.ValidationError, _of_validation)
register_problem(ValidationError, _of_django_validation)
register_problem(IntegrityError, _of_integrity)
register_problem(OperationalError, _of_operation)
register_problem(Http404, _plain(404, "not_found", gettext_lazy("There is no such thing at this clinic.")))
register_problem(PermissionDenied, _plain(403, "forbidden"))
register_problem(RequestDataTooBig, _plain(413, "too_large"))
register_problem(SuspiciousOperation, _plain(400, "suspicious"))


# --- the answer itself ---


def document(problem: ProblemError) -> dict[str, Any]:
    """Return the problem as JSON."""
    faults = problem.faults[:MAX_ERRORS]
    kind = faults[0].code if len({one.code for one in faults}) == 1 else ""
    return {
        "type": f"urn:clinic:problem:{kind or 'several' if faults else 'status-' + str(problem.status)}",
        "title": str(TITLES.get(problem.status, _("Refused"))),
        "status": problem.status,
        "detail": str(problem.detail),
        "errors": [one._asdict() for one in faults],
    }


def response(problem: ProblemError) -> Response:
    """Return the answer for a view of the REST framework."""
    answer = Response(document(problem), status=problem.status, headers=problem.headers)
    answer.content_type = MEDIA_TYPE
    return answer


def http_response(problem: ProblemError) -> HttpResponse:
    """Return the answer where the REST framework is not at work."""
    body = document(problem)
    return JsonResponse(body, status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into a problem. What nobody expected is logged, and says nothing of the inside."""
    try:
        problem = as_problem(error)
    except Exception:
        problem = None
    if problem is None:
        request = context.get("request")
        logger.exception("api.error", exc_info=error)
        got_request_exception.send(sender=None, request=getattr(request, "_request", request))
        problem = ProblemError(500, _("This is a fault of ours and was written down."), code="internal")
    return response(problem)
