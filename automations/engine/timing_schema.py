"""Read a step's timing from the wire, and write it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from . import scalars
from .declare import Catalog
from .moments import CALENDAR_UNITS
from .problems import Problems, child, one_of, shown
from .scalars import BAD
from .values import Delay, Immediately, Relative, Timing, WaitFor

DIRECTIONS = ("before", "after")
IF_LATE = ("skip", "send_now")
OTHERWISE = ("skip", "task")

Reader = Callable[[dict[str, Any], str, Problems, str, Catalog], Timing]


def parse_timing(raw: Any, path: str, problems: Problems, trigger: str, catalog: Catalog) -> Timing:
    """Check when a step is due; left out or null is immediately. Problems are noted, and Immediately stands in."""
    if raw is None:
        return Immediately()
    if not isinstance(raw, dict):
        problems.add(path, "type", f'Write an object such as {{"mode": "immediately"}} here, not {shown(raw)}.')
        return Immediately()
    mode = scalars.word(raw.get("mode"), MODES, child(path, "mode"), problems)
    if mode is BAD:
        return Immediately()
    keys, read = MODES[mode]
    scalars.known_keys(raw, ("mode", *keys), path, problems)
    return read(raw, path, problems, trigger, catalog)


def _immediately(raw: dict[str, Any], path: str, problems: Problems, trigger: str, catalog: Catalog) -> Timing:
    return Immediately()


def _delay(raw: dict[str, Any], path: str, problems: Problems, trigger: str, catalog: Catalog) -> Timing:
    amount, unit = scalars.amount_and_unit(raw, path, problems)
    given = raw.get("at")
    at = None if given in (None, "") else scalars.wall_time(given, child(path, "at"), problems)
    if at is not None and unit is not BAD and unit not in CALENDAR_UNITS:
        remedy = "Leave the time of day out, or count in days, weeks or months."
        problems.add(child(path, "at"), "at_needs_days", remedy)
        return Immediately()
    if BAD in (amount, unit, at):
        return Immediately()
    return Delay(amount, unit, None if at is None else time.fromisoformat(at))


def _relative(raw: dict[str, Any], path: str, problems: Problems, trigger: str, catalog: Catalog) -> Timing:
    amount, unit = scalars.amount_and_unit(raw, path, problems)
    direction = scalars.word(raw.get("direction"), DIRECTIONS, child(path, "direction"), problems)
    if_late = _word_or(raw, "if_late", IF_LATE, "skip", path, problems)
    anchor = _anchor(raw.get("anchor"), child(path, "anchor"), problems, trigger, catalog)
    if BAD in (amount, unit, direction, if_late, anchor):
        return Immediately()
    return Relative(amount, unit, direction, anchor, if_late)


def _anchor(raw: Any, path: str, problems: Problems, trigger: str, catalog: Catalog) -> Any:
    known = scalars.word(raw, catalog.anchors, path, problems, "unknown_anchor")
    offered = catalog.anchors_for(trigger) if trigger in catalog.triggers else catalog.anchors
    if known is BAD or known in offered:
        return known
    remedy = f"Choose one of {one_of(offered)}." if offered else "This trigger has none; count from the event instead."
    problems.add(path, "wrong_subject", f"{known!r} does not belong to what this rule is about. {remedy}")
    return BAD


def _wait_for(raw: dict[str, Any], path: str, problems: Problems, trigger: str, catalog: Catalog) -> Timing:
    within = scalars.span(raw.get("within"), child(path, "within"), problems)
    otherwise = _word_or(raw, "otherwise", OTHERWISE, "skip", path, problems)
    awaited = _awaited(raw.get("trigger"), child(path, "trigger"), problems, trigger, catalog)
    if BAD in (within, otherwise, awaited):
        return Immediately()
    return WaitFor(awaited, within["amount"], within["unit"], otherwise)


def _awaited(raw: Any, path: str, problems: Problems, trigger: str, catalog: Catalog) -> Any:
    known = scalars.word(raw, catalog.triggers, path, problems, "unknown_trigger")
    if known is BAD or trigger not in catalog.triggers:
        return known
    own = catalog.triggers[trigger].subject
    if known == trigger:
        problems.add(path, "own_trigger", "Wait for another event; this one is what starts the rule.")
        return BAD
    if catalog.triggers[known].subject != own:
        same = [key for key, one in catalog.triggers.items() if one.subject == own and key != trigger]
        problems.add(path, "wrong_subject", f"Wait for an event of the same {own}: {one_of(same)}.")
        return BAD
    return known


def _word_or(
    raw: dict[str, Any], key: str, allowed: tuple[str, ...], default: str, path: str, problems: Problems
) -> Any:
    return default if raw.get(key) is None else scalars.word(raw[key], allowed, child(path, key), problems)


MODES: dict[str, tuple[tuple[str, ...], Reader]] = {
    "immediately": ((), _immediately),
    "delay": (("amount", "unit", "at"), _delay),
    "relative": (("amount", "unit", "direction", "anchor", "if_late"), _relative),
    "wait_for": (("trigger", "within", "otherwise"), _wait_for),
}


def timing_to_json(timing: Timing) -> dict[str, Any]:
    """Write a timing as it stands on the wire, defaults included."""
    if isinstance(timing, Delay):
        at = {} if timing.at is None else {"at": timing.at.strftime("%H:%M")}
        return {"mode": "delay", "amount": timing.amount, "unit": timing.unit, **at}
    if isinstance(timing, Relative):
        shift = {"amount": timing.amount, "unit": timing.unit, "direction": timing.direction}
        return {"mode": "relative", **shift, "anchor": timing.anchor, "if_late": timing.if_late}
    if isinstance(timing, WaitFor):
        within = {"amount": timing.amount, "unit": timing.unit}
        return {"mode": "wait_for", "trigger": timing.trigger, "within": within, "otherwise": timing.otherwise}
    return {"mode": "immediately"}
