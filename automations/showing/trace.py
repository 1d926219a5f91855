"""What a run saw and did, in words: its conditions with the values they met, its steps, and what these made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.engine.declare import Fact, catalog
from automations.engine.operators import asked_type
from automations.engine.sentence import param_phrase
from automations.models import Step
from automations.naming import Names
from automations.seen import moment, shown
from automations.showing.words import fact_title
from automations.wording import group_label, operator_label, words

NOTHING = "-"
VERBS: dict[str, Any] = {
    "skip": gettext_lazy("Skip"),
    "hold": gettext_lazy("Hold"),
    "release": gettext_lazy("Release"),
    "run_now": gettext_lazy("Run now"),
    "retry": gettext_lazy("Retry"),
}
"""The words of the buttons of steps."""
SEND_NOW = gettext_lazy("Send now")
"""The words of “Run now” where the step sends something."""
RESULTS = {True: "✓", False: "✗", None: "?"}


@dataclass(slots=True)
class Line:
    """One line of a verdict: a condition with what it met, or a group with its lines."""

    text: str
    mark: str
    result: str
    heard: str = ""
    actual: str = ""
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class StepLine:
    """One step for the page: times are in the clinic's zone."""

    step: Step
    action: str
    due: str
    finished: str
    waiting: str
    why: str
    made: list[tuple[str, str, str]]
    verbs: list[tuple[str, Any]]


def verdict_lines(verdict: Any, names: Names | None = None, zone: str = "UTC") -> list[Line]:
    """Lay out a verdict (its JSON); one that cannot be read has no lines."""
    if not isinstance(verdict, dict) or not isinstance(verdict.get("items"), list):
        return []
    return [_line(one, names, zone) for one in verdict["items"] if isinstance(one, dict)]


def _line(item: dict[str, Any], names: Names | None, zone: str) -> Line:
    result = item.get("result") if item.get("result") in (True, False) else None
    state = {True: "true", False: "false", None: "unknown"}[result]
    line = Line("", RESULTS[result], state, {True: _("true"), False: _("false"), None: _("unknown")}[result])
    if item.get("field") == "group":
        line.text, line.lines = group_label(str(item.get("match"))), verdict_lines(item, names, zone)
        return line
    fact = catalog.facts.get(str(item.get("field")))
    name = fact_title(fact) if fact else str(item.get("field"))
    op = str(item.get("op"))
    kind = asked_type(fact.type.value, op) if fact else "number"
    with suppress(KeyError):
        op = SIGNS.get((kind, op)) or operator_label(kind, op)
    clock = ZoneInfo(zone)
    line.text = " ".join(part for part in (name, op, shown(item.get("value"), fact, names, clock)) if part)
    if settings := _settings(item, fact, names):
        line.text += f" ({settings})"
    line.actual = _("was %s") % (shown(item.get("actual"), fact, names, clock) or _("unknown"))
    return line


def _settings(item: dict[str, Any], fact: Fact | None, names: Names | None) -> str:
    """Say the parameters of a condition, in the words of its fact."""
    known = {param.name: param for param in fact.params} if fact else {}
    said = []
    for key, value in item.items():
        if key in ("field", "op", "value", "actual", "result") or value in (None, [], ""):
            continue
        param = known.get(key)
        if param is None:
            said.append(f"{key}: {shown(value)}")
        else:
            phrase = words(param_phrase(param, value), names or (lambda _kind, slug: slug))
            said.append(f"{param.label} {phrase}" if param.type == "window" else f"{param.label}: {phrase}")
    return ", ".join(said)


SIGNS = {
    ("number", op): sign for op, sign in {"eq": "=", "ne": "≠", "lt": "<", "lte": "≤", "gt": ">", "gte": "≥"}.items()
}


Address = Callable[[Any], str]
"""Gives the address of a row's page, "" if it has none."""


def step_lines(
    steps: Iterable[Step], zone: str, may_act: bool, *, may_send: bool = True, address: Address | None = None
) -> list[StepLine]:
    """Lay out steps with what they made and the buttons that their state offers (`may_send`: also those that send)."""
    steps = list(steps)
    made = what_they_made([step.pk for step in steps], address or admin_address)
    return [
        StepLine(
            step,
            action_label(step.action),
            moment(step.due_at, zone),
            moment(step.finished_at, zone),
            trigger_label(step.waiting_for),
            step.reason_text or step.reason,
            made.get(step.pk, []),
            verbs_of(step, may_send) if may_act else [],
        )
        for step in steps
    ]


def action_label(key: str) -> str:
    """Name an action."""
    declared = catalog.actions.get(key)
    return str(declared.label) if declared else key


def fact_line(key: str, value: Any, zone: ZoneInfo) -> str:
    """Say one stored fact; `key` may carry parameters."""
    name, brace, rest = key.partition("{")
    fact = catalog.facts.get(name.removesuffix("@old"))
    title = fact_title(fact) if fact else name
    return f"{title}{' ' + brace + rest if brace else ''}: {shown(value, fact, None, zone) or NOTHING}"


def trigger_label(key: str) -> str:
    """Name a trigger."""
    declared = catalog.triggers.get(key)
    return str(declared.label) if declared else key


def verbs_of(step: Step, may_send: bool = True) -> list[tuple[str, Any]]:
    """Return (verb, label) of the buttons that a step's state offers; without `may_send` none that lets it act."""
    offered = {
        Step.State.PENDING: ("run_now", "hold", "skip"),
        Step.State.HELD: ("release", "run_now", "skip"),
        Step.State.FAILED: ("retry",),
    }
    verbs = offered.get(step.state, ())  # type: ignore[call-overload]
    declared = catalog.actions.get(step.action)
    words = VERBS | {"run_now": SEND_NOW} if declared is not None and declared.message else VERBS
    return [(verb, words[verb]) for verb in verbs if may_send or verb in ("hold", "skip")]


def what_they_made(step_ids: list[int], address: Address) -> dict[int, list[tuple[str, str, str]]]:
    """Return (kind, name, address) of the rows that steps wrote: whatever points back by `source_step`."""
    found: dict[int, list[tuple[str, str, str]]] = {}
    for model in makers():
        for row in model._default_manager.filter(source_step_id__in=step_ids).order_by("pk"):
            kind = str(model._meta.verbose_name)
            found.setdefault(row.source_step_id, []).append((kind, str(row), address(row)))
    return found


def makers() -> list[Any]:
    """Return the models whose rows say which step wrote them."""
    return [
        model
        for model in apps.get_models()
        if any(f.name == "source_step" and f.related_model is Step for f in model._meta.concrete_fields)
    ]


def admin_address(row: Any) -> str:
    """Return the address of a row's admin page; "" if it has none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


def subject_of(event: Any) -> Any:
    """Return the row that an event is about, if it is still there."""
    declared = catalog.subjects.get(event.subject_type)
    if declared is None:
        return None
    return apps.get_model(declared.model)._default_manager.filter(pk=event.subject_id).first()


def below_each_other(lines: Iterable[Any]) -> Any:
    """Put lines below each other, escaped."""
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines)) or NOTHING
