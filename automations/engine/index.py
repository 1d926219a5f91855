"""Find the rules that an event starts, among thousands, without asking each.

Rules are kept by trigger; by the trigger's config; then by one equality that they require, chosen so that it divides
them best
(a required is_any_of of up to 16 values counts as that many). What remains is a Bucket, where a distinct condition
is asked once.
A rule that cannot be asked is reported and does not touch the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .bucket import Asked, Bucket, Clause
from .conditions import MATCHES
from .declare import Catalog, Trigger, meets
from .operators import At
from .predicates import Predicate, of_condition
from .text import fold
from .values import Condition, EventFacts, Group, RuleSpec

MAX_SELECTED = 16
Selector = tuple[str, str]  # how a value is looked up ("exact", "folded" or "config"), and the fact's key


@dataclass(frozen=True, slots=True)
class MatchResult:
    """Ids of the rules that matched, and (id, message) of those that could not be asked, both in the order given."""

    matched: list[Any] = field(default_factory=list)
    errors: list[tuple[Any, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Compiled:
    """A rule as clauses, with the equalities it requires: clause → (selector, values)."""

    position: int
    clauses: list[Clause]
    equalities: dict[Clause, tuple[Selector, tuple[str, ...]]]


class RuleIndex:
    """Hold a clinic's published rules, ready to match events. Building takes what evaluation should not."""

    def __init__(self, rules: Iterable[tuple[Any, RuleSpec]], catalog: Catalog) -> None:
        self._ids: list[Any] = []
        by_trigger: dict[str, list[tuple[int, RuleSpec]]] = {}
        for rule_id, spec in rules:
            by_trigger.setdefault(spec.trigger, []).append((len(self._ids), spec))
            self._ids.append(rule_id)
        self._triggers = {key: _TriggerRules(key, some, catalog) for key, some in by_trigger.items()}

    def match(self, event: EventFacts) -> MatchResult:
        """Find the rules whose config accepts the event and whose conditions are true."""
        rules = self._triggers.get(event.trigger)
        if rules is None:
            return MatchResult()
        positions, errors = rules.match(event)
        return MatchResult([self._ids[one] for one in positions], [(self._ids[one], why) for one, why in errors])


class _TriggerRules:
    """The rules of one trigger."""

    def __init__(self, key: str, rules: list[tuple[int, RuleSpec]], catalog: Catalog) -> None:
        self._predicates: list[Predicate] = []
        self._numbers: dict[str, int] = {}
        self._broken: list[tuple[int, str]] = []
        self._trigger = catalog.triggers.get(key)
        self._asks_config = self._trigger is not None and type(self._trigger).accepts is not Trigger.accepts
        by_config: dict[str, tuple[Mapping[str, Any], list[_Compiled]]] = {}
        for position, spec in rules:
            try:
                config, compiled = self._compile(position, spec)
                by_config.setdefault(json.dumps(config, sort_keys=True), (config, []))[1].append(compiled)
            except Exception as error:  # a rule that was never parsed, or whose trigger is gone: reported at each event
                self._broken.append((position, f"{type(error).__name__}: {error}"))
        self._groups = [(config, _Selected(some, self._predicates)) for config, some in by_config.values()]

    def _compile(self, position: int, spec: RuleSpec) -> tuple[Mapping[str, Any], _Compiled]:
        """Bring a rule to clauses. Config by Param.fact becomes clauses too; other config stays to be asked."""
        trigger = self._trigger
        if trigger is None:
            raise LookupError(f"The trigger {spec.trigger!r} is not declared.")
        compiled = _Compiled(position, [], {})
        config: Mapping[str, Any] = spec.trigger_config
        if not self._asks_config:
            for key, allowed in trigger.requires(config):
                self._require(compiled, key, allowed)
            config = {}
        for clause, condition in self._clauses(spec.conditions):
            compiled.clauses.append(clause)
            if condition is not None and (equality := _equality(condition)) is not None:
                compiled.equalities[clause] = equality
        return config, compiled

    def _require(self, compiled: _Compiled, key: str, allowed: tuple[Any, ...]) -> None:
        predicate = Predicate(key, lambda facts, at: meets(facts.get(key), allowed))
        clause = self._number("config" + json.dumps([key, allowed]), predicate)
        compiled.clauses.append(clause)
        if all(isinstance(one, str) for one in allowed) and len(allowed) <= MAX_SELECTED:
            compiled.equalities[clause] = ("config", key), allowed

    def _clauses(self, root: Group) -> Iterator[tuple[Clause, Condition | None]]:
        """Split a root into what must each hold. An empty root asks nothing; all within all is one all."""
        if not root.items:
            return
        if root.match == "all":
            for item in root.items:
                if isinstance(item, Condition):
                    yield self._clause(item), item
                elif item.match == "all":
                    yield from self._clauses(item)
                else:
                    yield self._clause(item), None
        elif root.match == "none":
            yield from ((("none", (self._clause(item),)), None) for item in root.items)
        else:
            yield self._clause(root), None

    def _clause(self, item: Condition | Group) -> Clause:
        if isinstance(item, Condition):
            name = json.dumps([item.key, item.type, item.op, item.value], sort_keys=True)
            return self._number(name, of_condition(item))
        if item.match not in MATCHES:
            raise ValueError(f"{item.match!r} is none of {', '.join(MATCHES)}.")
        return item.match, tuple(self._clause(one) for one in item.items)

    def _number(self, name: str, predicate: Predicate) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._predicates)
            self._predicates.append(predicate)
        return self._numbers[name]

    def match(self, event: EventFacts) -> tuple[list[int], list[tuple[int, str]]]:
        """Give the positions that match, and those that could not be asked with the reason, each in order."""
        asked = Asked(event.facts, At(event.occurred_at, event.zone), {})
        matched: list[int] = []
        errors = list(self._broken)
        parts = 0
        for config, selected in self._groups:
            if self._asks_config and not self._accepts(config, selected, event, errors):
                continue
            for bucket in selected.buckets(event.facts):
                found, failed = bucket.match(asked)
                parts += 1
                matched += found
                errors += failed
        return (sorted(set(matched)) if parts > 1 else matched), sorted(dict(errors).items()) if errors else errors

    def _accepts(
        self, config: Mapping[str, Any], selected: _Selected, event: EventFacts, errors: list[tuple[int, str]]
    ) -> bool:
        try:
            return self._trigger is not None and self._trigger.accepts(config, event.facts)
        except Exception as error:  # the trigger's own code: every rule with this config says so
            errors.extend((one, f"{type(error).__name__}: {error}") for one in selected.positions)
            return False


