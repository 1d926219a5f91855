"""FHIR Questionnaire and ValueSet → the questions of a form. Pure: nothing is read or written here.

Both R4 (answerOption, answerValueSet) and STU3 (option, options) are understood. What a form cannot ask is refused by
its linkId, and the rest goes on. Source: https://hl7.org/fhir/R4/questionnaire.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from fhir.reading import BadResource
from fhir.values import get, objects, resource_id

TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "decimal": "number",
    "date": "date",
    "string": "text",
    "text": "long_text",
    "choice": "choice",
    "coding": "choice",
    "display": "display",
    "group": "display",
}
STATUSES = ("draft", "active", "retired", "unknown")
EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
BOUNDS = {f"{EXTENSIONS}minValue": "min", f"{EXTENSIONS}maxValue": "max"}
HIDDEN = f"{EXTENSIONS}questionnaire-hidden"
BOUNDED = ("integer", "number", "date")
ID_MAX = 50

Choices = tuple[tuple[str, str], ...]
"""Codes and what they are called."""


@dataclass(frozen=True, slots=True)
class ValueSetData:
    """A ValueSet: its answers, or None where it does not list them."""

    id: str
    url: str
    choices: Choices | None


@dataclass(frozen=True, slots=True)
class Asked:
    """An item that a form may ask: its question, and for a choice the answers or where they stand."""

    link_id: str
    question: Mapping[str, Any]
    choices: Choices = ()
    value_set: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that a form cannot ask, and why."""

    link_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class QuestionnaireData:
    """A Questionnaire: its wording, and its items in reading order."""

    id: str
    name: str
    text: str
    status: str
    items: tuple[Asked | Refusal, ...]
    contained: tuple[ValueSetData, ...] = ()


def map_value_set(resource: dict[str, Any], full_url: str = "") -> ValueSetData:
    """Map a ValueSet; one that only points to a code system or leaves codes out lists no answers."""
    url = get(resource, "url", str) or full_url
    return ValueSetData(resource_id(resource, full_url), url, _listed(resource))


def _listed(resource: dict[str, Any]) -> Choices | None:
    expansion = objects(get(resource, "expansion", dict) or {}, "contains", "expansion.")
    if expansion:
        found = tuple(_expanded(expansion, "expansion.contains."))
        return found or None
    compose = get(resource, "compose", dict) or {}
    parts = [objects(one, "concept", "compose.include.") for one in objects(compose, "include", "compose.")]
    left_out = objects(compose, "exclude", "compose.")
    if left_out or not parts or not all(parts):
        return None
    return tuple(_coding(concept, "compose.include.concept.") for part in parts for concept in part)


def _expanded(contains: list[dict[str, Any]], path: str) -> Iterator[tuple[str, str]]:
    for one in contains:
        if not get(one, "abstract", bool, path):
            yield _coding(one, path)
        yield from _expanded(objects(one, "contains", path), path)


def _coding(coding: dict[str, Any], path: str) -> tuple[str, str]:
    code, display = get(coding, "code", str, path) or "", get(coding, "display", str, path) or ""
    if not code and not display:
        raise BadResource(_("has neither code nor display"), path.rstrip("."))
    return code or display, display or code


def map_questionnaire(resource: dict[str, Any], full_url: str = "") -> QuestionnaireData:
    """Map a Questionnaire; items that cannot be asked become refusals. Raises BadResource for what is no FHIR."""
    pk = resource_id(resource, full_url)
    status = get(resource, "status", str) or "unknown"
    if status not in STATUSES:
        raise BadResource(_("must be one of %(words)s") % {"words": ", ".join(STATUSES)}, "status")
    names = [get(resource, "title", str), get(resource, "name", str)]
    names += [get(one, "value", str, "identifier.") for one in objects(resource, "identifier")]
    name = next((one.strip() for one in names if one and one.strip()), pk)[:200].rstrip()
    contained = [one for one in objects(resource, "contained") if one.get("resourceType") == "ValueSet"]
    return QuestionnaireData(
        id=pk,
        name=name,
        text=get(resource, "description", str) or "",
        status=status,
        items=_unique(_walk(objects(resource, "item"), "item", asked_always=True)),
        contained=tuple(map_value_set(one) for one in contained),
    )


