"""Programs that call the API in tests: a client with a token, as an integrator would write it."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts.actor import SYSTEM, acting_as
from accounts.models import Clinic
from accounts.tokens import SCOPES, create_token

BASE = "/api/v1/"


class Caller:
    """Sends JSON with a token; addresses are relative to /api/v1/."""

    def __init__(self, secret: str | None = None, client: Client | None = None) -> None:
        self.secret, self.client = secret, client or Client()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; a body that is bytes or text goes as it is."""
        if self.secret is not None:
            headers.setdefault("Authorization", f"Bearer {self.secret}")
        raw = body if isinstance(body, bytes | str) else "" if body is None else json.dumps(body)
        kind = headers.pop("content_type", "application/json")
        address = path if path.startswith(("/", "http")) else BASE + path
        return self.client.generic(method, address, raw, content_type=kind if raw else "", headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        """Read."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Create, or do something."""
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        """Change."""
        return self.send("PATCH", path, body, **headers)


def caller_of(clinic: Clinic, *scopes: str) -> Caller:
    """Make a token of the clinic (all scopes unless named) and return who calls with it."""
    with acting_as(SYSTEM):
        _token, secret = create_token(clinic=clinic, name="tests", scopes=scopes or SCOPES)
    return Caller(secret)
