"""Bulk bodies: NDJSON in, a line of outcome for each line, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from clinic.api import strictjson
from clinic.api.bodies import Answer
from clinic.api.fields import Integer, Text
from clinic.api.pointers import as_pointer, flattened
from clinic.api.problems import Fault, invalid
from clinic.batches import REFUSED, Written

FIRE = OpenApiParameter(
    "fire", OpenApiTypes.BOOL, description="Tell rules of what the lines change (false: they hear of nothing)."
)


class FaultAnswer(Answer):
    """One place of a line that is wrong."""

    path = Text()
    code = Text()
    message = Text()


class LineAnswer(Answer):
    """What became of one line."""

    line = Integer()
    external_id = Text(allow_null=True)
    id = Text(allow_null=True)
    outcome = serializers.ChoiceField(choices=["created", "updated", "unchanged", "refused"])
    errors = FaultAnswer(many=True, required=False)  # type: ignore[assignment]


WriteAll = Callable[[Sequence[dict[str, Any]]], Iterable[Written]]


def fires(request: Request) -> bool:
    """Tell whether rules shall hear. Raises ProblemError for a word that is neither true nor false."""
    word = request.query_params.get("fire", "false")
    if word not in ("true", "false"):
        raise invalid("/fire", "invalid", _("Say fire=true or fire=false."))
    return word == "true"


def answer_lines(lines: Sequence[bytes], form: Any, write: WriteAll) -> list[dict[str, Any]]:
    """Read each line that is not blank with the form, write the good ones, and return what became of each."""
    answers: dict[int, dict[str, Any]] = {position: {} for position, raw in enumerate(lines) if raw.strip()}
    good: list[tuple[int, dict[str, Any]]] = []
    for position in answers:
        raw = lines[position]
        found = _read(raw, form)
        if isinstance(found, dict):
            good.append((position, found))
        else:
            answers[position] = _refusal(position, _named(raw), found)
    for (position, values), written in zip(good, write([one for _at, one in good]), strict=True):
        name = values["external_id"]
        if written.error is not None:
            error = written.error
            fault = Fault(as_pointer(error.path), error.code, error.message)
            answers[position] = _refusal(position, name, [fault])
        else:
            answers[position] = {
                "line": position + 1,
                "external_id": name,
                "id": None if written.pk is None else str(written.pk),
                "outcome": written.outcome,
            }
    return list(answers.values())


def _read(raw: bytes, form: Any) -> dict[str, Any] | list[Fault]:
    try:
        data = strictjson.loads(raw)
        if faults := strictjson.check(data):
            return faults
    except strictjson.Unreadable as error:
        return [Fault("", error.code, error.message)]
    try:
        values: dict[str, Any] = form.run_validation(data)
    except ValidationError as error:
        return [Fault(*one) for one in flattened(error.detail)]
    return values


def _named(raw: bytes) -> str | None:
    """Return the external id that a refused line has all the same, if it can be read."""
    try:
        data = strictjson.loads(raw)
    except strictjson.Unreadable:
        return None
    name = data.get("external_id") if isinstance(data, dict) else None
    return name[:200] if isinstance(name, str) and strictjson.text_problem(name) is None else None


def _refusal(position: int, name: str | None, faults: Sequence[Fault]) -> dict[str, Any]:
    errors = [one._asdict() for one in faults]
    return {"line": position + 1, "external_id": name, "id": None, "outcome": REFUSED, "errors": errors}
