"""What back-test and dry run share: a rule as if it were published, its suppression, what would become of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automations.compiled import CompiledRule, all_stops, missing_references, spec_of
from automations.drafts import draft_spec
from automations.engine.declare import catalog
from automations.engine.problems import Problem, RuleInvalid
from automations.engine.values import RuleSpec
from automations.models import Rule

WORDINGS = ("draft", "published")


def wording_of(rule: Rule, which: str = "draft") -> RuleSpec:
    """Return the draft of a rule, or what is published. Raises RuleInvalid for one that is no rule, or is not there."""
    spec = draft_spec(rule) if which == "draft" else spec_of(rule.published_id)
    if isinstance(spec, str):
        raise RuleInvalid([Problem("", "unusable", spec)])
    return spec


def as_if_published(rule: Rule, spec: RuleSpec) -> CompiledRule:
    """Return the rule with this wording as the matcher would have it."""
    return CompiledRule(
        id=rule.pk or 0,
        slug=rule.slug,
        name=rule.name,
        mode=rule.mode,
        version_id=rule.published_id or 0,
        active_since=None,
        spec=spec,
        stops=tuple(f"{key}:{scope}" for key, scope in all_stops(spec)),
        broken=missing_references(rule.clinic_id, {0: spec.references}).get(0, ""),
    )


def accepts(spec: RuleSpec, facts: Mapping[str, Any]) -> bool:
    """Tell whether the settings of the rule's trigger want an event with these facts."""
    return catalog.triggers[spec.trigger].accepts(spec.trigger_config, facts)
