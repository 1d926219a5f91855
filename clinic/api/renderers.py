"""How answers are written."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.utils.encoders import JSONEncoder


class JsonRenderer(JSONRenderer):
    """JSON, in UTF-8."""

    charset = None


class NdjsonRenderer(BaseRenderer):
    """A list as lines of JSON; a problem document as itself."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Write a line for each item."""
        if not isinstance(data, list):
            return json.dumps(data, cls=JSONEncoder, ensure_ascii=False).encode()
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in data).encode()
