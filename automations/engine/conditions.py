"""Parse a condition tree, and evaluate it to a verdict.

Three values, as in SQL: a comparison with something unknown is unknown. all: false if any item is false, else
unknown if any is
unknown. any: true if any is true, else unknown if any is unknown. none is "not any". Only true matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import scalars
from .declare import Fact, Facts
from .operators import At, Operator, apply, decided, operators_for
from .params import parse_params, references_in
from .problems import Problems, child, nearest, one_of, shown
from .scalars import BAD
from .structure import check_structure
from .text import fold
from .values import Condition, ConditionVerdict, EventFacts, Group, ReferenceUse, Verdict, fact_key

MATCHES = ("all", "any", "none")
MAX_DEPTH = 8
MAX_CONDITIONS = 100
GROUP = "group"


# --- evaluate ---


def combine(match: str, results: Iterable[bool | None]) -> bool | None:
    """Combine three-valued answers; without any, all is true, any false and none true."""
    seen = set(results)
    if match == "all":
        return False if False in seen else None if None in seen else True
    some = True if True in seen else None if None in seen else False
    if match == "any":
        return some
    if match == "none":
        return None if some is None else not some
    raise ValueError(f"{match!r} is none of {', '.join(MATCHES)}.")


def evaluate(group: Group, event: EventFacts) -> Verdict:
    """Ask the whole tree of an event; every condition is asked, so that the verdict can show each.

    A root without items is true, whatever its match. Raises what a malformed, hand-made condition raises.
    """
    if not group.items:
        return Verdict(group.match, True)
    return _evaluate(group, event.facts, At(event.occurred_at, event.zone))


def _evaluate(group: Group, facts: Mapping[str, Any], at: At) -> Verdict:
    items: list[ConditionVerdict | Verdict] = []
    for item in group.items:
        if isinstance(item, Group):
            items.append(_evaluate(item, facts, at))
        else:
            items.append(ConditionVerdict(item, *apply(item, facts, at)))
    return Verdict(group.match, combine(group.match, (item.result for item in items)), tuple(items))


# --- parse ---


def parse_group(data: Any, facts: Mapping[str, Fact], path: str = "", problems: Problems | None = None) -> Group:
    """Check a condition tree against the facts on offer.

    Without `problems` it raises RuleInvalid with all that is wrong; with it, problems are noted there and what is
    valid is given.
    """
    noted = Problems() if problems is None else problems
    if problems is None:
        check_structure(data, noted, path)
    counter = [0]
    group = _parse_group(data, facts, path, noted, 0, counter)
    if counter[0] > MAX_CONDITIONS:
        noted.add(path, "too_many", f"Use at most {MAX_CONDITIONS} conditions; there are {counter[0]}.")
    if problems is None:
        noted.raise_if_any()
    return group


def _parse_group(
    data: Any, facts: Mapping[str, Fact], path: str, problems: Problems, depth: int, counter: list[int]
) -> Group:
    allowed = ("match", "items") if depth == 0 else ("field", "match", "items")
    raw = scalars.record(data, allowed, path, problems)
    if raw is not data:
        return Group()
    match = scalars.word(raw.get("match"), MATCHES, child(path, "match"), problems)
    where = child(path, "items")
    items = raw.get("items")
    if not isinstance(items, list):
        problems.add(where, "type", f"Write the list of conditions here, not {shown(items)}.")
        return Group()
    if not items and depth:
        problems.add(where, "empty_group", "Add a condition to this group, or remove the group.")
    if len(items) > MAX_CONDITIONS:
        problems.add(where, "too_many", f"Use at most {MAX_CONDITIONS} conditions; there are {len(items)}.")
        items = []
    parsed = [
        _parse_item(item, facts, child(where, position), problems, depth, counter)
        for position, item in enumerate(items)
    ]
    return Group("all" if match is BAD else match, tuple(item for item in parsed if item is not None))


def _parse_item(
    data: Any, facts: Mapping[str, Fact], path: str, problems: Problems, depth: int, counter: list[int]
) -> Condition | Group | None:
    if not isinstance(data, dict):
        problems.add(path, "type", f"Write a condition or a group here, not {shown(data)}.")
        return None
    if data.get("field") != GROUP:
        counter[0] += 1
        return _parse_condition(data, facts, path, problems)
    if depth >= MAX_DEPTH:
        problems.add(path, "too_deep", f"Nest at most {MAX_DEPTH} groups; take this one out.")
        return None
    return _parse_group(data, facts, path, problems, depth + 1, counter)


def _not_offered(name: Any, facts: Mapping[str, Fact]) -> str:
    """Say why a field cannot be asked: another trigger's, or nobody's; and what can be."""
    known = f" Known for this trigger: {one_of(facts)}."
    other = facts.everywhere.get(name) if isinstance(facts, Facts) and isinstance(name, str) else None
    if isinstance(facts, Facts) and other is not None and not other.family:
        return f"{shown(name)} does not belong to the trigger {facts.trigger!r}.{known}"
    return f"{shown(name)} is not known.{nearest(name, [key for key in facts if not key.endswith('*')]) or known}"


def _parse_condition(
    data: dict[Any, Any], facts: Mapping[str, Fact], path: str, problems: Problems
) -> Condition | None:
    name = data.get("field")
    fact = facts.get(name) if isinstance(name, str) else None
    if not isinstance(name, str) or fact is None or fact.family:
        problems.add(child(path, "field"), "unknown_field", f"Choose another field; {_not_offered(name, facts)}")
        return None
    before = len(problems)
    operators = operators_for(fact.type.value, fact.change)
    key = scalars.word(data.get("op"), operators, child(path, "op"), problems, "unknown_operator")
    params = parse_params(fact.params, data, path, problems, reserved=("field", "op", "value"))
    if key is BAD:
        return None
    op = decided(operators[key], data.get("value"))
    value = _operand(op, fact, data.get("value"), child(path, "value"), problems)
    if len(problems) > before or value is BAD:
        return None
    return Condition(name, key, value, params, fact_key(name, params), op.type)


def _operand(op: Operator, fact: Fact, raw: Any, path: str, problems: Problems) -> Any:
    """Check the value by what the operator takes. An operator without a value ignores an empty one only."""
    if op.takes == "nothing":
        if raw is None or raw == "" or raw == []:
            return None
        problems.add(path, "no_value", f"Remove the value; {op.key!r} takes none.")
        return BAD
    if op.takes == "members":
        given = [raw] if op.change and isinstance(raw, str) else raw
        return scalars.members(given, path, problems, lambda one, where: _member(fact, one, where, problems))
    if op.takes == "texts":
        return scalars.members(raw, path, problems, lambda one, where: _foldable(one, where, problems))
    if op.takes == "pair":
        return _pair(raw, path, problems)
    return _SINGLE[op.takes](raw, path, problems)


def _member(fact: Fact, raw: Any, path: str, problems: Problems) -> Any:
    if fact.choices:
        return scalars.word(raw, [value for value, _label in fact.choices], path, problems)
    return scalars.text(raw, path, problems)


def _foldable(raw: Any, path: str, problems: Problems) -> Any:
    """Check a text that still says something once accents are gone."""
    value = scalars.text(raw, path, problems)
    if value is not BAD and not fold(value).strip():
        problems.add(path, "blank", "Write letters or digits here; accents alone compare as nothing.")
        return BAD
    return value


def _pair(raw: Any, path: str, problems: Problems) -> Any:
    if not isinstance(raw, list) or len(raw) != 2:
        problems.add(path, "type", f"Write two numbers [low, high] here, not {shown(raw)}.")
        return BAD
    low, high = (scalars.number(one, child(path, at), problems) for at, one in enumerate(raw))
    if low is BAD or high is BAD:
        return BAD
    if low > high:
        problems.add(path, "range", "Write the lower number first.")
        return BAD
    return [low, high]


_SINGLE = {
    "number": scalars.number,
    "text": _foldable,
    "flag": scalars.boolean,
    "day": scalars.day,
    "span": scalars.span,
}


def references_of(group: Group, facts: Mapping[str, Fact], path: str) -> Iterator[ReferenceUse]:
    """Find every row that a parsed tree names, with its place."""
    for position, item in enumerate(group.items):
        where = f"{path}/items/{position}"
        if isinstance(item, Group):
            yield from references_of(item, facts, where)
            continue
        fact = facts[item.field]
        if fact.reference is not None and isinstance(item.value, list):
            words = {word for word, _label in fact.choices}
            for at, slug in enumerate(item.value):
                if slug not in words:
                    yield ReferenceUse(f"{where}/value/{at}", fact.reference, slug)
        for place, kind, slug in references_in(fact.params, item.params, where):
            yield ReferenceUse(place, kind, slug)
