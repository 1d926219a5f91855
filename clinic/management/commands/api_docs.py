"""`manage.py api_docs`: write the list of endpoints into docs/spec.md, from the API's own description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinic.api.docs import document
from clinic.api.schema import PREFIX

PAGE = Path(settings.BASE_DIR) / "docs" / "spec.md"
BEGIN, END = "<!-- endpoints -->", "<!-- /endpoints -->"


def section() -> str:
    """Return the tables of endpoints, one a group, each with what it takes and what it is for."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append((path, method.upper(), operation))
    return "\n".join(line for name in sorted(groups) for line in _group(name, groups[name]))


def _group(name: str, rows: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    yield from (f"### `{name}/`", "", "| | takes | |", "|---|---|---|")
    for path, method, operation in rows:
        words = " ".join(operation.get("description", "").split()).split(". ")[0].rstrip(".")
        yield f"| `{method} {path.removeprefix(PREFIX)}` | {_takes(operation)} | {words.replace('|', chr(92) + '|')} |"
    yield ""


def _takes(operation: dict[str, Any]) -> str:
    query = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    body = sorted(_body(operation))
    parts = ["?" + "&".join(query)] if query else []
    return " ".join(f"`{part}`" for part in [*parts, *(["{" + ", ".join(body) + "}"] if body else [])])


def _body(operation: dict[str, Any]) -> list[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        while "$ref" in schema:
            schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return list(schema.get("items", schema).get("properties", {}))
    return []


def written(page: str) -> str:
    """Return the page with the section put in its place. Raises CommandError if it has none."""
    if BEGIN not in page or END not in page:
        raise CommandError(f"docs/spec.md has no place for the endpoints; put {BEGIN} and {END} into it.")
    pattern = re.escape(BEGIN) + r".*?" + re.escape(END)
    return re.sub(pattern, lambda _found: f"{BEGIN}\n\n{section()}\n{END}", page, flags=re.DOTALL)


class Command(BaseCommand):
    """Write the list of endpoints."""

    help = "Write the list of the API's endpoints into docs/spec.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to check only."""
        parser.add_argument("--check", action="store_true", help="change nothing; fail if the page is old")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or say that it is old."""
        page = PAGE.read_text(encoding="utf-8")
        new = written(page)
        if options["check"] and new != page:
            raise CommandError("docs/spec.md is old: run manage.py api_docs.")
        if not options["check"]:
            PAGE.write_text(new, encoding="utf-8")
