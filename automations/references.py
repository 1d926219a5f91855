"""Rules name rows of other apps by slug; when such a row is saved, rules that name it are looked at again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from automations.compiled import specs_of
from automations.drafts import draft_texts, parse_draft
from automations.engine.declare import catalog
from automations.engine.values import RuleSpec
from automations.models import Rule
from automations.modes import raise_epoch


def on_saved(sender: Any, instance: Any, **_: Any) -> None:
    """Make the compiled rules of the row's clinic stale: it may have been archived, or come back."""
    raise_epoch(instance.clinic_id)


@dataclass(frozen=True, slots=True)
class Naming:
    """A rule that names a row: in what is published, in its draft, or in both."""

    rule: Rule
    published: bool
    draft: bool


def rules_naming(row: Any) -> list[Naming]:
    """Return the rules of a row's clinic that name it, by name; archived ones are left out. Three queries."""
    kinds = {kind for kind, one in catalog.references.items() if one.model == row._meta.label}
    rules = list(Rule.objects.for_clinic(row.clinic_id).exclude(mode=Rule.Mode.ARCHIVED).defer("draft"))
    published = specs_of([rule.published_id for rule in rules if rule.published_id])
    drafts = draft_texts([rule.pk for rule in rules])
    quoted = json.dumps(row.slug)
    found = []
    for rule in rules:
        in_service = _names(published.get(rule.published_id or 0), kinds, row.slug)
        text = drafts.get(rule.pk, "")
        in_draft = quoted in text and _names(parse_draft(text), kinds, row.slug)
        if in_service or in_draft:
            found.append(Naming(rule, in_service, in_draft))
    return sorted(found, key=lambda one: (one.rule.name, one.rule.pk))


def _names(spec: RuleSpec | str | None, kinds: set[str], slug: str) -> bool:
    return isinstance(spec, RuleSpec) and any(use.kind in kinds and use.slug == slug for use in spec.references)
