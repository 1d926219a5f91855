"""The questions of a form: what is allowed, checked without a database. The answers to them are in answers.py.

A question is `{"id", "type", "text", "required", …}`. `text`, `help` and the texts of choices are a string, or one
string a language (`{"en": …, "ro": …}`). `show_when` asks it only after certain answers to an earlier question
(conditions.py). Every problem carries a JSON Pointer to the place that must change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

MAX_QUESTIONS = 100
MAX_CHOICES = 50
MAX_ID = 50
MAX_WORDING = 5000
MAX_TEXT = 500
MAX_LONG_TEXT = 5000
MAX_NUMBER = 10**15  # beyond this a JSON number is no longer exact

COMMON = frozenset({"id", "type", "text", "help", "required", "show_when"})
EXTRA: dict[str, frozenset[str]] = {
    "boolean": frozenset(),
    "integer": frozenset({"min", "max"}),
    "number": frozenset({"min", "max"}),
    "scale": frozenset({"min", "max", "min_text", "max_text"}),
    "text": frozenset({"max_length"}),
    "long_text": frozenset({"max_length"}),
    "date": frozenset({"min", "max"}),
    "choice": frozenset({"choices"}),
    "multiple_choice": frozenset({"choices"}),
    "display": frozenset(),
}
TYPES = tuple(EXTRA)
ANSWERED = "answered"
_NUMBERS, _CHOICES = ("gte", "lte", "eq", ANSWERED), ("is_any_of", ANSWERED)
CONDITIONS: dict[str, tuple[str, ...]] = {
    "boolean": ("is", ANSWERED),
    **dict.fromkeys(("integer", "number", "scale"), _NUMBERS),
    **dict.fromkeys(("choice", "multiple_choice"), _CHOICES),
    **dict.fromkeys(("text", "long_text", "date"), (ANSWERED,)),
}
"""How `show_when` may ask for an answer, by the type of the question that it looks at."""
LONGEST = {"text": MAX_TEXT, "long_text": MAX_LONG_TEXT}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where (JSON Pointer), and how to mend it."""

    path: str
    code: str
    message: str


class Problems(list[Problem]):
    """The problems found so far."""

    def note(self, path: str, code: str, message: str) -> None:
        """Add one."""
        self.append(Problem(path, code, message))


def pointer(path: str, key: Any) -> str:
    """Give the JSON Pointer of a member."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


# --- wording ---


def wording(text: Any, languages: Sequence[str]) -> str:
    """Choose the text in the first of the languages that has one ("ro-MD" also takes "ro"), else the first there is."""
    if not isinstance(text, Mapping):
        return str(text or "")
    for language in languages:
        for tag in (language, language.split("-")[0]):
            if text.get(tag):
                return str(text[tag])
    return str(next(iter(text.values()), ""))


def storable(text: str) -> bool:
    """Tell whether PostgreSQL can keep the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= ch <= "\udfff" for ch in text)


def _check_wording(value: Any, path: str, problems: Problems, limit: int = MAX_WORDING) -> Any:
    if isinstance(value, str):
        return check_string(value, path, problems, limit)
    if not isinstance(value, dict) or not value:
        problems.note(path, "type", _("Write a text here, or one text for each language."))
        return ""
    for language, text in value.items():
        where = pointer(path, language)
        if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
            problems.note(where, "language", _("Use a language code such as en, ro or pt-BR."))
        elif not isinstance(text, str):
            problems.note(where, "type", _("Write a text here."))
        else:
            check_string(text, where, problems, limit)
    return value


def check_string(value: str, path: str, problems: Problems, limit: int) -> str:
    """Note a text that is blank, too long or cannot be stored; give it back."""
    if not value.strip():
        problems.note(path, "required", _("Write a text here."))
    elif len(value) > limit:
        problems.note(path, "too_long", _("Use at most %(limit)d characters.") % {"limit": limit})
    elif not storable(value):
        problems.note(path, "characters", _("Remove the characters that cannot be stored."))
    return value


def is_number(value: Any) -> bool:
    """Tell whether this is a number that JSON keeps exactly (NaN and the infinities are not)."""
    return type(value) in (int, float) and abs(value) <= MAX_NUMBER


def day_of(value: Any) -> date | None:
    """Read YYYY-MM-DD; None for anything else."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


# --- the questions of a template ---


def check_questions(questions: Any, path: str = "/questions") -> tuple[list[dict[str, Any]], Problems]:
    """Check a template's questions; return them with every default written out, and the problems."""
    problems = Problems()
    if not isinstance(questions, list):
        problems.note(path, "type", _("Give a list of questions."))
        return [], problems
    if len(questions) > MAX_QUESTIONS:
        problems.note(path, "too_many", _("Use at most %(limit)d questions.") % {"limit": MAX_QUESTIONS})
        return [], problems
    clean: list[dict[str, Any]] = []
    seen: dict[str, dict[str, Any]] = {}
    for position, raw in enumerate(questions):
        where = pointer(path, position)
        question = _check_question(raw, where, problems)
        if question is None:
            continue
        if question["id"] in seen:
            problems.note(f"{where}/id", "not_unique", _("Another question has this id already."))
        if raw.get("show_when") not in (None, {}):
            question["show_when"] = _check_condition(raw["show_when"], seen, f"{where}/show_when", problems)
        seen[question["id"]] = question
        clean.append(question)
    return clean, problems


