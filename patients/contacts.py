"""What is done to those who stand by a patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from accounts.validation import check
from clinic.db import lock_patients
from clinic.errors import ClinicError
from patients.models import Contact, Patient

CONTACT_FIELDS = ("name", "relation", "email", "phone", "language", "gets_messages", "may_sign")


def _locked(patient: Patient) -> Patient:
    lock_patients([patient.pk])
    return Patient.objects.get(pk=patient.pk)


@transaction.atomic
def add_contact(patient: Patient, *, name: str, relation: str, **fields: Any) -> Contact:
    """Note somebody who stands by the patient (CONTACT_FIELDS)."""
    require(patient.clinic_id)
    stored = _locked(patient)
    contact = Contact(clinic_id=stored.clinic_id, patient=stored)
    _assign_contact(contact, {"name": name, "relation": relation, **fields})
    contact.save()
    audit.record("contact.added", obj=contact)
    return contact


@transaction.atomic
def update_contact(contact: Contact, **fields: Any) -> Contact:
    """Change what is known of a contact, or what they may do."""
    require(contact.clinic_id)
    lock_patients([contact.patient_id])
    stored = Contact.objects.get(pk=contact.pk)
    changed = _assign_contact(stored, fields)
    if changed:
        stored.save()
        audit.record("contact.updated", obj=stored, detail={"fields": changed})
    return stored


@transaction.atomic
def set_contacts(patient: Patient, contacts: Sequence[dict[str, Any]]) -> None:
    """Let these be all who stand by the patient; one known by name and relation is changed, one left out is removed.

    Raises ClinicError for a contact that messages went to: what was sent keeps whom it was sent to.
    """
    require(patient.clinic_id)
    stored = _locked(patient)
    known = {(one.name, one.relation): one for one in stored.contacts.order_by("pk")}
    for position, fields in enumerate(contacts):
        contact = known.pop((fields["name"], fields["relation"]), None)
        try:
            if contact is None:
                add_contact(stored, **fields)
            else:
                update_contact(contact, **fields)
        except ClinicError as error:
            error.path = f"contacts/{position}/{error.path}".rstrip("/")
            raise
    for contact in known.values():
        _remove_contact(contact)


@transaction.atomic
def remove_contact(contact: Contact) -> None:
    """Take somebody off the list. Raises ClinicError if messages went to them."""
    require(contact.clinic_id)
    lock_patients([contact.patient_id])
    _remove_contact(contact)


def _remove_contact(contact: Contact) -> None:
    audit.record("contact.removed", obj=contact)
    try:
        contact.delete()
    except ProtectedError as error:
        message = _("%(name)s got messages already and stays listed; say that they get no more.")
        raise ClinicError(message % {"name": contact.name}, code="in_use", path="contacts") from error


def _assign_contact(contact: Contact, fields: dict[str, Any]) -> list[str]:
    for name in fields:
        if name not in CONTACT_FIELDS:
            raise ClinicError(_("A contact has no “%(name)s” to set.") % {"name": name}, code="unknown", path=name)
    changed = sorted(name for name, value in fields.items() if getattr(contact, name) != value)
    for name in changed:
        setattr(contact, name, fields[name])
    check(contact)
    return changed
