"""Ask one condition about one event."""

from typing import Any

from automations.engine.conditions import evaluate, parse_group

from .cast import CATALOG, event

FACTS = CATALOG.facts_for("appointment.completed")


def ask(condition: dict[str, Any], **facts: Any) -> bool | None:
    """Return the verdict on the condition; a fact is named with two underscores for its dot."""
    group = parse_group({"match": "all", "items": [condition]}, FACTS)
    return evaluate(group, event(**facts)).result
