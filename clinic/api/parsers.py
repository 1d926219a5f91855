"""Bodies: how large they may be, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from clinic.api import strictjson
from clinic.api.problems import ProblemError

MEGABYTE = 1024 * 1024
MAX_BODY = MEGABYTE
MAX_BULK_BODY = 16 * MEGABYTE
MAX_BULK_LINES = 10_000
DRAINED = 64 * MEGABYTE
"""A refused body is read to its end up to here, so that the client gets to read the answer."""

CHUNK = 65_536


def read_limited(stream: Any, limit: int) -> bytes:
    """Read a body of at most `limit` bytes. Raises ProblemError 413."""
    raw: bytes = stream.read(limit + 1)
    if len(raw) <= limit:
        return raw
    left = DRAINED - len(raw)
    while left > 0 and (chunk := stream.read(CHUNK)):
        left -= len(chunk)
    message = _("A body of at most %(most)d MB, please.") % {"most": limit // MEGABYTE}
    raise ProblemError(413, message, code="too_large")


def refuse_encoding(context: Mapping[str, Any] | None) -> None:
    """Refuse a compressed body, which nobody here unpacks."""
    request = (context or {}).get("request")
    encoding = "" if request is None else request.META.get("HTTP_CONTENT_ENCODING", "")
    if encoding.lower() not in ("", "identity"):
        raise ProblemError(415, _("Send the body uncompressed."), code="content_encoding")


class JsonParser(BaseParser):
    """JSON of at most a megabyte."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body says; `raw_body` of the request keeps the bytes."""
        refuse_encoding(parser_context)
        raw = read_limited(stream, MAX_BODY)
        if parser_context is not None:
            parser_context["raw_body"] = raw
        return strictjson.read(raw)


class NdjsonParser(BaseParser):
    """Lines of JSON, at most 10,000 and 16 megabytes; what is wrong in a line is that line's refusal."""

    media_type = "application/x-ndjson"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the lines as they are, blank ones too, so that each keeps its number; none if all are blank."""
        refuse_encoding(parser_context)
        raw = read_limited(stream, MAX_BULK_BODY)
        if parser_context is not None:
            parser_context["raw_body"] = raw
        lines = raw.split(b"\n")
        count = sum(1 for line in lines if line.strip())
        if count > MAX_BULK_LINES:
            message = _("At most %(most)d lines in one request, please; this has %(count)d.")
            raise ProblemError(413, message % {"most": MAX_BULK_LINES, "count": count}, code="too_many_lines")
        return lines if count else []
