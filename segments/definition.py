"""What a dynamic segment may ask, whether it is well asked, and what can change its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.utils.translation import gettext as _

from automations.compiled import reference_problems
from automations.engine.conditions import parse_group, references_of
from automations.engine.declare import Fact, catalog
from automations.engine.operators import OPERATORS
from automations.engine.problems import Problem, Problems, RuleInvalid
from automations.engine.structure import check_structure
from automations.engine.values import Condition, Group
from automations.engine.wire import group_to_json
from automations.sql import compile_group
from clinic.clock import now
from clinic.db import WatchedModel

MEMBERSHIP = "segments.SegmentMembership"
PATIENT = "patients.Patient"
EVERYONE: Mapping[str, Any] = {"match": "all", "items": []}
PATH = "/conditions"


def offered() -> dict[str, Fact]:
    """Return the facts that a segment may ask about: the patient's own, but not which segments they are in."""
    return {
        key: fact
        for key, fact in catalog.facts.items()
        if fact.subject == "patient" and fact.triggers is None and fact.expression and MEMBERSHIP not in fact.sources
    }


def parse(conditions: Any) -> Group:
    """Return the conditions as a tree. Raises RuleInvalid with every problem."""
    problems = Problems()
    check_structure(conditions, problems, PATH)
    for place, key in _asked(conditions, PATH):
        known = catalog.facts.get(key)
        if known is not None and MEMBERSHIP in known.sources:
            text = _("A segment cannot ask which segments a patient is in; repeat that segment's conditions here.")
            problems.add(f"{place}/field", "segment_in_segment", text)
    group = parse_group(conditions, offered(), PATH, problems)
    problems.raise_if_any()
    return group


def _asked(data: Any, path: str) -> Iterator[tuple[str, str]]:
    """Walk (place, field) of what the raw conditions ask; what has no such shape is the parser's to refuse."""
    items = data.get("items") if isinstance(data, dict) else None
    for position, item in enumerate(items if isinstance(items, list) else []):
        place = f"{path}/items/{position}"
        field = item.get("field") if isinstance(item, dict) else None
        if field == "group":
            yield from _asked(item, place)
        elif isinstance(field, str):
            yield place, field


def check(clinic: Any, conditions: Any) -> Group:
    """Do what `parse` does, and refuse what the clinic does not have or the database cannot answer."""
    group = parse(conditions)
    problems = reference_problems(clinic.pk, list(references_of(group, offered(), PATH)))
    try:
        compile_group(group, now(), ZoneInfo(clinic.time_zone))
    except KeyError as error:
        problems.append(Problem(PATH, "not_in_sql", str(error.args[0])))
    if problems:
        raise RuleInvalid(problems)
    return group


def to_json(group: Group) -> dict[str, Any]:
    """Return the tree as it is stored and sent."""
    return group_to_json(group)


def sources(group: Group) -> frozenset[str]:
    """Return the models whose change can change an answer; a patient who leaves the clinic leaves every segment."""
    return frozenset({PATIENT}.union(*(catalog.facts[one.field].sources for one in group.conditions())))


def depends_on_time(group: Group) -> bool:
    """Tell whether an answer can change without any record changing, or without our hearing of it."""
    return any(_drifts(one) for one in group.conditions())


def _drifts(condition: Condition) -> bool:
    fact = catalog.facts[condition.field]
    takes = OPERATORS[condition.type, condition.op].takes
    return fact.time_dependent or takes == "span" or not all(announces(label) for label in fact.sources)


def announces(label: str) -> bool:
    """Tell whether every way of writing this model says what changed."""
    return issubclass(apps.get_model(label), WatchedModel)
