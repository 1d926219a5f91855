"""`POST …/{id}/<verb>/`: one service call on the row that the address names, answered with the row as it then is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.api.bodies import NoBody


def verb(
    name: str,
    service: Callable[..., Any],
    answer: type[Any],
    body: type[Any] = NoBody,
) -> Any:
    """Make the endpoint of a verb. The body's members are the service's arguments; its docstring is the description.

    Asking for the state that the row is in is the service's to answer: 200, and nothing happens.
    """

    def handler(self: Any, request: Request, id: str) -> Response:
        row = self.get_object()
        changed = service(row, **self.body(body))
        return self.one(changed)

    handler.__name__ = handler.__qualname__ = name.replace("-", "_")
    handler.__doc__ = service.__doc__
    route = action(detail=True, methods=["post"], url_path=name)(handler)
    return extend_schema(request=body, responses=answer)(route)
