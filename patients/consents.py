"""What patients agreed to be sent: setting it, and asking before anything leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.permissions import require
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError
from patients.categories import OPT_IN, Category, Channel
from patients.models import Consent, Patient

Way = tuple[int, str, str]
"""Patient id, category, channel."""
LINE = {"category": Category, "channel": Channel}


@transaction.atomic
def set_consents(
    patient: Patient, consents: Sequence[Mapping[str, Any]], *, occurred_at: datetime | None = None
) -> list[Consent]:
    """Note what the patient said, as [{category, channel, granted}], and return all that is on record.

    Ways that are not named stay as they are: leaving a line out never turns a no into "nothing was said". Raises
    ClinicError naming the line ("0/category"); then nothing is changed.
    """
    _require(patient)
    wanted = _checked(consents)
    lock_patients([patient.pk])
    known = {(row.category, row.channel): row for row in Consent.objects.filter(patient=patient)}
    moment = occurred_at or now()
    for (category, channel), granted in wanted.items():
        row = known.get((category, channel))
        if row is not None and row.granted == granted:
            continue
        if row is None:
            row = Consent(clinic_id=patient.clinic_id, patient=patient, category=category, channel=channel)
        row.granted, row.said_at = granted, moment
        row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
        row.save()
        detail = {"category": category, "channel": channel}
        audit.record("consent.granted" if granted else "consent.withdrawn", obj=row, detail=detail)
    return list(consents_of(patient))


def _require(patient: Patient) -> None:
    """Let the staff speak for the patient, and patients for themselves."""
    actor = current()
    if actor.kind != "patient" or actor.patient_id != patient.pk:
        require(patient.clinic_id)


def _checked(consents: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], bool]:
    found: dict[tuple[str, str], bool] = {}
    for position, line in enumerate(consents):
        for name in line:
            if name not in (*LINE, "granted"):
                message = _("A consent has no “%(name)s” to set.") % {"name": name}
                raise ClinicError(message, code="unknown", path=f"{position}/{name}")
        for name, choices in LINE.items():
            if line.get(name) not in choices.values:
                message = _("Choose one of: %(choices)s.") % {"choices": ", ".join(choices.values)}
                raise ClinicError(message, code="invalid_choice", path=f"{position}/{name}")
        if not isinstance(line.get("granted"), bool):
            raise ClinicError(_("Say true or false."), code="invalid", path=f"{position}/granted")
        way = (line["category"], line["channel"])
        if way in found:
            raise ClinicError(_("This way is named twice."), code="duplicate", path=f"{position}/channel")
        found[way] = line["granted"]
    return found


# --- questions ---


def consents_of(patient: Any) -> Any:
    """Return what the patient said, a row a way; what was never spoken of has none."""
    return Consent.objects.filter(patient=patient).order_by("category", "channel")


def preferences(patient: Any) -> dict[tuple[str, str], bool]:
    """Return, for every category and channel, whether a message may leave: what was said, else the default."""
    said = {(row.category, row.channel): row.granted for row in consents_of(patient)}
    ways = ((category, channel) for category in Category.values for channel in Channel.values)
    return {way: said.get(way, way[0] not in OPT_IN) for way in ways}


def unwanted(ways: Iterable[Way]) -> set[Way]:
    """Return those ways on which nothing may be sent now; one query for a batch."""
    asked = set(ways)
    if not asked:
        return set()
    rows = Consent.objects.filter(patient_id__in={patient_id for patient_id, _category, _channel in asked})
    said = {(row.patient_id, row.category, row.channel): row.granted for row in rows}
    return {way for way in asked if not said.get(way, way[1] not in OPT_IN)}


def agreed(patient: str, category: str, channel: str) -> Q:
    """Return the condition, inside a query whose columns are named, that the person may be sent it."""
    said = Consent.objects.filter(
        patient_id=OuterRef(patient), category=OuterRef(category), channel=OuterRef(channel)
    ).order_by()
    opt_in = Q(**{f"{category}__in": OPT_IN})
    return (opt_in & Exists(said.filter(granted=True))) | (~opt_in & ~Exists(said.filter(granted=False)))
