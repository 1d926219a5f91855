"""Rules in plain words, with the names that this clinic's rows have now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from automations import wording
from automations.engine.declare import Fact, catalog
from automations.engine.schema import RuleInvalid, parse_rule
from automations.engine.values import RuleSpec
from automations.naming import Names, names_of


def fact_title(fact: Fact) -> str:
    """Name a fact with what it is about: "Patient · Age"."""
    prefix = fact.key.partition(".")[0]
    subject = catalog.subjects.get(prefix)
    return f"{subject.label if subject else prefix.capitalize()} · {fact.label}"


def plain_words(spec: RuleSpec, names: Names) -> str:
    """Say a rule in one line."""
    return wording.sentence_text(spec, catalog, names)


@dataclass(slots=True)
class Panel:
    """What the side column says: the sentence in its parts, or what is missing for one."""

    opening: str = ""
    steps: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    everyone: bool = False


def panel(spec: RuleSpec, clinic_id: int) -> Panel:
    """Lay out the sentence of a rule."""
    return panel_with(spec, names_of(clinic_id, [spec]))


def panel_with(spec: RuleSpec, names: Names) -> Panel:
    """Lay out the sentence of a rule with these names."""
    opening, steps, limits = wording.sentence_parts(spec, catalog, names)
    return Panel(opening, steps, limits, everyone=not spec.conditions.items)


def typed_panel(document: Any, clinic_id: int | None) -> Panel:
    """Lay out the sentence of what is typed so far; while it is no rule yet, what is missing."""
    try:
        spec = parse_rule(document, catalog)
    except RuleInvalid as error:
        return Panel(missing=[one.message for one in error.errors[:3]])
    return panel(spec, clinic_id or 0)


def changes(old: RuleSpec | None, new: RuleSpec, names: Names) -> list[tuple[str, str]]:
    """Say how a rule differs from its published wording: (what happened to it, the sentence) for each part."""
    now = _parts(new, names)
    if old is None:
        return []
    before = _parts(old, names)
    said: list[tuple[str, str]] = []
    for key in [*before, *(key for key in now if key not in before)]:
        if before.get(key) == now.get(key):
            continue
        if key in before:
            said.append((_("no longer"), before[key]))
        if key in now:
            said.append((_("new"), now[key]))
    return said


def _parts(spec: RuleSpec, names: Names) -> dict[str, str]:
    opening, steps, limits = wording.sentence_parts(spec, catalog, names)
    by_id = {f"action {action.id}": step for action, step in zip(spec.actions, steps, strict=True)}
    return {"when": opening, **by_id, **{limit: limit for limit in limits}}
