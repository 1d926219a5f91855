"""The pages of the demo's mailbox; in production there are none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging import catcher
from messaging.text import is_right_to_left

SHOWN = 100
View = Callable[..., HttpResponseBase]


def demo_only(view: View) -> View:
    """Have a page exist in the demo and in tests only."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.CLINIC_MODE not in ("demo", "test"):
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped


@demo_only
@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the newest messages; `?to=` keeps those to one address."""
    to = request.GET.get("to", "").strip()
    return render(request, "messaging/mailbox.html", {"messages_caught": list(catcher.newest(SHOWN, to)), "to": to})


@csp_update({"style-src-attr": [UNSAFE_INLINE]})  # the message's own looks; its frame inherits this page's policy
@demo_only
@never_cache
@require_safe
def caught_mail(request: HttpRequest, id: str) -> HttpResponse:
    """Show one message: its text, and its HTML in a frame that runs nothing."""
    caught = catcher.read(id)
    if caught is None:
        raise Http404
    # Links open beside the frame: inside it they could not, and must not, go anywhere.
    html = caught.html.replace("<head>", '<head><base target="_blank">', 1)
    direction = "rtl" if is_right_to_left(caught.language) else "ltr"
    return render(request, "messaging/caught_mail.html", {"caught": caught, "html": html, "direction": direction})
