"""FHIR R4 resources → what the house keeps of them. Pure: nothing is read or written here.

Elements that are absent leave what is stored as it is. Source: https://hl7.org/fhir/R4/patient.html, encounter.html
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fhir.reading import BadResource
from fhir.values import Days, days, get, limited, moment, objects, reference_id, resource_id, texts

SEXES = ("female", "male", "other", "unknown")
STATES = {
    "planned": "booked",
    "arrived": "in_progress",
    "triaged": "in_progress",
    "in-progress": "in_progress",
    "onleave": "in_progress",
    "finished": "completed",
    "cancelled": "cancelled",
    "entered-in-error": "entered_in_error",
}
SLUG_MAX = 50
SEMANTIC_TAG = re.compile(r"\s*\([a-z /]+\)\s*$")  # SNOMED: "Encounter for check up (procedure)"
ALIVE = Days(date.max, date.max)
SOMETIME = Days(date.min, date.max)


@dataclass(frozen=True, slots=True)
class PatientData:
    """A Patient: `values` holds the fields that the resource tells of; `deceased` is ALIVE, a span of days, or None."""

    id: str
    values: dict[str, Any]
    deceased: Days | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceData:
    """The kind of an Encounter: the slugs under which a service may be known, and the name of a new one."""

    code: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class EncounterData:
    """An Encounter. `ends_at` is None while it is open; `practitioner_id` is the first participant's."""

    id: str
    patient_id: str
    status: str
    planned: bool
    starts_at: datetime
    ends_at: datetime | None
    service: ServiceData
    practitioner_id: str | None

    @property
    def minutes(self) -> int | None:
        """Return how long it took, rounded; None if that is not known."""
        if self.ends_at is None:
            return None
        return round((self.ends_at - self.starts_at).total_seconds() / 60) or None


@dataclass(frozen=True, slots=True)
class PractitionerData:
    """A Practitioner: the words by which somebody of the clinic's staff may be known."""

    id: str
    words: frozenset[str] = field(default_factory=frozenset)


def map_patient(resource: dict[str, Any], full_url: str = "") -> PatientData:
    """Map a Patient. Raises BadResource for what cannot be used; notes name optional elements that were left out."""
    notes: list[str] = []
    values = _name(resource)
    if text := get(resource, "birthDate", str):
        born = days(text, "birthDate").whole
        values |= {"birth_date": born} if born else {}
    if sex := get(resource, "gender", str):
        if sex not in SEXES:
            raise BadResource(_("must be one of %(words)s") % {"words": ", ".join(SEXES)}, "gender")
        values["sex"] = sex
    values |= _telecom(resource, notes) | _city(resource) | _language(resource)
    if get(resource, "active", bool) is False:
        values["status"] = "archived"
    return PatientData(resource_id(resource, full_url), values, _deceased(resource), tuple(notes))


def _name(resource: dict[str, Any]) -> dict[str, Any]:
    names = objects(resource, "name")
    order = {"official": 0, "usual": 1, None: 2}
    names = sorted(names, key=lambda one: order.get(get(one, "use", str, "name."), 3))
    for one in names:
        given = " ".join(texts(one, "given", "name."))
        family = get(one, "family", str, "name.") or ""
        if not given and not family:
            given = get(one, "text", str, "name.") or ""
        if given or family:
            given, family = limited(given, 200, "name.given"), limited(family, 200, "name.family")
            return {"given_name": given or family, "family_name": family if given else ""}
    raise BadResource(_("is missing; a patient needs a name"), "name")


