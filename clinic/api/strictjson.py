"""JSON from outside: read strictly, so that what comes through can be stored, compared and shown."""

from __future__ import annotations

import json
import math
from typing import Any

from django.utils.translation import gettext as _

from clinic.api.pointers import escaped
from clinic.api.problems import Fault, ProblemError

MAX_DEPTH = 40
MAX_DIGITS = 18
"""Integers beyond this many digits are refused: neither the database's columns nor JavaScript hold them."""


class Unreadable(ValueError):
    """The text is no JSON that is taken here; `code` and the message say why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _constant(name: str) -> Any:
    raise Unreadable("not_json", _("%(name)s is not JSON; write null or a number.") % {"name": name})


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise Unreadable("huge_number", _("A number of more than %(most)d digits.") % {"most": MAX_DIGITS})
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Unreadable("huge_number", _("A number that is too large."))
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable("duplicate_key", _("The key “%(name)s” stands there twice.") % {"name": twice[:100]})
    return found


def loads(raw: bytes) -> Any:
    """Read UTF-8 JSON. Raises Unreadable; see `check` for what the text may hold."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", _("The text is not UTF-8 at byte %(at)d.") % {"at": error.start}) from None
    try:
        return json.loads(
            text, parse_constant=_constant, parse_int=_integer, parse_float=_float, object_pairs_hook=_object
        )
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("too_deep", _too_deep()) from None
    except ValueError as error:
        raise Unreadable("not_json", _("This is not JSON: %(why)s.") % {"why": str(error).rstrip(".")}) from None


def _too_deep() -> str:
    return _("Nested deeper than %(most)d levels.") % {"most": MAX_DEPTH}


def check(data: Any) -> list[Fault]:
    """Return what no field can take, wherever it stands: NUL and lone surrogates. Raises Unreadable if too deep."""
    faults: list[Fault] = []
    _walk(data, "", 0, faults)
    return faults


def _walk(value: Any, path: str, depth: int, faults: list[Fault]) -> None:
    if isinstance(value, str):
        if (problem := text_problem(value)) is not None:
            faults.append(Fault(path, *problem))
        return
    if not isinstance(value, dict | list):
        return
    if depth >= MAX_DEPTH:
        raise Unreadable("too_deep", _too_deep())
    if isinstance(value, list):
        for position, inner in enumerate(value):
            _walk(inner, f"{path}/{position}", depth + 1, faults)
        return
    for name, inner in value.items():
        if text_problem(name) is not None:
            faults.append(Fault(path, "bad_key", _("A key holds characters that are no text.")))
        else:
            _walk(inner, f"{path}/{escaped(name)}", depth + 1, faults)


def text_problem(text: str) -> tuple[str, str] | None:
    """Return code and message for text that the database cannot hold."""
    if "\0" in text:
        return "nul", _("The text holds a NUL character; remove it.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return "surrogate", _("The text holds half a character (a lone surrogate); send it whole.")
    return None


def read(raw: bytes) -> Any:
    """Read and check a whole body. Raises ProblemError: 400 for what is no JSON, 422 for text that cannot be kept."""
    try:
        data = loads(raw)
        faults = check(data)
    except Unreadable as error:
        raise ProblemError(400, error.message, code=error.code) from None
    if faults:
        raise ProblemError(422, faults[0].message, faults)
    return data