def _equality(condition: Condition) -> tuple[Selector, tuple[str, ...]] | None:
    """Tell which values of a fact a required condition allows, where it is an equality on a few words."""
    if condition.type in ("choice", "reference") and condition.op == "is_any_of":
        values = tuple(dict.fromkeys(condition.value))
        return (("exact", condition.key), values) if len(values) <= MAX_SELECTED else None
    if condition.type == "text" and condition.op in ("is", "is_any_of"):
        given = condition.value if condition.op == "is_any_of" else [condition.value]
        folded = tuple(dict.fromkeys(fold(one) for one in given))
        return (("folded", condition.key), folded) if len(folded) <= MAX_SELECTED else None
    return None


class _Selected:
    """The rules of one config, divided by an equality each requires; buckets are built when first needed."""

    def __init__(self, rules: list[_Compiled], predicates: list[Predicate]) -> None:
        self.positions = [rule.position for rule in rules]
        self._predicates = predicates
        words: dict[Selector, set[str]] = {}
        for rule in rules:
            for selector, values in rule.equalities.values():
                words.setdefault(selector, set()).update(values)
        self._divided: dict[Selector, dict[str, Bucket | list[tuple[int, list[Clause]]]]] = {}
        rest: list[tuple[int, list[Clause]]] = []
        for rule in rules:
            if not rule.equalities:
                rest.append((rule.position, rule.clauses))
                continue
            best = max(rule.equalities, key=lambda clause: (len(words[rule.equalities[clause][0]]), str(clause)))
            selector, values = rule.equalities[best]
            others = [clause for clause in rule.clauses if clause != best]
            for value in values:
                waiting = self._divided.setdefault(selector, {}).setdefault(value, [])
                if isinstance(waiting, list):
                    waiting.append((rule.position, others))
        self._rest = Bucket(rest, predicates) if rest else None

    def buckets(self, facts: Mapping[str, Any]) -> Iterator[Bucket]:
        """Give the buckets whose equality the event meets, and the one of rules that require none."""
        if self._rest is not None:
            yield self._rest
        for (how, key), by_value in self._divided.items():
            actual = facts.get(key)
            # Only a config takes a list that holds the value; for a condition a list is another type: unknown.
            for value in actual if how == "config" and isinstance(actual, list) else (actual,):
                if not isinstance(value, str):
                    continue
                word = fold(value) if how == "folded" else value
                bucket = by_value.get(word)
                if isinstance(bucket, list):
                    bucket = by_value[word] = Bucket(bucket, self._predicates)
                if bucket is not None:
                    yield bucket
