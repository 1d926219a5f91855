"""The service worker's address, and what pages of the staff and of patients share to turn notifications on and off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.errors import ClinicError, Refused
from messaging.subscriptions import Browser, Owner, subscribe, unsubscribe

LONGEST_BODY = 4096
FIELDS = ("endpoint", "p256dh", "auth", "key")


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Give the service worker at the root, so that it may look after the staff's pages and the patients'."""
    headers = {"Service-Worker-Allowed": "/", "Cache-Control": "no-cache"}
    return HttpResponse(_script(), content_type="text/javascript; charset=utf-8", headers=headers)


@lru_cache(maxsize=1)
def _script() -> bytes:
    found = finders.find("messaging/push-worker.js")
    return Path(str(found)).read_bytes()


def turn_on(request: HttpRequest, owners: Sequence[Owner]) -> HttpResponse:
    """Subscribe the browser that posts itself as JSON: 204, or 400 / 403 and why."""
    try:
        body = _body(request)
        subscribe(owners, Browser(**{name: _text(body, name) for name in FIELDS}))
    except ClinicError as error:
        return _refused(error)
    return HttpResponse(status=204)


def turn_off(request: HttpRequest, owners: Sequence[Owner]) -> HttpResponse | None:
    """Forget the browser that posts its endpoint as JSON: 204; a plain form forgets all: None, the page goes on."""
    if request.content_type != "application/json":
        unsubscribe(owners)
        return None
    try:
        unsubscribe(owners, _text(_body(request), "endpoint"))
    except ClinicError as error:
        return _refused(error)
    return HttpResponse(status=204)


def _refused(error: ClinicError) -> HttpResponse:
    status = 403 if isinstance(error, Refused) else 400
    return JsonResponse({"code": error.code, "detail": error.message, "field": error.path}, status=status)


def _body(request: HttpRequest) -> dict[str, Any]:
    """Read a small JSON object. Raises ClinicError."""
    wrong = ClinicError(_("This is not what a browser sends."), code="invalid")
    if int(request.headers.get("Content-Length") or 0) > LONGEST_BODY or request.content_type != "application/json":
        raise wrong
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(body, dict):
        raise wrong
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise ClinicError(_("This is not what a browser sends."), code="invalid", path=name)
    return value
