"""CarePlan and pain Observation resources → what the house keeps of them. Pure: nothing is read or written here.

Source: https://hl7.org/fhir/R4/careplan.html, observation.html; pain is LOINC 72514-3, rated from 0 to 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from fhir.mapping import SEMANTIC_TAG, slug_of
from fhir.reading import BadResource
from fhir.values import get, limited, moment, objects, reference_id, resource_id

PLAN_STATES = {
    "draft": "draft",
    "active": "active",
    "on-hold": "paused",
    "completed": "completed",
    "revoked": "cancelled",
    "entered-in-error": "entered_in_error",
}
SCORE_STATES = {
    "preliminary": "final",
    "final": "final",
    "amended": "final",
    "corrected": "final",
    "cancelled": "entered_in_error",
    "entered-in-error": "entered_in_error",
}
PAIN = "72514-3"
LOINC = "http://loinc.org"
PAIN_MAX = 10
DAYS = {"d": 1, "wk": 7, "mo": 30, "a": 365}
A_WEEK_MAX = 50


@dataclass(frozen=True, slots=True)
class ProgramData:
    """The kind of a CarePlan: the slug under which a program may be known, and the name of a new one."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class CarePlanData:
    """A CarePlan; `exercises` are (name, sessions a week), 0 where the resource does not say how often."""

    id: str
    patient_id: str
    status: str
    name: str
    program: ProgramData | None
    starts_at: datetime
    ends_at: datetime | None
    practitioner_id: str | None
    exercises: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PainData:
    """A pain score, 0 to 10."""

    id: str
    patient_id: str
    status: str
    value: float
    measured_at: datetime


def map_care_plan(resource: dict[str, Any], zone: ZoneInfo, full_url: str = "") -> CarePlanData:
    """Map a CarePlan; bare dates are read in `zone`. Raises BadResource."""
    period = get(resource, "period", dict) or {}
    start, end = get(period, "start", str, "period."), get(period, "end", str, "period.")
    if start is None:
        raise BadResource(_("is missing; a plan needs its first day"), "period.start")
    starts_at = moment(start, "period.start", zone)
    ends_at = moment(end, "period.end", zone) if end else None
    if ends_at is not None and ends_at < starts_at:
        raise BadResource(_("lies before period.start"), "period.end")
    program = _program(resource)
    name = get(resource, "title", str) or (program.name if program else "")
    return CarePlanData(
        id=resource_id(resource, full_url),
        patient_id=_patient(resource),
        status=_word(resource, PLAN_STATES),
        name=limited(name or _("Treatment plan"), 200, "title"),
        program=program,
        starts_at=starts_at,
        ends_at=ends_at,
        practitioner_id=_author(resource),
        exercises=tuple(_exercises(resource)),
    )


def _patient(resource: dict[str, Any]) -> str:
    subject = get(get(resource, "subject", dict) or {}, "reference", str, "subject.")
    if subject is None:
        raise BadResource(_("is missing; it names the patient"), "subject.reference")
    return reference_id(subject, "Patient", "subject.reference")


def _word(resource: dict[str, Any], known: dict[str, str]) -> str:
    word = get(resource, "status", str)
    if word not in known:
        raise BadResource(_("must be one of %(words)s") % {"words": ", ".join(known)}, "status")
    return known[word]


def _author(resource: dict[str, Any]) -> str | None:
    text = get(get(resource, "author", dict) or {}, "reference", str, "author.")
    return reference_id(text, "Practitioner", "author.reference") if text and "Practitioner/" in text else None


def _program(resource: dict[str, Any]) -> ProgramData | None:
    for position, concept in enumerate(objects(resource, "category")):
        if text := _text_of(concept, f"category[{position}]."):
            name = limited(text, 200, f"category[{position}].text")
            return ProgramData(slug_of(name), name)
    return None


def _text_of(concept: dict[str, Any], path: str) -> str:
    coding = next(iter(objects(concept, "coding", path)), {})
    text = get(concept, "text", str, path) or get(coding, "display", str, f"{path}coding[0].")
    text = text or get(coding, "code", str, f"{path}coding[0].") or ""
    return SEMANTIC_TAG.sub("", text).strip() or text.strip()


def _exercises(resource: dict[str, Any]) -> list[tuple[str, int]]:
    found = []
    for position, activity in enumerate(objects(resource, "activity")):
        path = f"activity[{position}].detail."
        detail = get(activity, "detail", dict, f"activity[{position}].") or {}
        text = _text_of(get(detail, "code", dict, path) or {}, f"{path}code.")
        text = text or get(detail, "description", str, path) or ""
        if text:
            found.append((limited(text, 200, f"{path}code.text"), _a_week(detail, path)))
    return found


def _a_week(detail: dict[str, Any], path: str) -> int:
    """Return the sessions a week that a Timing asks for, rounded; 0 where it does not say."""
    timing = get(detail, "scheduledTiming", dict, path) or {}
    repeat = get(timing, "repeat", dict, f"{path}scheduledTiming.") or {}
    frequency, period = repeat.get("frequency", 1), repeat.get("period")
    days = DAYS.get(get(repeat, "periodUnit", str, f"{path}scheduledTiming.repeat.") or "")
    if frequency is None or period is None or days is None or not _is_positive(frequency) or not _is_positive(period):
        return 0
    count = round(frequency * 7 / (period * days))
    if count > A_WEEK_MAX:
        most = {"most": A_WEEK_MAX}
        raise BadResource(_("asks for more than %(most)d sessions a week") % most, f"{path}scheduledTiming")
    return count


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10_000


def map_observation(resource: dict[str, Any], zone: ZoneInfo, full_url: str = "") -> PainData | None:
    """Map an Observation of pain; None for one of anything else. Raises BadResource."""
    code = get(resource, "code", dict) or {}
    if not any(_is_pain(coding) for coding in objects(code, "coding", "code.")):
        return None
    status = _word(resource, SCORE_STATES)
    return PainData(
        id=resource_id(resource, full_url),
        patient_id=_patient(resource),
        status=status,
        value=_value(resource),
        measured_at=_measured_at(resource, zone),
    )


def _is_pain(coding: dict[str, Any]) -> bool:
    return coding.get("code") == PAIN and coding.get("system") in (LOINC, None)


def _value(resource: dict[str, Any]) -> float:
    quantity = get(resource, "valueQuantity", dict)
    value, path = (
        (quantity.get("value"), "valueQuantity.value")
        if quantity is not None
        else (resource.get("valueInteger"), "valueInteger")
    )
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= PAIN_MAX:
        raise BadResource(_("must be a number from 0 to %(most)d") % {"most": PAIN_MAX}, path)
    return float(value)


def _measured_at(resource: dict[str, Any], zone: ZoneInfo) -> datetime:
    period = get(resource, "effectivePeriod", dict) or {}
    told = {
        "effectiveDateTime": get(resource, "effectiveDateTime", str),
        "effectiveInstant": get(resource, "effectiveInstant", str),
        "effectivePeriod.start": get(period, "start", str, "effectivePeriod."),
        "issued": get(resource, "issued", str),
    }
    for path, text in told.items():
        if text:
            return moment(text, path, zone)
    raise BadResource(_("is missing; a score needs its moment"), "effectiveDateTime")