def _check_question(raw: Any, path: str, problems: Problems) -> dict[str, Any] | None:
    if not isinstance(raw, dict):
        problems.note(path, "type", _("Describe a question here: id, type and text."))
        return None
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in EXTRA:
        problems.note(f"{path}/type", "unknown_type", _("Use one of: %(types)s.") % {"types": ", ".join(TYPES)})
        return None
    for key in raw:
        if key not in COMMON | EXTRA[kind]:
            problems.note(pointer(path, key), "unknown_key", _("Remove this: a question of this type has no such key."))
    name = raw.get("id")
    if not isinstance(name, str) or len(name) > MAX_ID or not SLUG.fullmatch(name):
        problems.note(
            f"{path}/id", "slug", _("Give an id of lower-case letters, digits, - and _; at most 50 characters.")
        )
        name = ""
    question = {"id": name, "type": kind, "text": _check_wording(raw.get("text"), f"{path}/text", problems)}
    if raw.get("help") not in (None, ""):
        question["help"] = _check_wording(raw["help"], f"{path}/help", problems)
    required = raw.get("required", False)
    if not isinstance(required, bool):
        problems.note(f"{path}/required", "type", _("Use true or false."))
    elif required and kind == "display":
        problems.note(f"{path}/required", "display", _("Text for display takes no answer, so it cannot be required."))
    question["required"] = required is True and kind != "display"
    question.update(_check_extra(kind, raw, path, problems))
    return question


def _check_condition(
    raw: Any, earlier: Mapping[str, Mapping[str, Any]], path: str, problems: Problems
) -> dict[str, Any]:
    if not isinstance(raw, dict) or not set(raw) <= {"question", "op", "value"}:
        problems.note(path, "type", _("Say when this is asked: question, op and value."))
        return {}
    name, op, value = raw.get("question"), raw.get("op"), raw.get("value")
    source = earlier.get(name) if isinstance(name, str) and name else None
    offered = CONDITIONS.get(source["type"], ()) if source else ()
    if source is None or not offered:
        problems.note(f"{path}/question", "unknown_question", _("Name a question that stands before this one."))
    elif op not in offered:
        problems.note(f"{path}/op", "operator", _("Use one of: %(types)s.") % {"types": ", ".join(offered)})
    elif op == "is" and not isinstance(value, bool):
        problems.note(f"{path}/value", "type", _("Answer yes or no."))
    elif op in _NUMBERS[:3] and not is_number(value):
        problems.note(f"{path}/value", "type", _("Give a number."))
    elif op == "is_any_of":
        values = [one["value"] for one in source["choices"]]
        if not isinstance(value, list) or not value or not all(one in values for one in value):
            problems.note(f"{path}/value", "choice", _("Choose among the answers offered."))
    elif op == ANSWERED and value is not None:
        problems.note(f"{path}/value", "unknown_key", _("Remove this: any answer will do."))
    found = {"question": name, "op": op}
    return found if op == ANSWERED else {**found, "value": value}


def _check_extra(kind: str, raw: dict[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    if kind in ("integer", "number", "scale"):
        return _check_bounds(kind, raw, path, problems)
    if kind == "date":
        return _check_days(raw, path, problems)
    if kind in LONGEST:
        limit = raw.get("max_length", LONGEST[kind])
        if type(limit) is not int or not 1 <= limit <= LONGEST[kind]:
            message = _("Give a number between 1 and %(limit)d.") % {"limit": LONGEST[kind]}
            problems.note(f"{path}/max_length", "range", message)
            limit = LONGEST[kind]
        return {"max_length": limit}
    if kind in ("choice", "multiple_choice"):
        return {"choices": _check_choices(raw.get("choices"), f"{path}/choices", problems)}
    return {}


def _check_bounds(kind: str, raw: dict[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    found: dict[str, Any] = {"min": 0, "max": 10} if kind == "scale" else {}
    for key in ("min", "max"):
        value = raw.get(key)
        if value is None:
            continue
        if not is_number(value) or (kind != "number" and value != int(value)):
            problems.note(f"{path}/{key}", "type", _("Give a number."))
        else:
            found[key] = value if kind == "number" else int(value)
    if "min" in found and "max" in found:
        if found["min"] > found["max"] or (kind == "scale" and found["min"] == found["max"]):
            problems.note(f"{path}/max", "range", _("The greatest value must be above the smallest."))
        elif kind == "scale" and found["max"] - found["min"] > 20:
            problems.note(f"{path}/max", "range", _("A scale has at most 21 steps."))
    for key in ("min_text", "max_text"):
        if raw.get(key) not in (None, ""):
            found[key] = _check_wording(raw[key], f"{path}/{key}", problems, 200)
    return found


def _check_days(raw: dict[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    found = {}
    for key in ("min", "max"):
        if raw.get(key) in (None, ""):
            continue
        if day_of(raw[key]) is None:
            problems.note(f"{path}/{key}", "date", _("Give a date as YYYY-MM-DD."))
        else:
            found[key] = raw[key]
    if len(found) == 2 and found["min"] > found["max"]:
        problems.note(f"{path}/max", "range", _("The last day must not be before the first."))
    return found


def _check_choices(raw: Any, path: str, problems: Problems) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_CHOICES:
        message = _("Give between 1 and %(limit)d choices.") % {"limit": MAX_CHOICES}
        problems.note(path, "choices", message)
        return []
    clean: list[dict[str, Any]] = []
    for position, item in enumerate(raw):
        where = pointer(path, position)
        if not isinstance(item, dict) or set(item) != {"value", "text"}:
            problems.note(where, "type", _("Describe a choice as value and text."))
            continue
        value = item["value"]
        if not isinstance(value, str) or len(value) > MAX_ID or not SLUG.fullmatch(value):
            problems.note(f"{where}/value", "slug", _("Give a value of lower-case letters, digits, - and _."))
        elif any(value == other["value"] for other in clean):
            problems.note(f"{where}/value", "not_unique", _("Another choice has this value already."))
        clean.append({"value": value, "text": _check_wording(item["text"], f"{where}/text", problems, 500)})
    return clean
