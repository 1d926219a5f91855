"""What a message would say to a patient: filled in with what is known of them now, and what is not known marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist

from automations.engine.declare import catalog
from automations.facts import read_patients
from clinic.clock import now
from messaging.liquid import TextError, parse
from messaging.recipients import the_patient
from messaging.text import Content, compose, is_right_to_left, samples
from messaging.variables import MessageContext, variables

MARK = "⟦%s⟧"


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would read, or why it cannot be made.

    `missing` names what is not known of this patient, `unknown` what no message knows; both are marked in the text.
    """

    language: str
    content: Content | None
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    error: str = ""

    @property
    def direction(self) -> str:
        """Return how the language is written."""
        return "rtl" if is_right_to_left(self.language) else "ltr"


def preview(clinic: Any, language: str, subject: str, text: str, patient: Any = None) -> Preview:
    """Fill in a text for a patient; without one, with example values."""
    try:
        letters = (parse(subject), parse(text))
        names = letters[0].names | letters[1].names
        known = variables.known()
        unknown = tuple(sorted(names - known.keys()))
        values: dict[str, Any]
        if patient:
            values = _values(names & known.keys(), clinic, language, patient)
        else:
            values = samples(names, known, language=language, clinic=clinic)
        missing = tuple(sorted(name for name in names - set(unknown) if not _has(values, name)))
        for name in (*missing, *unknown):
            _put(values, name, MARK % name)
        filled_subject, filled_text = (letter.render(values) for letter in letters)
    except TextError as error:
        return Preview(language, None, error=str(error))
    content = compose(subject=filled_subject, text=filled_text, language=language, clinic_name=clinic.name)
    return Preview(language, content, missing, unknown)


def _values(names: Iterable[str], clinic: Any, language: str, patient: Any) -> dict[str, dict[str, Any]]:
    """Look names up for a message about the patient, and about the newest of each kind of record of theirs."""
    names = set(names)
    reader = the_patient(patient, clinic)
    about = MessageContext(
        clinic=clinic,
        patient=patient,
        recipient=replace(reader, language=language or reader.language),
        facts=_facts(names, patient),
    )
    contexts = [about, *(replace(about, subject_type=kind, subject_id=pk) for kind, pk in _subjects(patient))]
    found: dict[str, dict[str, Any]] = {}
    for answer in variables.values(names, contexts):
        for space, leaves in answer.items():
            for leaf, value in leaves.items():
                if value is not None:
                    found.setdefault(space, {}).setdefault(leaf, value)
    return found


def _facts(names: set[str], patient: Any) -> Mapping[str, Any]:
    """Read what rules know of the patient; what belongs to an event comes with the event only."""
    wanted = [name for name in sorted(variables.facts_among(names)) if catalog.facts[name].subject == "patient"]
    return read_patients([patient.pk], [(name, {}) for name in wanted], now()).get(patient.pk, {})


def _subjects(patient: Any) -> list[tuple[str, int]]:
    """Return (kind, id) of the newest record of each kind that rules speak of."""
    found = []
    for kind, subject in catalog.subjects.items():
        model = apps.get_model(subject.model)
        try:
            model._meta.get_field("patient")
        except FieldDoesNotExist:
            continue
        newest = model._default_manager.filter(patient=patient).order_by("-pk").values_list("pk", flat=True).first()
        if newest is not None:
            found.append((kind, newest))
    return found


def _has(values: Mapping[str, Any], name: str) -> bool:
    space, _dot, leaf = name.partition(".")
    return isinstance(values.get(space), dict) and leaf in values[space]


def _put(values: dict[str, Any], name: str, value: str) -> None:
    """Put a mark where a template looks for the name, however deep."""
    *spaces, leaf = name.split(".")
    place = values
    for space in spaces:
        inner = place.setdefault(space, {})
        if not isinstance(inner, dict):
            return
        place = inner
    place.setdefault(leaf, value)
