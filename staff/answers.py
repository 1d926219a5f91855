"""Signed answers as lines that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from forms_app.models import FormResponse
from forms_app.questions import wording


def answer_lines(response: FormResponse, languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return (question, answer) for every question that was answered, in the form's order."""
    lines = []
    for question in response.version.questions:
        value = response.answers.get(question["id"])
        if value is not None:
            text = SHOWN.get(question["type"], _plain)(question, value, languages)
            lines.append((wording(question["text"], languages), text))
    return lines


def _plain(question: Mapping[str, Any], value: Any, languages: Sequence[str]) -> str:
    return str(value)


def _boolean(question: Mapping[str, Any], value: Any, languages: Sequence[str]) -> str:
    return _("yes") if value else _("no")


def _scale(question: Mapping[str, Any], value: Any, languages: Sequence[str]) -> str:
    return _("%(value)s of %(most)s") % {"value": value, "most": question.get("max", 10)}


def _choice(question: Mapping[str, Any], value: Any, languages: Sequence[str]) -> str:
    offered = {one["value"]: wording(one["text"], languages) for one in question.get("choices", ())}
    chosen = value if isinstance(value, list) else [value]
    return ", ".join(offered.get(one, str(one)) for one in chosen)


SHOWN: dict[str, Callable[[Mapping[str, Any], Any, Sequence[str]], str]] = {
    "boolean": _boolean,
    "scale": _scale,
    "choice": _choice,
    "multiple_choice": _choice,
}
