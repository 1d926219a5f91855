"""Bodies of rules that the tests of the API send."""

from __future__ import annotations

from typing import Any

from automations.tests.builders import document

SENIORS = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}


def rule_body(name: str = "Call after the visit", **more: Any) -> dict[str, Any]:
    """Return a rule that jots one task when a visit is completed."""
    return {"name": name, **document(), **more}


def errors(answer: Any) -> list[tuple[str, str]]:
    """Return (path, code) of each error of a refusal."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]
