"""The answers to a form's questions, checked without a database: types, limits, unknown and required ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from forms_app.conditions import is_asked
from forms_app.questions import LONGEST, Problems, check_string, day_of, is_number, pointer

Check = Callable[[Mapping[str, Any], Any, str, Problems], Any]


def check_answers(
    questions: Sequence[Mapping[str, Any]], answers: Any, *, complete: bool = True, path: str = "/answers"
) -> tuple[dict[str, Any], Problems]:
    """Check answers against a version's questions; give the good ones in the questions' order, and the problems.

    What is left out, null, "" or [] is no answer. `complete=False` (a draft) does not ask for the required ones. A
    question that is not asked after the answers before it (`show_when`) has no answer, whatever was given.
    """
    problems = Problems()
    if not isinstance(answers, dict):
        problems.note(path, "type", _("Give the answers by question id."))
        return {}, problems
    asked = {question["id"]: question for question in questions if question["type"] != "display"}
    for key in answers:
        if key not in asked:
            problems.note(pointer(path, key), "unknown_question", _("This form has no such question."))
    clean: dict[str, Any] = {}
    for name, question in asked.items():
        if not is_asked(question, clean):
            continue
        where = pointer(path, name)
        value = answers.get(name)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "" or value == []:
            if complete and question.get("required"):
                problems.note(where, "required", _("Please answer this question."))
            continue
        before = len(problems)
        good = CHECKS[question["type"]](question, value, where, problems)
        if len(problems) == before:
            clean[name] = good
    return clean, problems


def shown_questions(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> set[str]:
    """Name the questions that are asked, texts for display included, when these are the answers."""
    shown: set[str] = set()
    counted: dict[str, Any] = {}
    for question in questions:
        name = question["id"]
        if is_asked(question, counted):
            shown.add(name)
            if answers.get(name) is not None:
                counted[name] = answers[name]
    return shown


def _boolean(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, bool):
        problems.note(path, "type", _("Answer yes or no."))
    return value


def _number(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> Any:
    if not is_number(value):
        problems.note(path, "type", _("Give a number."))
        return None
    if question["type"] != "number":
        if value != int(value):
            problems.note(path, "type", _("Give a whole number."))
            return None
        value = int(value)
    value = value or abs(value)  # minus zero would not come back from the database as it went in
    _within(question, value, path, problems)
    return value


def _within(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> None:
    low, high = question.get("min"), question.get("max")
    if low is not None and high is not None and not low <= value <= high:
        problems.note(path, "range", _("Answer between %(low)s and %(high)s.") % {"low": low, "high": high})
    elif low is not None and value < low:
        problems.note(path, "range", _("Answer %(low)s or more.") % {"low": low})
    elif high is not None and value > high:
        problems.note(path, "range", _("Answer %(high)s or less.") % {"high": high})


def _text(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> Any:
    limit = question.get("max_length", LONGEST[question["type"]])
    if not isinstance(value, str):
        problems.note(path, "type", _("Write a text here."))
    else:
        check_string(value, path, problems, limit)
    return value


def _date(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> Any:
    if day_of(value) is None:
        problems.note(path, "date", _("Give a date as YYYY-MM-DD."))
        return None
    _within(question, value, path, problems)  # ISO dates compare as texts
    return value


def _choice(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, str) or value not in [one["value"] for one in question["choices"]]:
        problems.note(path, "choice", _("Choose one of the answers offered."))
    return value


def _choices(question: Mapping[str, Any], value: Any, path: str, problems: Problems) -> Any:
    offered = [one["value"] for one in question["choices"]]
    if not isinstance(value, list) or not all(isinstance(one, str) and one in offered for one in value):
        problems.note(path, "choice", _("Choose among the answers offered."))
        return None
    return [one for one in offered if one in value]


CHECKS: dict[str, Check] = {
    "boolean": _boolean,
    "integer": _number,
    "number": _number,
    "scale": _number,
    "text": _text,
    "long_text": _text,
    "date": _date,
    "choice": _choice,
    "multiple_choice": _choices,
}
