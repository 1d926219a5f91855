"""The lines of the editor: which inputs a condition, an action and a timing are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from automations.admin import inputs
from automations.admin.choices import Choices
from automations.admin.inputs import Input
from automations.engine.declare import Action, Fact, FactType, catalog
from automations.engine.operators import operators_for
from automations.wording import operator_label

EXTRA = "extra__"
"""What a stored line holds beyond what anything reads, as JSON text, so that saving does not lose it unseen."""
GROUP = "group"
MEMBER = "member__"
"""The name of a member, in a line about a family of facts."""
TYPE_LABELS = {
    "number": _lazy("number"),
    "choice": _lazy("choice"),
    "text": _lazy("text"),
    "text_or_flag": _lazy("text, or yes or no"),
    "date": _lazy("date"),
    "list": _lazy("several choices"),
}
NOWHERE = ""
"""The field or type of a line for which nothing has been chosen yet."""


def match_options() -> list[dict[str, str]]:
    """Return how the lines of a group hold together."""
    return [
        {"title": _("all of these (AND)"), "value": "all"},
        {"title": _("any of these (OR)"), "value": "any"},
        {"title": _("none of these"), "value": "none"},
    ]


def mode_options() -> list[dict[str, str]]:
    """Return when a step can be due."""
    return [
        {"title": _("immediately"), "value": "immediately"},
        {"title": _("after a time"), "value": "delay"},
        {"title": _("before or after a date"), "value": "relative"},
        {"title": _("once an event happens"), "value": "wait_for"},
    ]


class FactLine:
    """The inputs of a condition about one fact."""

    def __init__(self, fact: Fact, choices: Choices) -> None:
        self.fact = fact
        self.operators = operators_for(fact.type.value, fact.change)
        self.operands: dict[str, Input] = {}
        for op in self.operators.values():
            made = inputs.of_operand(op.takes, fact, choices)
            if made is not None:
                self.operands[op.takes] = made
        self.params = {p.name: inputs.of_param(p, fact.key, choices) for p in fact.params}
        if fact.family:
            self.params[MEMBER] = inputs.text(MEMBER, _("which one, by name"), most=50)

    def op_options(self) -> list[dict[str, str]]:
        """Return the operators of the fact's type as options; where they decide the type, each says which."""
        options = []
        for key, op in self.operators.items():
            title = operator_label(self.fact.type.value, key)
            if self.fact.type is FactType.any and op.takes != "nothing":
                title = f"{title} ({TYPE_LABELS.get(op.takes, TYPE_LABELS[op.type])})"
            options.append({"title": title, "value": key})
        return options

    def operand(self, op: Any) -> Input | None:
        """Return the input of what this operator takes."""
        known = self.operators.get(op) if isinstance(op, str) else None
        return self.operands.get(known.takes) if known else None

    def all(self) -> Iterator[Input]:
        """Walk every input, values first."""
        yield from self.operands.values()
        yield from self.params.values()

    def shown(self) -> dict[str, list[str]]:
        """Return for each operator the inputs of other operators, which the page hides."""
        every = [key for one in self.operands.values() for key in one.schemas]
        hidden = {}
        for op in self.operators:
            used = self.operand(op)
            hidden[op] = [key for key in every if used is None or key not in used.schemas]
        return hidden


class ActionLine:
    """The inputs of one kind of action."""

    def __init__(self, action: Action, choices: Choices) -> None:
        self.action = action
        self.params = {p.name: inputs.of_param(p, action.key, choices) for p in action.params}


class TimingLine:
    """The inputs of a step's timing, for a trigger."""

    OTHERWISE = ("skip", "task")
    USED: Mapping[str, tuple[str, ...]] = {
        "immediately": (),
        "delay": ("amount", "unit", "at"),
        "relative": ("amount", "unit", "direction", "anchor", "if_late"),
        "wait_for": ("trigger", "amount", "unit", "otherwise"),
    }

    def __init__(self, trigger: str, choices: Choices) -> None:
        known = trigger in catalog.triggers
        anchors = catalog.anchors_for(trigger) if known else {}
        own = catalog.triggers[trigger].subject if known else None
        awaited = [one for one in catalog.triggers.values() if one.subject == own and one.key != trigger]
        anchor_words = [(key, anchor.label) for key, anchor in anchors.items()]
        self.modes = [
            one
            for one in mode_options()
            if (one["value"] != "relative" or anchors) and (one["value"] != "wait_for" or awaited)
        ]
        self.inputs = {
            "mode": inputs.choice("when__mode", _("When"), self.modes, blank="immediately"),
            "amount": inputs.number("when__amount", _("how long"), whole=True, low=0),
            "unit": inputs.choice("when__unit", _("unit"), inputs.units(), blank="days"),
            "at": inputs.clock_time("when__at", _("at (optional)")),
            "direction": inputs.choice("when__direction", _("side"), _sides(), blank="before"),
            "anchor": inputs.choice("when__anchor", _("date"), choices.words(("anchor",), anchor_words)),
            "if_late": inputs.choice("when__if_late", _("if it is too late"), _late(), blank="skip"),
            "trigger": inputs.choice(
                "when__trigger", _("event"), choices.words(("awaited",), [(one.key, one.label) for one in awaited])
            ),
            "otherwise": inputs.choice("when__otherwise", _("if it never comes"), _otherwise(), blank="skip"),
        }

    def offer(self, mode: str) -> None:
        """Keep a stored mode among the options, though this trigger does not offer it."""
        if mode not in [one["value"] for one in self.modes]:
            self.modes += [one for one in mode_options() if one["value"] == mode]

    def shown(self) -> dict[str, list[str]]:
        """Return for each mode the inputs that the page hides."""
        every = [name for name in self.inputs if name != "mode"]
        return {mode: [f"when__{name}" for name in every if name not in used] for mode, used in self.USED.items()}


def _sides() -> list[dict[str, str]]:
    return [{"title": _("before"), "value": "before"}, {"title": _("after"), "value": "after"}]


def _late() -> list[dict[str, str]]:
    return [{"title": _("skip it"), "value": "skip"}, {"title": _("do it at once"), "value": "send_now"}]


def _otherwise() -> list[dict[str, str]]:
    return [{"title": _("do nothing"), "value": "skip"}, {"title": _("make it a task"), "value": "task"}]
