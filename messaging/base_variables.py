"""The variables that every message may use: the patient, the specialist, the clinic, the portal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from messaging.variables import MessageContext, Variable, register
from patients.staffing import specialists_for

PATIENT = {
    "given_name": Variable(_("patient's given name"), sample="Maria"),
    "family_name": Variable(_("patient's family name"), sample="Marin"),
    "full_name": Variable(_("patient's full name"), sample="Maria Marin"),
}
RECIPIENT = {"name": Variable(_("name of the person who reads this"), sample="Maria")}
SPECIALIST = {"name": Variable(_("name of the patient's specialist"), sample="Dr. Ionescu")}
CLINIC = {
    "name": Variable(_("clinic's name"), sample="North Clinic"),
    "phone": Variable(_("clinic's phone"), sample="+40 21 555 0100"),
    "address": Variable(_("clinic's address"), sample="1 Elm Street"),
}
PORTAL = {"link": Variable(_("link to sign in at"), sample="https://clinic.example/portal/")}


def _patient(context: MessageContext) -> Mapping[str, Any]:
    person = context.patient
    return {"given_name": person.given_name, "family_name": person.family_name, "full_name": str(person)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `specialists_for` wants to know of a message."""

    id: int
    patient_id: int
    subject_type: str
    subject_id: int | None


def _specialists(contexts: Sequence[MessageContext]) -> Sequence[Mapping[str, Any]]:
    """Return the name of the visit's or the patient's specialist; the clinic's if there is none now."""
    asked = [_Asked(n, one.patient.pk, one.subject_type, one.subject_id) for n, one in enumerate(contexts)]
    found = specialists_for(asked)
    members = [found[number][0] for number in range(len(contexts))]
    return [
        {"name": member.name if member else context.clinic.name}
        for member, context in zip(members, contexts, strict=True)
    ]


def _clinic(context: MessageContext) -> Mapping[str, Any]:
    clinic = context.clinic
    return {"name": clinic.name, "phone": clinic.phone, "address": clinic.address}


def _portal(context: MessageContext) -> Mapping[str, Any]:
    """Lead patients and those who stand by them to the portal, people of the staff to their own pages."""
    return {"link": settings.PUBLIC_URL + ("/" if context.recipient.is_staff else reverse("portal:home"))}


def register_base_variables() -> None:
    """Offer them; called once, when the app is ready."""
    register("patient", PATIENT, _patient)
    register("recipient", RECIPIENT, lambda context: {"name": context.recipient.name})
    register("specialist", SPECIALIST, resolve_many=_specialists)
    register("clinic", CLINIC, _clinic)
    register("portal", PORTAL, _portal)
