"""Read the shipped rules from their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from automations.engine.schema import RULE_KEYS
from clinic.errors import ClinicError

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Recipe:
    """One shipped rule: its document on the wire, by kind what it needs, and the scenarios that show what it does."""

    slug: str
    name: str
    description: str
    document: Mapping[str, Any]
    needs: Mapping[str, tuple[Mapping[str, Any], ...]]
    scenarios: tuple[Mapping[str, Any], ...]
    order: int


@cache
def recipes() -> tuple[Recipe, ...]:
    """Return every shipped rule, in the order in which lists show them."""
    found = [_read(path) for path in FOLDER.glob("*.json")]
    return tuple(sorted(found, key=lambda one: (one.order, one.slug)))


def slugs() -> tuple[str, ...]:
    """Return the slugs of all shipped rules."""
    return tuple(one.slug for one in recipes())


def recipe(slug: str) -> Recipe:
    """Return one shipped rule. Raises ClinicError (`not_found`), naming those there are."""
    for one in recipes():
        if one.slug == slug:
            return one
    message = _("There is no recipe “%(slug)s”. There are: %(all)s.") % {"slug": slug, "all": ", ".join(slugs())}
    raise ClinicError(message, code="not_found", path="slug")


def _read(path: Path) -> Recipe:
    data = _joined(json.loads(path.read_text(encoding="utf-8")))
    return Recipe(
        slug=data["slug"],
        name=data["name"],
        description=data["description"],
        document={key: data[key] for key in RULE_KEYS if key in data},
        needs={kind: tuple(_spec(kind, one) for one in specs) for kind, specs in data["needs"].items()},
        scenarios=tuple(data["scenarios"]),
        order=data["order"],
    )


def _spec(kind: str, need: dict[str, Any]) -> dict[str, Any]:
    """Return how a need is made: as it says itself, or as another recipe's file says it for the same slug."""
    if "as_in" not in need:
        return need
    data = _joined(json.loads((FOLDER / f"{need['as_in']}.json").read_text(encoding="utf-8")))
    found: dict[str, Any] = next(one for one in data["needs"][kind] if one["slug"] == need["slug"])
    return found


def _joined(data: Any) -> Any:
    """Make one text of every `text` that is written as a list of paragraphs."""
    if isinstance(data, list):
        return [_joined(one) for one in data]
    if not isinstance(data, dict):
        return data
    return {
        key: "\n\n".join(value) if key == "text" and isinstance(value, list) else _joined(value)
        for key, value in data.items()
    }
