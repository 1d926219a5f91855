"""Signed answers as a person reads them: each question that was asked, with its answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from django.utils.translation import gettext as _

from forms_app.answers import shown_questions
from forms_app.models import FormResponse
from forms_app.questions import day_of, wording
from messaging.times import locale_of


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and its answer; a text for display has no answer, an unanswered question an empty one."""

    question: str
    answer: str
    is_display: bool = False


def answered(response: FormResponse, languages: Sequence[str]) -> list[Answered]:
    """List what the signer saw and answered, in the first of the languages that the wording has."""
    questions = response.version.questions
    shown = shown_questions(questions, response.answers)
    return [_answered(one, response.answers.get(one["id"]), languages) for one in questions if one["id"] in shown]


def _answered(question: Mapping[str, Any], value: Any, languages: Sequence[str]) -> Answered:
    text = wording(question["text"], languages)
    if question["type"] == "display":
        return Answered(text, "", is_display=True)
    return Answered(text, in_words(question, value, languages))


def in_words(question: Mapping[str, Any], value: Any, languages: Sequence[str]) -> str:
    """Put an answer into words: yes and no, the texts of choices, a date, a number."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if question["type"] in ("choice", "multiple_choice"):
        texts = {one["value"]: wording(one["text"], languages) for one in question["choices"]}
        given = value if isinstance(value, list) else [value]
        return ", ".join(texts.get(one) or str(one) for one in given)
    if question["type"] == "date" and (day := day_of(value)) is not None:
        return format_date(day, "long", locale=locale_of(languages[0]))
    if isinstance(value, int | float):
        return format_decimal(value, locale=locale_of(languages[0]), decimal_quantization=False)
    return str(value)
