"""Say why a verdict is not true: what each line saw, and what the rule needs instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from automations.engine.declare import FactType, catalog
from automations.engine.operators import ALWAYS_KNOW
from automations.engine.sentence import field_phrase, value_phrase
from automations.engine.values import Condition, Verdict
from automations.engine.why import Need, Needs, needs
from automations.naming import Names, names_of
from automations.seen import shown
from automations.wording import condition_words, operator_label, words

NUMBERS: dict[str, Any] = {
    "gte": pgettext_lazy("the rule needs", "%(value)s"),
    "lte": pgettext_lazy("the rule needs", "at most %(value)s"),
    "gt": pgettext_lazy("the rule needs", "more than %(value)s"),
    "lt": pgettext_lazy("the rule needs", "less than %(value)s"),
    "eq": pgettext_lazy("the rule needs", "exactly %(value)s"),
    "ne": pgettext_lazy("the rule needs", "anything but %(value)s"),
    "between": pgettext_lazy("the rule needs", "between %(value)s"),
}
OPPOSITE = {"gte": "lt", "lt": "gte", "lte": "gt", "gt": "lte", "eq": "ne", "ne": "eq"}
PRONOUNS: dict[str, Any] = {
    "female": pgettext_lazy("subject of a sentence", "She"),
    "male": pgettext_lazy("subject of a sentence", "He"),
}

KINDS: dict[str, Any] = {
    "number": pgettext_lazy("sent as", "a number"),
    "text": pgettext_lazy("sent as", "a text"),
    "choice": pgettext_lazy("sent as", "a text"),
    "date": pgettext_lazy("sent as", "a date"),
    "list": pgettext_lazy("sent as", "a list"),
    "boolean": pgettext_lazy("sent as", "yes or no"),
    "record": pgettext_lazy("sent as", "a record"),
}
SENT: tuple[tuple[Any, str], ...] = (
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "text"),
    (list, "list"),
    (dict, "record"),
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak of a patient: the pronoun or the name, names of rows, the clinic's zone."""

    who: str
    names: Names
    zone: ZoneInfo

    @classmethod
    def about(cls, patient: Any, names: Names, zone: ZoneInfo) -> Voice:
        """Speak of this patient."""
        return cls(str(PRONOUNS.get(patient.sex) or patient), names, zone)


def why_not(verdict: Verdict, voice: Voice) -> str:
    """Say what would have to be otherwise, a sentence a line; "" for a verdict that is true."""
    return _said(needs(verdict), voice)


def _said(found: Needs, voice: Voice) -> str:
    texts = [_said(one, voice) if isinstance(one, Needs) else _line(one, voice) + "." for one in found.items]
    if found.match == "all" or len(texts) < 2:
        return " ".join(texts)
    between = pgettext("between sentences of which one is enough", "Or: ")
    return _("One of these would be enough.") + " " + f" {between}".join(texts)


def _line(need: Need, voice: Voice) -> str:
    """Say one line: what was seen, and what is needed."""
    return _("%(seen)s; %(needed)s") % {"seen": _seen(need, voice), "needed": _needed(need, voice)}


def _seen(need: Need, voice: Voice) -> str:
    condition, actual = need.line.condition, need.line.actual
    fact = catalog.facts.get(condition.field)
    field = words(field_phrase(condition, catalog), voice.names)
    known = actual is not None and actual != []
    value = shown(actual, fact, voice.names, voice.zone)
    if not known:
        text = _("%(field)s is empty") if condition.op in ALWAYS_KNOW or actual == [] else _("%(field)s is not known")
        return text % {"field": field}
    if fact is not None and fact.said:
        return str(fact.said) % {"who": voice.who, "value": value}
    if fact is not None and fact.type is FactType.any and need.line.result is None:
        kind, wanted = (str(KINDS[one]) for one in (_kind(actual), condition.type))
        if kind != wanted:
            text = _("%(field)s was sent as %(kind)s (%(value)s), not as %(wanted)s")
            return text % {"field": field, "kind": kind, "value": value, "wanted": wanted}
    return _("%(field)s was %(value)s") % {"field": field, "value": value}


def _kind(value: Any) -> str:
    return next(name for types, name in SENT if isinstance(value, types))


def _needed(need: Need, voice: Voice) -> str:
    condition = need.line.condition
    op = condition.op if need.holds else OPPOSITE.get(condition.op, "")
    if condition.type == "number" and op in NUMBERS:
        value = NUMBERS[op] % {"value": _value(condition, voice)}
        return _("the rule needs %(value)s") % {"value": value}
    asked = " ".join(part for part in (operator_label(condition.type, condition.op), _value(condition, voice)) if part)
    if need.holds:
        return _("the rule asks that it %(asked)s") % {"asked": asked}
    return _("the rule is not for those where it %(asked)s") % {"asked": asked}


def _value(condition: Condition, voice: Voice) -> str:
    phrase = value_phrase(condition, catalog)
    return "" if phrase is None else words(phrase, voice.names)


def unmet(verdict: Verdict, clinic_id: int) -> str:
    """Name the conditions in the way, without the values that they met: a step keeps it for all who may see steps."""
    lines = list(needs(verdict).lines())
    names = names_of(clinic_id, [], [verdict])
    holds = [condition_words(one.line.condition, catalog, names) for one in lines if one.holds]
    fails = [condition_words(one.line.condition, catalog, names) for one in lines if not one.holds]
    said = [_("Not so: %(conditions)s.") % {"conditions": "; ".join(holds)}] if holds else []
    said += [_("So, though it must not be: %(conditions)s.") % {"conditions": "; ".join(fails)}] if fails else []
    return " ".join(said)[:500]
