"""`POST …/bulk/`: lines of JSON, each an upsert by external id, written in batches that commit by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.api.filters import refuse_unknown
from clinic.api.lines import FIRE, LineAnswer, answer_lines, fires
from clinic.api.parsers import NdjsonParser
from clinic.api.problems import ProblemError
from clinic.api.renderers import JsonRenderer, NdjsonRenderer
from clinic.batches import Written
from clinic.db import silently

EXTRA = ("fire",)


def bulk_endpoint(line: type[Any], upsert: Callable[..., Iterable[Written]], description: str) -> Any:
    """Make the bulk endpoint of a view set: `upsert(clinic, records)` writes what `line` has read."""

    def bulk(self: Any, request: Request) -> Response:
        refuse_unknown(request, EXTRA)
        lines: Any = request.data
        if not lines:
            raise ProblemError(400, _("Send one JSON object a line."), code="no_lines")
        form = line(context=self.get_serializer_context())
        with ExitStack() as stack:
            if not fires(request):
                stack.enter_context(silently("API bulk"))
            return Response(answer_lines(lines, form, partial(upsert, self.clinic)))

    bulk.__doc__ = description
    route = action(
        detail=False,
        methods=["post"],
        parser_classes=[NdjsonParser],
        renderer_classes=[NdjsonRenderer, JsonRenderer],
        whole=False,
        filterset_class=None,
    )(bulk)
    drawn = extend_schema(
        request={NdjsonParser.media_type: line},
        responses={(200, NdjsonRenderer.media_type): LineAnswer},
        parameters=[FIRE],
    )
    return drawn(route)
