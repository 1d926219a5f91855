"""What the pages of patients share: nothing of them is kept or found, and they say in which language they are."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import translation

HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    # Not no-referrer: browsers then post with "Origin: null", which the CSRF check must refuse. This one keeps the
    # address of the page, and so a link, out of every header just as well.
    "Referrer-Policy": "strict-origin",
}


def guarded(response: HttpResponse) -> HttpResponse:
    """Let nothing of a page be stored or found, and no link leave it in a header."""
    for name, value in HEADERS.items():
        response[name] = value
    return response


def spoken_language() -> dict[str, str]:
    """Return what the first line of a page says of its language, for its template."""
    return {
        "language": translation.get_language() or "en",
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }
