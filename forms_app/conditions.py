"""Questions that are asked only after certain answers to an earlier one (`show_when`). Pure, as questions.py."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from forms_app.questions import ANSWERED, wording


def is_asked(question: Mapping[str, Any], answers: Mapping[str, Any]) -> bool:
    """Tell whether a question is asked, given the answers to those before it that are asked themselves."""
    condition = question.get("show_when")
    return not condition or is_met(condition, answers.get(condition["question"]))


def is_met(condition: Mapping[str, Any], answer: Any) -> bool:
    """Tell whether an answer (None: there is none) is one of those that the condition wants."""
    if answer is None:
        return False
    wanted: Any = condition.get("value")
    match condition["op"]:
        case "is" | "eq":
            return bool(answer == wanted)
        case "gte":
            return bool(answer >= wanted)
        case "lte":
            return bool(answer <= wanted)
        case "is_any_of":
            given = answer if isinstance(answer, list) else [answer]
            return any(one in wanted for one in given)
    return bool(condition["op"] == ANSWERED)


def condition_words(
    question: Mapping[str, Any], questions: Sequence[Mapping[str, Any]], languages: Sequence[str]
) -> str:
    """Say to a reader after which answer a question is meant for them; empty, if it always is."""
    condition = question.get("show_when")
    source = next((one for one in questions if condition and one["id"] == condition["question"]), None)
    if not condition or source is None:
        return ""
    said = {"question": wording(source["text"], languages), "value": _value_words(condition, source, languages)}
    return str(_PHRASES[condition["op"]]()) % said


_PHRASES = {
    "is": lambda: _("Only if you answered “%(question)s” with: %(value)s"),
    "is_any_of": lambda: _("Only if you answered “%(question)s” with: %(value)s"),
    "eq": lambda: _("Only if you answered “%(question)s” with: %(value)s"),
    "gte": lambda: _("Only if you answered “%(question)s” with %(value)s or more"),
    "lte": lambda: _("Only if you answered “%(question)s” with %(value)s or less"),
    ANSWERED: lambda: _("Only if you answered “%(question)s”"),
}


def _value_words(condition: Mapping[str, Any], source: Mapping[str, Any], languages: Sequence[str]) -> str:
    value = condition.get("value")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        texts = {one["value"]: wording(one["text"], languages) for one in source["choices"]}
        return ", ".join(texts.get(one) or str(one) for one in value)
    return "" if value is None else str(value)


def condition_data(question: Mapping[str, Any]) -> str:
    """Give the condition as the page's script reads it: JSON, the values as the inputs post them; empty for none."""
    condition = question.get("show_when")
    if not condition:
        return ""
    value = condition.get("value")
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return json.dumps({"input": f"q-{condition['question']}", "op": condition["op"], "value": value})
