"""The display names of the rows that rules and facts name by slug."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.apps import apps
from django.utils import translation

from automations.engine.declare import catalog
from automations.engine.values import RuleSpec, Verdict

Names = Callable[[str, str], str]
Wanted = dict[str, set[str]]
"""Slugs by kind of row."""


def in_english(key: str) -> str:
    """Return a trigger's or an anchor's label as reasons are stored: in English; a key without one as it is."""
    declared = catalog.triggers.get(key) or catalog.anchors.get(key)
    with translation.override("en"):
        return str(declared.label) if declared else key


def look_up(clinic_id: int, wanted: Mapping[str, Iterable[str]]) -> Names:
    """Return the names of these rows of a clinic; one query a kind. What is gone goes by its slug."""
    found: dict[tuple[str, str], str] = {}
    for kind, slugs in wanted.items():
        declared = catalog.references.get(kind)
        if declared is not None and slugs:
            rows = apps.get_model(declared.model)._default_manager.filter(clinic_id=clinic_id, slug__in=list(slugs))
            found |= {(kind, row.slug): str(row) for row in rows}
    return lambda kind, slug: found.get((kind, slug), slug)


def names_of(clinic_id: int, specs: Iterable[RuleSpec], verdicts: Iterable[Any] = ()) -> Names:
    """Return the names of what rules name, and of the values that verdicts (or their JSON) have met."""
    wanted: Wanted = {}
    for spec in specs:
        for use in spec.references:
            wanted.setdefault(use.kind, set()).add(use.slug)
    for verdict in verdicts:
        _met(verdict.as_json() if isinstance(verdict, Verdict) else verdict, wanted)
    return look_up(clinic_id, wanted)


def _met(item: Any, wanted: Wanted) -> None:
    """Collect the slugs of rows in a stored verdict; one that cannot be read has none."""
    if not isinstance(item, dict):
        return
    for one in item["items"] if isinstance(item.get("items"), list) else ():
        _met(one, wanted)
    fact = catalog.facts.get(str(item.get("field")))
    if fact is None:
        return
    if fact.reference is not None:
        wanted.setdefault(fact.reference, set()).update(_texts([item.get("value"), item.get("actual")]))
    for param in fact.params:
        if param.reference is not None:
            wanted.setdefault(param.reference, set()).update(_texts([item.get(param.name)]))


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))
        elif isinstance(value, dict):
            yield from _texts(value.values())
