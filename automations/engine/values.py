"""The frozen values that flow through the engine.

Facts are JSON values: number, str, bool, list of str, or None (unknown). A date fact is an ISO instant with an
offset or "Z", or
a plain "YYYY-MM-DD". They are keyed by `fact_key(field, params)`; a fact declared with change=True also has its
value before
the change under `old_key(key)`, that is "appointment.starts_at@old" (None: there was none; the key left out: not
known).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

WORDS = {True: "true", False: "false", None: "unknown"}


def fact_key(name: str, params: Mapping[str, Any] | None = None) -> str:
    """Name a fact with its parameters: the key, then their canonical JSON if there are any (lists in any order are
    one)."""
    if not params:
        return name
    plain = {key: sorted(value) if _is_text_list(value) else value for key, value in params.items()}
    return name + json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def old_key(key: str) -> str:
    """Name the value before the change of the fact that `key` (a fact_key) names."""
    return key + "@old"


# --- a rule ---


@dataclass(frozen=True, slots=True)
class Condition:
    """One line: field, operator, value. `key` is its fact_key; `type` decides how values compare: the fact's,
    or of a fact of type any what operator and value ask for."""

    field: str
    op: str
    value: Any
    params: Mapping[str, Any]
    key: str
    type: str


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that hold together: match is "all", "any" or "none" (= not any). Only a root may be empty: always
    true."""

    match: str = "all"
    items: tuple[Condition | Group, ...] = ()

    def conditions(self) -> Iterator[Condition]:
        """Walk every condition below, in reading order."""
        for item in self.items:
            if isinstance(item, Group):
                yield from item.conditions()
            else:
                yield item


@dataclass(frozen=True, slots=True)
class Immediately:
    """Due when the event occurred."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Due `amount` `unit` after the event; `at`, a clinic-local time, only with days, weeks and months."""

    amount: int
    unit: str
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Relative:
    """Due `amount` `unit` before or after an anchor; if_late is "skip" or "send_now"."""

    amount: int
    unit: str
    direction: str
    anchor: str
    if_late: str = "skip"


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Due when `trigger` happens to the same subject; after `amount` `unit`, `otherwise`: "skip" or "task"."""

    trigger: str
    amount: int
    unit: str
    otherwise: str = "skip"


Timing = Immediately | Delay | Relative | WaitFor


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action of a rule: what, when, only if, and the editor's own notes."""

    id: str
    type: str
    params: Mapping[str, Any]
    timing: Timing = Immediately()
    only_if: Group | None = None
    note: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Reentry:
    """Say whether the rule may run again for a patient; `days` only with once_per_days."""

    mode: str = "every_time"
    days: int | None = None


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Rule-wide settings. recheck None: each action's own default (true for messages). hourly_cap None: no cap."""

    reentry: Reentry = Reentry()
    stop_on: tuple[str, ...] = ()
    recheck: bool | None = None
    hourly_cap: int | None = None


@dataclass(frozen=True, slots=True)
class ReferenceUse:
    """A place in the rule (JSON Pointer) that names a row: its kind and slug."""

    path: str
    kind: str
    slug: str


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A valid rule. Only engine.schema.parse_rule makes one from outside data."""

    trigger: str
    trigger_config: Mapping[str, Any]
    conditions: Group
    actions: tuple[ActionSpec, ...]
    settings: RuleSettings = RuleSettings()
    references: tuple[ReferenceUse, ...] = ()


# --- an event, and what came of it ---


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What is known of an event: occurred_at (aware) is "now" for its conditions, zone is the clinic's."""

    trigger: str
    occurred_at: datetime
    zone: ZoneInfo
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConditionVerdict:
    """A condition, the value it saw, and true, false or None (unknown)."""

    condition: Condition
    actual: Any
    result: bool | None

    def as_json(self) -> dict[str, Any]:
        """Give the line as the API shows it."""
        seen = {"field": self.condition.field, "op": self.condition.op, "value": self.condition.value}
        return {**seen, "actual": self.actual, "result": self.result, **self.condition.params}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A group's answer: true, false or None (unknown), with those of its items."""

    match: str
    result: bool | None
    items: tuple[ConditionVerdict | Verdict, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the tree as the API shows it; a group inside also says "field": "group", as in the rule."""
        items = [
            {"field": "group", **item.as_json()} if isinstance(item, Verdict) else item.as_json() for item in self.items
        ]
        return {"match": self.match, "result": self.result, "items": items}

    def leaves(self, path: str = "") -> Iterator[tuple[str, ConditionVerdict]]:
        """Walk (JSON Pointer, line) in reading order."""
        for position, item in enumerate(self.items):
            where = f"{path}/items/{position}"
            if isinstance(item, Verdict):
                yield from item.leaves(where)
            else:
                yield where, item

    def reasons(self) -> tuple[str, ...]:
        """Give one short line a condition, without values of the patient: "/items/0 patient.age gte false"."""
        return tuple(
            f"{where} {line.condition.key} {line.condition.op} {WORDS[line.result]}" for where, line in self.leaves()
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """A code for machines and a text for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step must not act now; with retry_at it may later."""

    code: str
    text: str
    retry_at: datetime | None = None


class EffectError(Exception):
    """An effect failed. `permanent`: trying again cannot help. `rule_error`: the rule is to blame, not the world."""

    def __init__(self, message: str, permanent: bool, rule_error: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.rule_error = rule_error


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step to be stored: state is pending, held, skipped, expired or cancelled; `key` is its idempotency key."""

    action_id: str
    action: str
    params: Mapping[str, Any]
    role: str
    due_at: datetime
    waiting_for: str | None
    not_after: datetime | None
    anchor: str | None
    state: str
    reason_code: str
    reason_text: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """All that an action may know of a due step. not_before: undo time and quiet hours, already worked out.

    put_off: the code of the refusal that moved it to now, if one did. zone: the clinic's time zone, by name.
    """

    id: Any
    clinic_id: Any
    patient_id: Any
    subject_type: str
    subject_id: Any
    event_id: Any
    trigger: str
    occurred_at: datetime
    rule_id: Any
    rule_name: str
    action_id: str
    action: str
    params: Mapping[str, Any]
    role: str
    due_at: datetime
    now: datetime
    zone: str
    not_after: datetime | None = None
    not_before: datetime | None = None
    depth: int = 0
    event_data: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    reason: Reason | None = None
    put_off: str = ""
