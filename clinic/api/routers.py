"""The addresses of an app's endpoints; clinic/urls.py finds every <app>/api/urls.py."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

LOOKUP = "[^/]{1,200}"


class ApiRouter(SimpleRouter):
    """Routes with a slash at the end; a row is named by id or slug."""

    def get_lookup_regex(self, viewset: object, lookup_prefix: str = "") -> str:
        """Take any text as a name: a wrong one is not found, like one that does not exist."""
        name = getattr(viewset, "lookup_url_kwarg", None) or "id"
        return f"(?P<{name}>{LOOKUP})"
