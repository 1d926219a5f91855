"""What a text asks for that an event of a trigger never brings, found before the rule is published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from automations.engine.declare import catalog
from messaging.liquid import TextError, parse
from messaging.selectors import templates_by_slug
from messaging.text import samples
from messaging.variables import variables


def of_texts(sources: Iterable[str], trigger: str) -> tuple[str, ...]:
    """Name the variables that a message after this trigger has not and cannot do without.

    What such a message has is filled in by way of example, so that a text which asks first and then leaves the
    variable out is none of them.
    """
    known, found = variables.known(), set()
    for source in sources:
        try:
            letter = parse(source)
        except TextError:
            continue  # it is told of where it is written
        lacking = {name for name in letter.names & known.keys() if not _has(name, trigger)}
        try:
            letter.render(samples(letter.names - lacking, known))
        except TextError:
            found |= lacking
    return tuple(sorted(found))


def of_template(slug: str, clinic_id: Any, trigger: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of a template and what none of its bodies gets; of one that is not in use nothing."""
    template = templates_by_slug([clinic_id], [slug]).get((clinic_id, slug))
    if template is None:
        return "", ()
    sources = (source for body in template.bodies.all() for source in (body.subject, body.text))
    return template.name, of_texts(sources, trigger)


def _has(name: str, trigger: str) -> bool:
    """Tell whether a message after this trigger knows a variable."""
    if variables.facts_among([name]):
        return name in catalog.facts_for(trigger)
    return variables.needs(name) in ("", catalog.triggers[trigger].subject)
