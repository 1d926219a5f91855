"""Check the declared parameters of triggers, facts and actions.

What is left out, null, "" or [] counts as not given: it takes the declared default, or is left out of the result
when there is
none, so that the stored rule says nothing twice.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from . import scalars
from .declare import Param
from .problems import Problems, child, nearest, shown
from .scalars import BAD

Check = Callable[[Param, Any, str, Problems], Any]


def _text(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.text(raw, path, problems, param.max_length or scalars.MAX_TEXT, blank=not param.required)


def _long_text(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.text(raw, path, problems, param.max_length or scalars.MAX_LONG_TEXT, blank=not param.required)


def _integer(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.integer(raw, path, problems, param.minimum, param.maximum)


def _number(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.number(raw, path, problems, param.minimum, param.maximum)


def _boolean(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.boolean(raw, path, problems)


def _choice(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.word(raw, [value for value, _label in param.choices], path, problems)


def _reference(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.text(raw, path, problems)


def _window(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.span(raw, path, problems)


def _offset(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.offset(raw, path, problems)


def _day(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.day(raw, path, problems)


def _time(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.wall_time(raw, path, problems)


def _text_list(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    return scalars.members(raw, path, problems, lambda one, where: scalars.text(one, where, problems))


PARAM_TYPES: dict[str, Check] = {
    "text": _text,
    "long_text": _long_text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "choice": _choice,
    "reference": _reference,
    "window": _window,
    "offset": _offset,
    "date": _day,
    "time": _time,
    "text_list": _text_list,
}


def parse_param(param: Param, raw: Any, path: str, problems: Problems) -> Any:
    """Check one given value against its declaration; BAD when it is refused."""
    check = PARAM_TYPES[param.type]
    if param.many:
        return scalars.members(raw, path, problems, lambda one, where: check(param, one, where, problems))
    return check(param, raw, path, problems)


def parse_params(
    declared: Iterable[Param],
    raw: Mapping[Any, Any],
    path: str,
    problems: Problems,
    *,
    reserved: Collection[str] = (),
) -> dict[str, Any]:
    """Check all parameters found beside the `reserved` keys; unknown keys are refused."""
    by_name = {param.name: param for param in declared}
    for key in raw:
        if key not in by_name and key not in reserved:
            known = [*by_name, *reserved]
            hint = nearest(key, known) or (f" Known here: {', '.join(known)}." if known else "")
            problems.add(child(path, key), "unknown_key", f"Remove {shown(key)}; nothing here has that name.{hint}")
    result: dict[str, Any] = {}
    for name, param in by_name.items():
        given = raw.get(name)
        if given is None or given == "" or given == [] or given == {}:
            if param.required and param.default is None:
                problems.add(child(path, name), "required", f"Fill in {name!r}; it is needed.")
            elif param.default is not None:
                result[name] = copy.deepcopy(param.default)
        elif (value := parse_param(param, given, child(path, name), problems)) is not BAD:
            result[name] = value
    return result


def references_in(declared: Iterable[Param], values: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Find (path, kind, slug) of the rows that parameters name; a word among a reference's choices is not one."""
    for param in declared:
        if param.type != "reference" or param.reference is None or param.name not in values:
            continue
        value = values[param.name]
        words = {word for word, _label in param.choices}
        where = child(path, param.name)
        found = (
            [(child(where, at), one) for at, one in enumerate(value)] if isinstance(value, list) else [(where, value)]
        )
        yield from ((place, param.reference, slug) for place, slug in found if slug not in words)
