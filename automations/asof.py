"""What a rule asks of events that were recorded before: their stored facts, and what can still be found out.

A fact that no rule asked for then is read now, with the clock at the event, where the rows it reads keep their dates
(`Fact.history`) or the event carries it. Everything else is unknown, and is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from automations.engine.declare import Fact, catalog
from automations.engine.values import Group, RuleSpec, fact_key
from automations.facts import Ask, read_events
from automations.models import Event

CHUNK = 1_000
"""Events whose missing facts are read by one query."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Facts by event id, and by event id the keys of those that nobody can tell any more."""

    facts: Mapping[int, Mapping[str, Any]]
    unknown: Mapping[int, frozenset[str]]


@contextmanager
def read_only() -> Iterator[None]:
    """Let PostgreSQL itself refuse every write inside."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield


def asks_of(spec: RuleSpec) -> list[Ask]:
    """Return what a rule asks of an event: the facts of its settings and of its conditions."""
    return config_asks(spec.trigger, spec.trigger_config) + condition_asks(spec.conditions)


def config_asks(trigger: str, config: Mapping[str, Any]) -> list[Ask]:
    """Return the facts that the settings of a trigger are compared with."""
    return [(key, {}) for key, _allowed in catalog.triggers[trigger].requires(config) if key in catalog.facts]


def condition_asks(*groups: Group | None) -> list[Ask]:
    """Return what condition trees ask, each fact with its parameters once."""
    found = {}
    for group in groups:
        for condition in group.conditions() if group else ():
            if condition.field in catalog.facts:
                found[condition.key] = (condition.field, condition.params)
    return list(found.values())


def recall(events: Sequence[Event], asks: Sequence[Ask]) -> Recalled:
    """Return what is known of these events; their `facts` and `data` are loaded."""
    wanted = {fact_key(key, params): (key, params) for key, params in asks}
    facts: dict[int, Mapping[str, Any]] = {}
    unknown: dict[int, frozenset[str]] = {}
    short: dict[frozenset[str], list[Event]] = {}
    for event in events:
        facts[event.pk] = stored = event.facts if isinstance(event.facts, dict) else {}
        if missing := wanted.keys() - stored.keys():
            short.setdefault(frozenset(missing), []).append(event)
    for keys, lacking in short.items():
        recalled = {key for key in keys if _tells(catalog.facts[wanted[key][0]])}
        readable = [wanted[key] for key in sorted(recalled)]
        for start in range(0, len(lacking), CHUNK):
            chunk = lacking[start : start + CHUNK]
            read = read_events(chunk, {event.pk: readable for event in chunk}) if readable else {}
            for event in chunk:
                facts[event.pk] = {**facts[event.pk], **read.get(event.pk, {})}
                if lost := keys - recalled:
                    unknown[event.pk] = lost
    return Recalled(facts, unknown)


def _tells(fact: Fact) -> bool:
    return fact.value is not None or fact.history


def named(keys: Collection[str], asks: Sequence[Ask]) -> list[Ask]:
    """Return the asks behind fact keys, in the order in which the rule asks them."""
    return [(key, params) for key, params in asks if fact_key(key, params) in keys]
