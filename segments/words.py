"""Who is in a segment, in plain words, with the names that this clinic's rows have now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext

from automations import wording
from automations.engine.conditions import references_of
from automations.engine.declare import catalog
from automations.engine.problems import RuleInvalid
from automations.engine.values import Group, RuleSpec
from automations.naming import Names, names_of
from segments import definition
from segments.models import Segment


def in_words(group: Group, clinic_id: int) -> str:
    """Say who meets the conditions."""
    return wording.conditions_text(group, catalog, names_for([group], clinic_id))


def names_for(groups: Iterable[Group], clinic_id: int, verdicts: Iterable[Any] = ()) -> Names:
    """Return the names of what conditions name, and of what verdicts have met; one query a kind of row."""
    uses = [tuple(references_of(group, definition.offered(), definition.PATH)) for group in groups]
    return names_of(clinic_id, [RuleSpec("", {}, Group(), (), references=named) for named in uses], verdicts)


def many_in_words(segments: Iterable[Segment], clinic_id: int) -> dict[int, str]:
    """Say by id who is in dynamic segments, or that one cannot be used; as many queries for many as for one."""
    parsed: dict[int, Group] = {}
    said: dict[int, str] = {}
    for segment in segments:
        if not segment.is_dynamic:
            continue
        try:
            parsed[segment.pk] = definition.parse(segment.conditions)
        except RuleInvalid:
            said[segment.pk] = gettext("What it asks cannot be answered any more; its editor says why.")
    names = names_for(parsed.values(), clinic_id)
    return said | {pk: wording.conditions_text(group, catalog, names) for pk, group in parsed.items()}