def _telecom(resource: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for position, one in enumerate(objects(resource, "telecom")):
        path = f"telecom[{position}]."
        system, value = get(one, "system", str, path), get(one, "value", str, path)
        if system not in ("email", "phone") or system in found or not value or get(one, "use", str, path) == "old":
            continue
        if system == "email" and not _is_email(value.strip()):
            notes.append(_("%(path)s is no email address; left out.") % {"path": path + "value"})
        elif len(value.strip()) > 40 and system == "phone":
            notes.append(_("%(path)s is too long for a phone number; left out.") % {"path": path + "value"})
        else:
            found[system] = value.strip()
    return found


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def _city(resource: dict[str, Any]) -> dict[str, Any]:
    for position, one in enumerate(objects(resource, "address")):
        path = f"address[{position}]."
        if get(one, "use", str, path) != "old" and (city := get(one, "city", str, path)):
            return {"city": limited(city, 200, path + "city")}
    return {}


def _language(resource: dict[str, Any]) -> dict[str, Any]:
    told = objects(resource, "communication")
    told = sorted(told, key=lambda one: not get(one, "preferred", bool, "communication."))
    for one in told:
        concept = get(one, "language", dict, "communication.") or {}
        for coding in objects(concept, "coding", "communication.language."):
            if code := get(coding, "code", str, "communication.language.coding."):
                return {"language": limited(code, 35, "communication.language")}
    return {}


def _deceased(resource: dict[str, Any]) -> Days | None:
    if text := get(resource, "deceasedDateTime", str):
        return days(text, "deceasedDateTime")
    flag = get(resource, "deceasedBoolean", bool)
    return None if flag is None else SOMETIME if flag else ALIVE


def map_encounter(resource: dict[str, Any], zone: ZoneInfo, full_url: str = "") -> EncounterData:
    """Map an Encounter; bare dates are read in `zone`. Raises BadResource."""
    word = get(resource, "status", str)
    if word not in STATES:
        raise BadResource(_("must be one of %(words)s") % {"words": ", ".join(STATES)}, "status")
    subject = get(get(resource, "subject", dict) or {}, "reference", str, "subject.")
    if subject is None:
        raise BadResource(_("is missing; it names the patient"), "subject.reference")
    period = get(resource, "period", dict) or {}
    start, end = get(period, "start", str, "period."), get(period, "end", str, "period.")
    if start is None:
        raise BadResource(_("is missing; an appointment needs a start"), "period.start")
    starts_at = moment(start, "period.start", zone)
    ends_at = moment(end, "period.end", zone) if end else None
    if ends_at is not None and ends_at < starts_at:
        raise BadResource(_("lies before period.start"), "period.end")
    return EncounterData(
        id=resource_id(resource, full_url),
        patient_id=reference_id(subject, "Patient", "subject.reference"),
        status=STATES[word],
        planned=word == "planned",
        starts_at=starts_at,
        ends_at=ends_at,
        service=_service(resource),
        practitioner_id=_practitioner(resource),
    )


def _service(resource: dict[str, Any]) -> ServiceData:
    kinds = objects(resource, "type")
    concept = kinds[0] if kinds else {}
    coding = next(iter(objects(concept, "coding", "type[0].")), {})
    code = get(coding, "code", str, "type[0].coding[0].") or ""
    text = get(concept, "text", str, "type[0].") or get(coding, "display", str, "type[0].coding[0].") or ""
    if not code and not text:
        kind = get(resource, "class", dict) or {}
        code = get(kind, "code", str, "class.") or ""
        text = get(kind, "display", str, "class.") or ""
    name = limited(SEMANTIC_TAG.sub("", text) or text or code or "Visit", 200, "type[0].text")
    return ServiceData(code=slug_of(code) if code else "", slug=slug_of(name), name=name)


def slug_of(text: str) -> str:
    """Return a slug of at most 50 characters: of words, or of a digest where nothing readable or too much is left."""
    slug = slugify(text)
    if slug and len(slug) <= SLUG_MAX:
        return slug
    digest = hashlib.sha256(text.casefold().encode()).hexdigest()[:8]
    return f"{slug[: SLUG_MAX - 9].rstrip('-')}-{digest}" if slug else f"service-{digest}"


def _practitioner(resource: dict[str, Any]) -> str | None:
    for position, one in enumerate(objects(resource, "participant")):
        path = f"participant[{position}].individual."
        text = get(get(one, "individual", dict, path) or {}, "reference", str, path)
        if text and ("Practitioner/" in text or text.startswith("urn:uuid:")):
            return reference_id(text, "Practitioner", path + "reference")
    return None


def map_practitioner(resource: dict[str, Any], full_url: str = "") -> PractitionerData:
    """Map a Practitioner to slugs: of its id, its identifiers, and its name with and without titles."""
    own = resource_id(resource, full_url)
    words = {slugify(own)}
    for one in objects(resource, "identifier"):
        words.add(slugify(get(one, "value", str, "identifier.") or ""))
    for one in objects(resource, "name"):
        given, family = texts(one, "given", "name."), get(one, "family", str, "name.") or ""
        bare = " ".join([*given, family])
        words |= {slugify(bare), slugify(" ".join([*texts(one, "prefix", "name."), bare]))}
    return PractitionerData(own, frozenset(words - {""}))
