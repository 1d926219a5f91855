"""What the pages and the side column show of a back-test, a dry run and an explanation: words, bars and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from automations import wording
from automations.backtest import Backtest
from automations.dryrun import DryRun
from automations.engine.declare import catalog
from automations.engine.operators import OPERATORS
from automations.engine.sentence import field_phrase
from automations.engine.values import Condition, RuleSpec
from automations.explain import Explained, Explanation
from automations.models import Rule, Step
from automations.naming import names_of
from automations.seen import moment
from automations.showing import trace
from clinic.text import fold

SHOWN_PATIENTS = 8
WIDTH, HEIGHT = 8, 32
CODES: dict[str, Any] = {
    "reentry": gettext_lazy("once was enough"),
    "depth": gettext_lazy("too often, or in too long a chain"),
}
OUTCOMES: dict[str, Any] = {
    "matched": gettext_lazy("ran"),
    "suppressed": gettext_lazy("kept from running"),
    "error": gettext_lazy("error"),
    "not_matched": gettext_lazy("did not run"),
    "not_considered": gettext_lazy("not looked at"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of a spark."""

    x: int
    y: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Spark:
    """A small chart of counts a day, and the same in words."""

    bars: tuple[Bar, ...]
    width: int
    label: str
    height: int = HEIGHT


def spark(per_day: Mapping[date, int]) -> Spark:
    """Draw counts a day; the label names the busiest day for those who do not see it."""
    most = max(per_day.values(), default=0)
    bars = []
    for position, (day, count) in enumerate(per_day.items()):
        height = max(HEIGHT * count / most, 3.0) if count else 1.0
        bars.append(Bar(position * WIDTH, HEIGHT - height, height, f"{date_format(day, 'j M')}: {count}"))
    total = sum(per_day.values())
    label = ngettext("%(n)s run in %(days)s days", "%(n)s runs in %(days)s days", total) % {
        "n": total,
        "days": len(per_day),
    }
    if most:
        busiest = next(day for day, count in per_day.items() if count == most)
        label += ". " + _("Most on %(day)s: %(count)s.") % {"day": date_format(busiest, "j M"), "count": most}
    return Spark(tuple(bars), len(bars) * WIDTH, label)


def often(found: Backtest, spec: RuleSpec, clinic_id: int) -> dict[str, Any]:
    """Lay out a back-test."""
    names = names_of(clinic_id, [spec])
    _opening, sentences, _limits = wording.sentence_parts(spec, catalog, names)
    labels = {action.id: sentence for action, sentence in zip(spec.actions, sentences, strict=True)}
    return {
        "found": found,
        "spark": spark(found.per_day),
        "suppressed": [(CODES.get(code, code), count) for code, count in sorted(found.suppressed.items())],
        "steps": [(labels[key], count, found.ended[key]) for key, count in found.steps.items()],
        "unknown": [
            wording.words(field_phrase(_asked(key, params), catalog), names) for key, params in found.unknown_asks
        ],
        "days": [(date_format(day, "D j M"), count) for day, count in found.per_day.items() if count],
    }


def _asked(key: str, params: Mapping[str, Any]) -> Condition:
    """Return some condition about a fact, to name the fact with its parameters."""
    kind = catalog.facts[key].type.value
    op = next(op for of, op in OPERATORS if of == kind)
    return Condition(key, op, None, params, key, kind)


def trial(found: DryRun, rule: Rule, spec: RuleSpec, patient: Any) -> dict[str, Any]:
    """Lay out a dry run: the verdict's lines, and each step's sentence with its time."""
    zone = rule.clinic.time_zone
    verdicts = [found.verdict, *(step.only_if for step in found.steps if step.only_if)]
    names = names_of(rule.clinic_id, [spec], verdicts)
    _opening, sentences, _limits = wording.sentence_parts(spec, catalog, names)
    said = {action.id: sentence for action, sentence in zip(spec.actions, sentences, strict=True)}
    kind, pk = found.subject
    return {
        "outcome": found.outcome,
        "reason": found.reason,
        "patient": patient,
        "at": moment(found.at, zone),
        "no_subject": None if pk is not None else catalog.subjects[kind].label,
        "lines": trace.verdict_lines(found.verdict.as_json(), names, zone),
        "steps": [
            {
                "due": moment(step.planned.due_at, zone),
                "text": said.get(step.planned.action_id, step.planned.action),
                "waiting": trace.trigger_label(step.planned.waiting_for) if step.planned.waiting_for else "",
                "state": "" if step.planned.state == "pending" else Step.State(step.planned.state).label,
                "why": step.planned.reason_text,
                "blanks": step.blanks,
                "only_if": trace.verdict_lines(step.only_if.as_json(), names, zone) if step.only_if else [],
                "only_if_result": step.only_if.result if step.only_if else None,
            }
            for step in found.steps
        ],
    }


def explanation(found: Explanation, rule: Rule) -> dict[str, Any]:
    """Lay out an explanation, event by event."""
    zone = rule.clinic.time_zone
    verdicts = [verdict for one in found.events for verdict in (one.verdict, one.would) if verdict is not None]
    names = names_of(rule.clinic_id, [], verdicts)
    return {"text": found.text, "events": [_event(one, names, zone) for one in found.events]}


def _event(one: Explained, names: Any, zone: str) -> dict[str, Any]:
    return {
        "row": one.event,
        "label": trace.trigger_label(one.event.trigger),
        "at": moment(one.event.occurred_at, zone),
        "outcome": one.outcome,
        "outcome_label": OUTCOMES[one.outcome],
        "reason": one.reason.text if one.reason else "",
        "version": one.version,
        "run": one.run,
        "lines": trace.verdict_lines(one.verdict, names, zone),
        "would": None if one.would is None else one.would.result is True,
        "would_lines": [] if one.would is None else trace.verdict_lines(one.would.as_json(), names, zone),
        "unknown": [str(catalog.facts[key.partition("{")[0]].label) for key in one.unknown],
    }


def find_patients(clinic_id: int, text: str) -> Sequence[Any]:
    """Return the clinic's patients whose name has every word of the text, or whose id it is; a few at most."""
    rows = apps.get_model("patients", "Patient").objects.filter(clinic_id=clinic_id)
    asked = Q()
    for word in fold(text.replace("\0", "")).split()[:5]:
        asked &= Q(family_name_folded__contains=word) | Q(given_name_folded__contains=word)
    named = text.strip()
    asked |= Q(external_id=named)
    if named.isascii() and named.isdigit() and len(named) < 19:
        asked |= Q(pk=int(named))
    return list(rows.filter(asked).order_by("family_name", "given_name", "pk")[:SHOWN_PATIENTS])
