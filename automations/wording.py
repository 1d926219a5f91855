"""Put a rule into words: the translations of what engine.sentence says in message ids.

`names(kind, slug)` gives the display name of a row that the rule names; one that is gone should come back as its slug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Catalog
from automations.engine.operators import asked_type
from automations.engine.sentence import Name, Phrase, condition_phrase, conditions_phrase, sentence
from automations.engine.values import Condition, Group, RuleSpec

Names = Callable[[str, str], str]

MESSAGES: dict[str, Any] = {
    "rule.when": _("When %(trigger)s, every time, then:"),
    "rule.when_if": _("When %(trigger)s, only if %(conditions)s, then:"),
    "trigger.with": _("%(label)s (%(settings)s)"),
    "field.with": _("%(label)s (%(settings)s)"),
    "condition": _("%(field)s %(op)s %(value)s"),
    "condition.bare": _("%(field)s %(op)s"),
    "offset.after": _("%(span)s later"),
    "offset.before": _("%(span)s earlier"),
    "offset.same": _("on the day"),
    "value.pair": _("%(low)s and %(high)s"),
    "value.yes": _("yes"),
    "value.no": _("no"),
    "param": _("%(label)s: %(value)s"),
    "param.window": _("in the last %(span)s"),
    "action.with": _("%(label)s (%(settings)s)"),
    "step.timed": _("%(timing)s, %(action)s"),
    "step.only_if": _("%(step)s, only if %(conditions)s"),
    "step.disabled": _("(switched off) %(step)s"),
    "timing.delay": _("after %(span)s"),
    "timing.delay_at": _("after %(span)s at %(at)s"),
    "timing.today_at": _("the same day at %(at)s"),
    "timing.before": _("%(span)s before %(anchor)s"),
    "timing.after": _("%(span)s after %(anchor)s"),
    "timing.at_anchor": _("at %(anchor)s"),
    "timing.wait_for.skip": _("once %(trigger)s, if that is within %(span)s"),
    "timing.wait_for.task": _("once %(trigger)s (a task instead after %(span)s)"),
    "limit.once_per_patient": _("Once per patient."),
    "limit.once_per_days": _("At most once in %(span)s per patient."),
    "limit.hourly_cap": _("At most %(amount)s times an hour."),
    "limit.stop_on": _("Stops when %(items)s."),
    "op.number.eq": _("is"),
    "op.number.ne": _("is not"),
    "op.number.lt": _("is less than"),
    "op.number.lte": _("is at most"),
    "op.number.gt": _("is more than"),
    "op.number.gte": _("is at least"),
    "op.number.between": _("is between"),
    "op.text.is": _("is"),
    "op.text.is_not": _("is not"),
    "op.text.contains": _("contains"),
    "op.text.starts_with": _("starts with"),
    "op.text.is_any_of": _("is any of"),
    "op.choice.is_any_of": _("is any of"),
    "op.choice.is_none_of": _("is none of"),
    "op.reference.is_any_of": _("is any of"),
    "op.reference.is_none_of": _("is none of"),
    "op.boolean.is": _("is"),
    "op.date.before": _("is before"),
    "op.date.after": _("is after"),
    "op.date.on": _("is on"),
    "op.date.in_last": _("is in the last"),
    "op.date.in_next": _("is in the next"),
    "op.date.more_than_ago": pgettext_lazy("more than 3 days ago", "is longer ago than"),
    "op.list.has_any_of": _("has any of"),
    "op.list.has_all_of": _("has all of"),
    "op.list.has_none_of": _("has none of"),
    "op.is_empty": _("is empty"),
    "op.is_not_empty": _("is not empty"),
    "op.changed": _("changed"),
    "op.changed_from": _("changed from"),
    "op.changed_to": _("changed to"),
}


def operator_label(kind: str, op: str) -> str:
    """Give the words of an operator of a fact type."""
    return str(MESSAGES.get(f"op.{asked_type(kind, op)}.{op}") or MESSAGES[f"op.{op}"])


def sentence_text(spec: RuleSpec, catalog: Catalog, names: Names) -> str:
    """Say a rule in one line: "When …, only if …, then: 1. …; 2. …"."""
    opening, steps, limits = sentence_parts(spec, catalog, names)
    numbered = "; ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return " ".join([opening, f"{numbered}.", *limits])


def sentence_parts(spec: RuleSpec, catalog: Catalog, names: Names) -> tuple[str, list[str], list[str]]:
    """Say a rule as its opening, its steps and its limits, for a page that lays them out."""
    said = sentence(spec, catalog)
    return (
        words(said.opening, names),
        [words(step, names) for step in said.steps],
        [words(limit, names) for limit in said.limits],
    )


def conditions_text(group: Group, catalog: Catalog, names: Names) -> str:
    """Say a condition tree; without conditions: "everyone"."""
    return words(conditions_phrase(group, catalog), names) if group.items else gettext("everyone")


def condition_words(condition: Condition, catalog: Catalog, names: Names) -> str:
    """Say one condition."""
    return words(condition_phrase(condition, catalog), names)


def group_label(match: str) -> str:
    """Say how the lines of a group hold together."""
    return str({"all": _("all of these"), "any": _("any of these"), "none": _("none of these")}.get(match, match))


def words(part: Any, names: Names) -> str:
    """Put a phrase, a name or a plain value into words."""
    if isinstance(part, Name):
        return str(names(part.kind, part.slug))
    if not isinstance(part, Phrase):
        return str(part)
    special = _SPECIAL.get(part.id) or _SPECIAL.get(part.id.split(".")[0])
    if special is not None:
        return special(part, names)
    params = {key: _param(value, names) for key, value in part.params.items()}
    return str(MESSAGES[part.id]) % params


def _param(value: Any, names: Names) -> str:
    return ", ".join(words(one, names) for one in value) if isinstance(value, tuple) else words(value, names)


def _plain(part: Phrase, names: Names) -> str:
    return words(part.params["label"], names)


def _span(part: Phrase, names: Names) -> str:
    amount = part.params["amount"]
    counted = {
        "span.minutes": ngettext("%(amount)s minute", "%(amount)s minutes", amount),
        "span.hours": ngettext("%(amount)s hour", "%(amount)s hours", amount),
        "span.days": ngettext("%(amount)s day", "%(amount)s days", amount),
        "span.weeks": ngettext("%(amount)s week", "%(amount)s weeks", amount),
        "span.months": ngettext("%(amount)s month", "%(amount)s months", amount),
    }
    return counted[part.id] % {"amount": amount}


def _group(part: Phrase, names: Names) -> str:
    items = [words(one, names) for one in part.params["items"]]
    if part.id == "group.none":
        return gettext("none of these: (%(items)s)") % {"items": _joined(items, "or")}
    joined = _joined(items, "or" if part.id.startswith("group.any") else "and")
    return f"({joined})" if part.id.endswith(".inside") else joined


def _or(part: Phrase, names: Names) -> str:
    return _joined([words(one, names) for one in part.params["items"]], "or")


def _stop_on(part: Phrase, names: Names) -> str:
    return str(MESSAGES[part.id]) % {"items": _or(part, names)}


def _joined(items: Iterable[str], how: str) -> str:
    between = pgettext("between conditions", " or ") if how == "or" else pgettext("between conditions", " and ")
    return between.join(items)


def _operator(part: Phrase, names: Names) -> str:
    _op, kind, op = part.id.split(".")
    return operator_label(kind, op)


class _Given(dict[str, str]):
    """Leave a gap in an action's phrase for a parameter that is not given."""

    def __missing__(self, key: str) -> str:
        return "…"


def _action(part: Phrase, names: Names) -> str:
    if part.id == "action.with":
        settings = _param(part.params["settings"], names)
        return str(MESSAGES[part.id]) % {"label": part.params["label"], "settings": settings}
    values = _Given({key: words(value, names) for key, value in part.params["values"].items()})
    texts = [part.params["phrase"], *part.params["extras"]]
    return " ".join(str(text) % values for text in texts)


_SPECIAL: dict[str, Callable[[Phrase, Names], str]] = {
    "plain": _plain,
    "span": _span,
    "group": _group,
    "value.or": _or,
    "limit.stop_on": _stop_on,
    "op": _operator,
    "action": _action,
}
