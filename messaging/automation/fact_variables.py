"""Let templates use what rules know: `{{ patient.age }}` is the fact of that key, as it was when the rule matched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from django.utils import translation

from automations.engine.declare import Fact, FactType, catalog
from messaging.times import locale_of
from messaging.variables import MessageContext, Variable, variables

IN_WORDS = (FactType.number, FactType.text, FactType.choice, FactType.date)
"""Types of which one value can be read out; a list or a code of another row cannot."""


def usable() -> dict[str, Fact]:
    """Return the facts that can stand in a text: of a readable type, and needing no parameters."""
    return {key: fact for key, fact in catalog.facts.items() if fact.type in IN_WORDS and not fact.params}


def names() -> dict[str, Variable]:
    """Return them as variables."""
    return {key: Variable(fact.label, fact.sensitive) for key, fact in usable().items()}


def in_words(key: str, value: Any, context: MessageContext) -> Any:
    """Put a fact's value into the reader's words."""
    fact = catalog.facts.get(key)
    if value is None or fact is None:
        return value
    if fact.type is FactType.choice:
        with translation.override(context.language):
            return str(dict(fact.choices).get(value, value))
    if fact.type is FactType.date:
        return _date_in_words(str(value), context)
    return value


def _date_in_words(value: str, context: MessageContext) -> str:
    if len(value) == len("2026-11-24"):
        return format_date(date.fromisoformat(value), "full", locale=locale_of(context.language))
    return context.say(datetime.fromisoformat(value))


def facts_for(needed: set[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that a message must keep until it is put into words."""
    return {key: facts[key] for key in needed if key in facts}


variables.register_facts(names, in_words)
