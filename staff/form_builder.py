"""A form's wording while it is being written: what the builder's page posts, what a service takes, what is stored.

Nothing is kept between two requests: every button posts the whole wording and gets it back changed, so that the page
works without a script. Texts are held by language, the clinic's first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.text import slugify

from forms_app.models import FormTemplate, FormTemplateVersion
from forms_app.questions import ANSWERED, CONDITIONS, EXTRA, LANGUAGE, MAX_CHOICES, MAX_QUESTIONS, TYPES

Texts = dict[str, str]
WORDS = {"text", "help", "min_text", "max_text"}
BOUNDS = ("min", "max", "max_length")
WHOLE, FRACTION = re.compile(r"[+-]?\d{1,16}"), re.compile(r"[+-]?\d{1,16}[.,]\d{1,10}")


@dataclass(slots=True)
class Choice:
    """One answer to choose."""

    value: str = ""
    text: Texts = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """One question as it is being written; what its type does not have is empty."""

    type: str
    id: str = ""
    required: bool = False
    words: dict[str, Texts] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    when: str = ""
    when_op: str = ""
    when_values: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Wording:
    """A whole form as it is being written."""

    languages: list[str]
    title: Texts = field(default_factory=dict)
    text: Texts = field(default_factory=dict)
    questions: list[Draft] = field(default_factory=list)

    def earlier(self, position: int) -> list[Draft]:
        """Return the questions before this one that another may follow."""
        return [one for one in self.questions[:position] if one.id and one.type in CONDITIONS]


# --- from what is stored ---


def of_template(template: FormTemplate) -> Wording:
    """Return the wording to go on with: the draft, else the newest version, else an empty one."""
    newest = template.versions.order_by("-number").first()
    if template.draft:
        return _stored(template.clinic.language, template.draft)
    return of_version(template, newest) if newest else Wording([template.clinic.language])


def of_version(template: FormTemplate, version: FormTemplateVersion) -> Wording:
    """Return a published wording."""
    names = ("title", "text", "questions", "translations")
    return _stored(template.clinic.language, {name: getattr(version, name) for name in names})


def _stored(own: str, stored: Mapping[str, Any]) -> Wording:
    found: dict[str, None] = {own: None}

    def texts(value: Any) -> Texts:
        by_language = dict(value) if isinstance(value, Mapping) else {own: str(value or "")}
        found.update(dict.fromkeys(by_language))
        return by_language

    translations = stored.get("translations") or {}
    found.update(dict.fromkeys(translations))
    made = Wording([own])
    made.title = {own: stored.get("title", "")} | {k: v.get("title", "") for k, v in translations.items()}
    made.text = {own: stored.get("text", "")} | {k: v.get("text", "") for k, v in translations.items()}
    for one in stored.get("questions", ()):
        condition = one.get("show_when") or {}
        made.questions.append(
            Draft(
                type=one["type"],
                id=one["id"],
                required=bool(one.get("required")),
                words={name: texts(one[name]) for name in WORDS if one.get(name)},
                bounds={name: str(one[name]) for name in BOUNDS if one.get(name) is not None},
                choices=[Choice(each["value"], texts(each["text"])) for each in one.get("choices", ())],
                when=condition.get("question", ""),
                when_op=condition.get("op", ""),
                when_values=_shown(condition.get("value")),
            )
        )
    made.languages = list(found)
    return made


def _shown(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, list):
        return [str(one) for one in value]
    return [] if value is None else [str(value)]


# --- from what is posted ---


def posted(own: str, data: QueryDict) -> Wording:
    """Read the builder's page, then give an id to what has words and none yet."""
    languages = list(dict.fromkeys([own, *(one for one in data.getlist("language") if LANGUAGE.fullmatch(one))]))
    texts = _reader(data, languages)
    made = Wording(languages, texts("title"), texts("text"))
    for position in range(_count(data.get("count"), MAX_QUESTIONS)):
        name = f"q{position}"
        kind = data.get(f"{name}-type", "")
        if kind not in TYPES:
            continue
        extra = EXTRA[kind]
        one = Draft(kind, data.get(f"{name}-id", "").strip(), f"{name}-required" in data)
        one.words = {word: texts(f"{name}-{word}") for word in WORDS if word in ("text", "help") or word in extra}
        one.bounds = {bound: data.get(f"{name}-{bound}", "").strip() for bound in BOUNDS if bound in extra}
        if "choices" in extra:
            count = _count(data.get(f"{name}-choices"), MAX_CHOICES)
            one.choices = [
                Choice(data.get(f"{name}-c{number}-value", "").strip(), texts(f"{name}-c{number}-text"))
                for number in range(count)
            ] or [Choice(), Choice()]
        one.when, one.when_op = data.get(f"{name}-when", ""), data.get(f"{name}-when-op", "")
        one.when_values = [value.strip() for value in data.getlist(f"{name}-when-value")]
        made.questions.append(one)
    name_all(made)
    return made


