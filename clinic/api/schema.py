"""The OpenAPI description: drawn from the views, with the problems that every endpoint may answer."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes

from clinic.api.problems import MEDIA_TYPE, TITLES

PREFIX = "/api/v1/"
ALWAYS = (400, 401, 403, 404, 405, 406, 422, 429, 503)
WAIT = (429, 503)
WITH_BODY = (409, 412, 413, 415, 428)

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `path` of an error is a JSON Pointer into the body, or /name of a query parameter.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("path", "code", "message")},
            },
        },
    },
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="At most 255 printable ASCII characters, one key a request. The same key and body again (24 h): the "
    "first answer again, a 4xx too. Another body: 409.",
)
RETRY_AFTER = {
    "description": "Seconds until it makes sense to send the request again.",
    "schema": {"type": "integer", "minimum": 1},
}
ETAG = {
    "description": "Of the draft as it now is: send it as If-Match with the next change.",
    "schema": {"type": "string"},
}
REPLAYED = {
    "description": "Present if this is the first answer again, kept under the same Idempotency-Key.",
    "schema": {"type": "string", "enum": ["true"]},
}


def _if_match(*, required: bool) -> OpenApiParameter:
    needed = "Without it: 428." if required else "Not needed."
    return OpenApiParameter(
        "If-Match",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        required=required,
        description=f"The ETag that reading gave, with its quotes. {needed} Somebody edited it since: 412.",
    )


class ApiSchema(AutoSchema):
    """How one endpoint is drawn."""

    method_mapping = {**AutoSchema.method_mapping, "post": "create"}

    def get_override_parameters(self) -> list[Any]:
        """Document the key that makes a POST safe to repeat, and the condition that keeps an edit from being lost."""
        own = list(super().get_override_parameters())
        matches: dict[str, bool] = getattr(self.view, "if_match", {})
        if self._action in matches:
            own.append(_if_match(required=matches[self._action]))
        return [*own, IDEMPOTENCY_KEY] if self.method == "POST" else own

    @property
    def _action(self) -> str:
        return getattr(self.view, "action", None) or ""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Draw the operation, with the scope that a token needs and the headers of its answers."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if scope := self.get_scope():
            operation["description"] = (
                f"{operation.get('description', '')}\n\nA token needs the scope `{scope}`.".strip()
            )
            operation["security"] = [
                {name: [scope] if name == "token" else needs for name, needs in one.items()}
                for one in operation.get("security", [])
            ]
        headers = {"ETag": ETAG} if self._action in getattr(self.view, "gives_etag", ()) else {}
        headers |= {"Idempotent-Replayed": REPLAYED} if self.method == "POST" else {}
        for status, answer in operation["responses"].items():
            if headers and status.startswith("2"):
                answer["headers"] = {**answer.get("headers", {}), **headers}
        return operation

    def get_scope(self) -> str:
        """Return the scope that a token needs; "" where none is asked for."""
        scope_of = getattr(self.view, "scope_of", None)
        return scope_of(self.method) if scope_of is not None else ""

    def get_tags(self) -> list[str]:
        """Group by the first part of the address; the rules' by two."""
        parts = [one for one in self.path.removeprefix(PREFIX).split("/") if one and not one.startswith("{")]
        return ["/".join(parts[:2]) if parts[:1] == ["automations"] else parts[0]]

    def get_operation_id(self) -> str:
        """Name an operation by its address and method: stable, and unique."""
        path = re.sub(r"[{}]", "", self.path.removeprefix(PREFIX)).strip("/")
        words = re.sub(r"[^a-z0-9]+", "_", path.lower())
        return f"{words}_{self.method.lower()}"


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add to each operation the problems it may answer with."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    answers = components.setdefault("responses", {})
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in (*ALWAYS, *WITH_BODY):
        answer: dict[str, Any] = {"description": str(TITLES[status]), "content": content}
        answers[f"Problem{status}"] = {**answer, "headers": {"Retry-After": RETRY_AFTER}} if status in WAIT else answer
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status in ALWAYS if method == "get" else (*ALWAYS, *WITH_BODY):
                reference = {"$ref": f"#/components/responses/Problem{status}"}
                operation["responses"].setdefault(str(status), reference)
    return result


def add_links(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Say which operations take the id that creating or listing a row gave."""
    paths = result["paths"]
    for path, operations in paths.items():
        if path.endswith("}/"):
            continue
        names = [
            operation["operationId"]
            for other, inner in paths.items()
            if other.startswith(f"{path}{{id}}/") and other.count("{") == 1
            for operation in inner.values()
        ]
        for method, status, pointer in (("post", "201", "/id"), ("get", "200", "/results/0/id")):
            answer = operations.get(method, {}).get("responses", {}).get(status)
            if names and answer is not None:
                parameters = {"id": f"$response.body#{pointer}"}
                answer["links"] = {name: {"operationId": name, "parameters": parameters} for name in names}
    return result