def _walk(items: list[dict[str, Any]], path: str, asked_always: bool) -> Iterator[Asked | Refusal]:
    """Map items and what is inside them; what hangs on an answer is asked of everybody, and never required."""
    for position, item in enumerate(items):
        where = f"{path}[{position}]"
        always = asked_always and not get(item, "enableWhen", list, f"{where}.")
        kind = get(item, "type", str, f"{where}.")
        if kind == "group" and get(item, "repeats", bool, f"{where}."):
            yield Refusal(_link_id(item, where), _("is a group that may be repeated, and is left out with its items"))
            continue
        says = get(item, "text", str, f"{where}.") is not None
        if says or kind not in ("group", "display"):
            yield _item(item, kind, where, always)
        inner = always and kind in ("group", "display")
        yield from _walk(objects(item, "item", f"{where}."), f"{where}.item", inner)


def _link_id(item: dict[str, Any], where: str) -> str:
    return get(item, "linkId", str, f"{where}.") or where


def _item(item: dict[str, Any], kind: str | None, where: str, always: bool) -> Asked | Refusal:
    link_id, path = _link_id(item, where), f"{where}."
    name = slugify(link_id.replace("/", " ").replace(".", "-"))[:ID_MAX].strip("-_")
    if reason := _unaskable(item, kind, name, path):
        return Refusal(link_id, reason)
    assert kind is not None
    made = TYPES[kind]
    repeats = bool(get(item, "repeats", bool, path))
    words = [get(item, "prefix", str, path), get(item, "text", str, path)]
    question: dict[str, Any] = {
        "id": name,
        "type": "multiple_choice" if repeats else made,
        "text": " ".join(word.strip() for word in words if word),
        "required": made != "display" and always and bool(get(item, "required", bool, path)),
    }
    longest = item.get("maxLength")
    if made in ("text", "long_text") and type(longest) is int and longest > 0:
        question["max_length"] = min(longest, 500 if made == "text" else 5000)
    if made in BOUNDED:
        question |= _bounds(item, path)
    if made != "choice":
        return Asked(link_id, question)
    return Asked(link_id, question, _inline(item, path), _value_set(item, path))


def _unaskable(item: dict[str, Any], kind: str | None, name: str, path: str) -> str:
    """Say why a form cannot ask an item, or nothing."""
    if kind not in TYPES:
        return _("is of the type %(type)s, which a form cannot ask") % {"type": kind or "(none)"}
    if not name:
        return _("has a linkId without letters and digits")
    if not (get(item, "text", str, path) or "").strip():
        return _("has no text")
    if get(item, "readOnly", bool, path):
        return _("is read only: nobody would answer it")
    if any(one.get("url") == HIDDEN and one.get("valueBoolean") is True for one in objects(item, "extension", path)):
        return _("is hidden: nobody would answer it")
    if TYPES[kind] != "choice" and get(item, "repeats", bool, path):
        return _("may be answered several times, which a form asks of choices only")
    return ""


def _bounds(item: dict[str, Any], path: str) -> dict[str, Any]:
    found = {}
    for one in objects(item, "extension", path):
        key = BOUNDS.get(get(one, "url", str, f"{path}extension.") or "")
        value = next((one[name] for name in ("valueInteger", "valueDecimal", "valueDate") if name in one), None)
        if key and value is not None:
            found[key] = value
    return found


def _inline(item: dict[str, Any], path: str) -> Choices:
    found = []
    for name in ("answerOption", "option"):
        for one in objects(item, name, path):
            coding = get(one, "valueCoding", dict, f"{path}{name}.")
            plain = next((one[key] for key in ("valueString", "valueInteger", "valueDate") if key in one), None)
            if coding is None and plain is None:
                raise BadResource(_("holds no coding, text, number or date"), f"{path}{name}")
            found.append(_coding(coding, f"{path}{name}.valueCoding.") if coding else (str(plain), str(plain)))
    return tuple(found)


def _value_set(item: dict[str, Any], path: str) -> str:
    referred = get(item, "options", dict, path) or {}
    return get(item, "answerValueSet", str, path) or get(referred, "reference", str, f"{path}options.") or ""


def _unique(items: Iterator[Asked | Refusal]) -> tuple[Asked | Refusal, ...]:
    """Refuse an item whose linkId comes to the same question id as an earlier one's."""
    seen: dict[str, str] = {}
    made: list[Asked | Refusal] = []
    for one in items:
        name = one.question["id"] if isinstance(one, Asked) else ""
        if name in seen:
            reason = _("reads like the linkId “%(other)s” of an earlier item") % {"other": seen[name]}
            made.append(Refusal(one.link_id, reason))
            continue
        if name:
            seen[name] = one.link_id
        made.append(one)
    return tuple(made)