def _reader(data: QueryDict, languages: Sequence[str]) -> Callable[[str], Texts]:
    return lambda name: {one: data.get(f"{name}-{one}", "").replace("\r\n", "\n") for one in languages}


def _count(text: str | None, most: int) -> int:
    return min(int(text), most) if text and text.isascii() and text.isdigit() and len(text) < 5 else 0


def name_all(wording: Wording, *, wordless: bool = False) -> None:
    """Give ids to questions and values to choices that have words but no name yet (`wordless`: to all)."""
    taken = {one.id for one in wording.questions}
    for position, one in enumerate(wording.questions):
        words = _any(one.words.get("text", {}))
        if not one.id and (words or wordless):
            one.id = _free(words, f"question-{position + 1}", taken)
        values = {choice.value for choice in one.choices}
        for number, choice in enumerate(one.choices):
            words = _any(choice.text)
            if not choice.value and (words or wordless):
                choice.value = _free(words, f"choice-{number + 1}", values)


def _any(texts: Texts) -> str:
    return next((text for text in texts.values() if text.strip()), "")


def _free(words: str, otherwise: str, taken: set[str]) -> str:
    base = slugify(words)[:40].strip("-_") or otherwise
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


# --- to what a service takes ---


def as_arguments(wording: Wording) -> dict[str, Any]:
    """Return what `publish_template_version` and `save_template_draft` take; numbers that are none stay texts."""
    name_all(wording, wordless=True)
    own, *others = wording.languages
    translations = {
        one: {"title": wording.title.get(one, ""), "text": wording.text.get(one, "")}
        for one in others
        if wording.title.get(one, "").strip() or wording.text.get(one, "").strip()
    }
    questions = [_question(wording, position) for position in range(len(wording.questions))]
    return {
        "title": wording.title.get(own, ""),
        "text": wording.text.get(own, ""),
        "questions": questions,
        "translations": translations,
    }


def _question(wording: Wording, position: int) -> dict[str, Any]:
    one, own = wording.questions[position], wording.languages[0]
    made: dict[str, Any] = {"id": one.id, "type": one.type, "required": one.required and one.type != "display"}
    made |= {name: said for name, texts in one.words.items() if (said := _compact(texts, own)) or name == "text"}
    made |= {name: _number(text) if one.type != "date" else text for name, text in one.bounds.items() if text}
    if one.choices:
        made["choices"] = [{"value": each.value, "text": _compact(each.text, own)} for each in one.choices]
    if one.when:
        made["show_when"] = _condition(wording, position)
    return made


def _compact(texts: Texts, own: str) -> Any:
    said = {language: text.strip() for language, text in texts.items() if text.strip()}
    return said.get(own, "") if set(said) <= {own} else said


def _number(text: str) -> Any:
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text.replace(",", ".")) if FRACTION.fullmatch(text) else text


def _condition(wording: Wording, position: int) -> dict[str, Any]:
    one = wording.questions[position]
    source = next((each for each in wording.earlier(position) if each.id == one.when), None)
    op = condition_op(one, source)
    made: dict[str, Any] = {"question": one.when, "op": op}
    if source is None or op == ANSWERED:
        return made
    first = one.when_values[0] if one.when_values else ""
    made["value"] = {"is": first != "no", "is_any_of": one.when_values}.get(op, _number(first))
    return made


def condition_op(one: Draft, source: Draft | None) -> str:
    """Return how a question asks for the answer that it follows: as chosen, if that question can be asked so."""
    offered = CONDITIONS[source.type] if source else (ANSWERED,)
    return one.when_op if one.when_op in offered else offered[0]
