"""Every endpoint that the router knows, and what a test needs to call it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db import models
from drf_spectacular.generators import EndpointEnumerator

PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Route:
    """An address with its parameters, one method, and the model whose rows the first parameter names."""

    path: str
    method: str
    view: Any

    @property
    def parameters(self) -> list[str]:
        """Name the parameters of the address."""
        return PARAMETER.findall(self.path)

    def filled(self, **values: str) -> str:
        """Return the address with its parameters filled in."""
        return PARAMETER.sub(lambda found: values[found[1]], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes() -> list[Route]:
    """List every endpoint below /api/v1/ that is one clinic's."""
    found = EndpointEnumerator().get_api_endpoints()
    return [
        Route(path, method, callback.cls) for path, _regex, method, callback in found if hasattr(callback.cls, "whole")
    ]


def model_of(route: Route, every: list[Route]) -> type[models.Model] | None:
    """Return the model whose rows the address names: the view's, or that of the view with the same beginning.

    None for an address that names no clinic's row: what is shipped goes by `slug`.
    """
    if route.parameters == ["slug"]:
        return None
    collection = route.path.partition("{")[0]
    views = [route.view, *(one.view for one in every if one.path == f"{collection}{{id}}/")]
    for view in views:
        queryset = getattr(view, "queryset", None)
        if queryset is not None:
            return queryset.model
    raise AssertionError(f"{route} names rows of an unknown model.")
