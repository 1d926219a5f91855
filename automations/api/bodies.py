"""Take a rule's JSON apart: what people name it, and the definition, which the engine alone judges."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from automations.engine.problems import Problem, RuleInvalid, child, nearest, shown
from automations.engine.schema import RULE_KEYS

NAMES = ("slug", "name", "description", "mode")
READ_ONLY = (
    "id",
    "enabled",
    "version",
    "execution_count",
    "last_executed_at",
    "sentence",
    "mode_reason",
    "recipe",
    "broken",
    "unpublished_changes",
    "created_at",
)
"""What reading gives besides: taken back unread, so that what one clinic shows can be sent to another."""
MAX_DESCRIPTION = 5_000


@dataclass(slots=True)
class RuleBody:
    """The parts that were given: `names` (NAMES) and `definition` (RULE_KEYS), and what is wrong so far."""

    names: dict[str, str] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: str, code: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(path, code, message))

    def raise_with(self, more: Collection[Problem] = ()) -> None:
        """Raise RuleInvalid with what is wrong here and elsewhere, if anything is."""
        if self.problems or more:
            raise RuleInvalid([*self.problems, *more])


def read(body: Any) -> RuleBody:
    """Take a body apart. Unknown keys and values that are no text are noted; a body that is no object is refused."""
    found = RuleBody()
    if not isinstance(body, Mapping):
        found.refuse("", "type", _("Write an object here, not %(value)s.") % {"value": shown(body)})
        found.raise_with()
    for key, value in body.items():
        if key in RULE_KEYS:
            found.definition[key] = value
        elif key in NAMES:
            _take_name(found, key, value)
        elif key not in READ_ONLY:
            hint = nearest(key, (*NAMES, *RULE_KEYS))
            message = _("Remove %(key)s; a rule has nothing of that name.") % {"key": shown(key)}
            found.refuse(child("", key), "unknown_key", message + hint)
    return found


def _take_name(found: RuleBody, key: str, value: Any) -> None:
    if not isinstance(value, str):
        found.refuse(f"/{key}", "type", _("Write a text here, not %(value)s.") % {"value": shown(value)})
    elif key == "description" and (len(value) > MAX_DESCRIPTION or "\0" in value):
        message = _("Write at most %(most)s characters, without NUL.") % {"most": MAX_DESCRIPTION}
        found.refuse("/description", "too_long", message)
    else:
        found.names[key] = value


def stay(found: RuleBody, stored: Mapping[str, str], remedies: Mapping[str, Any]) -> None:
    """Refuse to change by an edit what has another way; sending it as it is does nothing."""
    for key, remedy in remedies.items():
        given = found.names.pop(key, None)
        if given is not None and given != stored[key]:
            found.refuse(f"/{key}", "read_only", str(remedy))


def merged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Put what was given over what is stored, part by part.

    A new trigger without settings of its own starts without: those of the old one would not fit.
    """
    document = {key: value for key, value in stored.items() if key in RULE_KEYS}
    if "trigger_event" in given and given["trigger_event"] != document.get("trigger_event"):
        document.pop("trigger_config", None)
    return {**document, **given}
