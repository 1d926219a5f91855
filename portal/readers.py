"""Who reads whose pages: an address opens those of its adult patients, and of the children whose contact it is."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.clock import now
from patients.models import Contact, Patient
from patients.selectors import under_age


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read a patient's pages: the patient, or a contact of a child who gets its messages."""

    patient: Patient
    contact: Contact | None = None

    @property
    def language(self) -> str:
        """Return the reader's language."""
        return (self.contact or self.patient).language or self.patient.clinic.language


def readers_of(email: str, clinic_id: int | None = None) -> list[Reader]:
    """List whose pages an address opens, at one clinic or at all, as messages would go there too."""
    moment = now()
    own = Patient.objects.filter(email__iexact=email, status=Patient.Status.ACTIVE, deceased_on=None)
    theirs = Contact.objects.filter(
        email__iexact=email, gets_messages=True, patient__status=Patient.Status.ACTIVE, patient__deceased_on=None
    )
    if clinic_id is not None:
        own, theirs = own.filter(clinic_id=clinic_id), theirs.filter(clinic_id=clinic_id)
    own = own.exclude(email_status=Patient.EmailStatus.BOUNCED).select_related("clinic")
    found = [Reader(one) for one in own.order_by("pk") if not under_age(one, moment)]
    for contact in theirs.select_related("patient__clinic").order_by("pk"):
        twice = any(one.patient.pk == contact.patient_id for one in found)  # two contacts who share a mailbox
        if under_age(contact.patient, moment) and not twice:
            found.append(Reader(contact.patient, contact))
    return found
