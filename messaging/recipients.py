"""Who reads a message: the patient, somebody who stands by them, or a person of the staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from patients.models import Patient


@dataclass(frozen=True, slots=True)
class Recipient:
    """One reader. `key` tells the readers of one step apart; `address` is empty where nothing can be sent to.

    `zone` is the patient's, also for a contact of theirs, and the clinic's for staff.
    """

    key: str
    name: str
    address: str
    language: str
    zone: ZoneInfo
    is_staff: bool = False


def key_of(*, contact_id: int | None = None, recipient_id: int | None = None) -> str:
    """Return the key of a reader: "patient", "contact:12" or "staff:5"."""
    if recipient_id is not None:
        return f"staff:{recipient_id}"
    return f"contact:{contact_id}" if contact_id is not None else "patient"


def patient_zone(patient: Any, clinic: Any) -> ZoneInfo:
    """Return the patient's zone, the clinic's if none is recorded."""
    return ZoneInfo(patient.time_zone or clinic.time_zone)


def the_patient(patient: Any, clinic: Any) -> Recipient:
    """Describe the patient as a reader; an address that bounced is none."""
    bounced = patient.email_status == Patient.EmailStatus.BOUNCED
    return Recipient(
        key=key_of(),
        name=str(patient),
        address="" if bounced else patient.email,
        language=patient.language or clinic.language,
        zone=patient_zone(patient, clinic),
    )


def a_contact(contact: Any, patient: Any, clinic: Any) -> Recipient:
    """Describe a contact of the patient as a reader."""
    return Recipient(
        key=key_of(contact_id=contact.pk),
        name=contact.name,
        address=contact.email if contact.gets_messages else "",
        language=contact.language or clinic.language,
        zone=patient_zone(patient, clinic),
    )


def a_member(member: Any, clinic: Any) -> Recipient:
    """Describe a person of the staff as a reader; one who no longer works here has no address."""
    works_here = member.is_active and member.user.is_active
    return Recipient(
        key=key_of(recipient_id=member.pk),
        name=member.name,
        address=member.user.email if works_here else "",
        language=clinic.language,
        zone=ZoneInfo(clinic.time_zone),
        is_staff=True,
    )


RELATED = ("clinic", "patient", "contact", "recipient__user", "template")
"""What a query of deliveries should bring along (select_related) before `reader_of` is asked."""


def reader_of(message: Any) -> Recipient:
    """Return the reader of a delivery (or of anything with its clinic, patient, contact and recipient)."""
    if message.recipient is not None:
        return a_member(message.recipient, message.clinic)
    if message.contact is not None:
        return a_contact(message.contact, message.patient, message.clinic)
    return the_patient(message.patient, message.clinic)
