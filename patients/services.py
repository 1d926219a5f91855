"""What is done to patients and those who stand by them.

Each takes the patient's lock, reads the row anew and returns it. Asking for the state a patient is in does nothing.
`occurred_at` (aware) says when it happened, if not now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import psycopg.errors
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic, Membership
from accounts.permissions import Role, require
from accounts.selectors import local_date
from accounts.validation import check
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError, ImpossibleTransition, StaleRecord
from patients import selectors
from patients.births import check_birth
from patients.consents import set_consents
from patients.contacts import CONTACT_FIELDS, add_contact, set_contacts, update_contact
from patients.grants import grant_access, revoke_access
from patients.library import add_item, archive_item, restore_item, update_item
from patients.models import Patient

__all__ = [
    "CONTACT_FIELDS", "FIELDS", "KnownAlready", "add_contact", "add_item", "add_tag", "archive", "archive_item",
    "assign_specialist", "discharge", "grant_access", "mark_deceased", "mark_email_bounced", "mark_email_works",
    "reactivate", "register", "remove_tag", "restore_item", "revoke_access", "set_consents", "set_contacts", "update",
    "update_contact", "update_item",
]  # fmt: skip

FIELDS = (
    "external_id",
    "given_name",
    "family_name",
    "birth_date",
    "sex",
    "email",
    "phone",
    "language",
    "city",
    "source",
    "time_zone",
    "specialist",
    "tags",
)
DESK = (Role.CLINIC_ADMIN, Role.FRONT_DESK)


class KnownAlready(ClinicError):
    """Refuse to register who may be a patient here already, until the person who registers has looked at them."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        super().__init__(_("This person may be registered already."), code="known_already")
        self.patients = list(patients)


@transaction.atomic
def register(
    *,
    clinic: Clinic,
    occurred_at: datetime | None = None,
    unlike: Collection[int] | None = None,
    **fields: Any,
) -> Patient:
    """Take a patient into the clinic's care (FIELDS). Raises ClinicError naming the wrong field.

    `unlike` are the ids of those whom the person at the desk has seen and found to be others: raises KnownAlready if
    anybody else has the same name and date of birth or the same email. None: nobody looks (imports, programs).
    """
    require(clinic)
    patient = Patient(clinic=clinic)
    changed = _assign(patient, fields)
    if occurred_at is not None:
        patient.registered_at = occurred_at
    alike = _alike(patient, unlike) if unlike is not None else []
    _write(patient, occurred_at, changed)
    audit.record("patient.registered", obj=patient, detail={"unlike": alike} if alike else None)
    return patient


def _alike(patient: Patient, seen: Collection[int]) -> list[int]:
    """Return who looks like the patient and was seen to be somebody else. Raises KnownAlready."""
    names = ("given_name", "family_name", "birth_date", "email")
    found = selectors.lookalikes(patient.clinic, **{name: getattr(patient, name) for name in names})
    if any(one.pk not in seen for one in found):
        raise KnownAlready(found)
    return [one.pk for one in found]


@transaction.atomic
def update(
    patient: Patient,
    *,
    revision: int | None = None,
    occurred_at: datetime | None = None,
    source_step_id: int | None = None,
    **fields: Any,
) -> Patient:
    """Change what is known of a patient (FIELDS). A new address has not bounced yet.

    `revision` is the one the editor read: raises StaleRecord if the record has moved on since. `source_step_id` is the
    step of a rule that does it.
    """
    require(patient.clinic_id)
    stored = _fresh(patient)
    if revision is not None and revision != stored.revision:
        raise StaleRecord(str(Patient._meta.verbose_name))
    changed = _assign(stored, fields)
    if changed:
        stored.caused_by_step_id = source_step_id  # type: ignore[attr-defined]
        _write(stored, occurred_at, changed)
        audit.record("patient.updated", obj=stored, detail={"fields": changed})
    return stored


def _fresh(patient: Patient) -> Patient:
    """Lock the patient and read the row as it is now."""
    lock_patients([patient.pk])
    return Patient.objects.select_related("clinic").get(pk=patient.pk)


def _assign(patient: Patient, fields: dict[str, Any]) -> list[str]:
    for name in fields:
        if name not in FIELDS:
            raise ClinicError(_("A patient has no “%(name)s” to set.") % {"name": name}, code="unknown", path=name)
    if "external_id" in fields:
        fields["external_id"] = fields["external_id"] or None
    if "tags" in fields:
        fields["tags"] = list(dict.fromkeys(tag.strip() for tag in fields["tags"] if tag.strip()))
    changed = sorted(name for name, value in fields.items() if getattr(patient, name) != value)
    for name in changed:
        setattr(patient, name, fields[name])
    if "email" in changed:
        patient.email_status = Patient.EmailStatus.UNTRIED
    if "specialist" in changed:
        _check_specialist(patient)
    return changed


def _check_specialist(patient: Patient) -> None:
    member: Membership | None = patient.specialist
    if member is None:
        return
    if member.clinic_id != patient.clinic_id:
        raise ClinicError(_("There is no such specialist at this clinic."), code="not_found", path="specialist")
    if member.role != Role.SPECIALIST or not member.is_active:
        raise ClinicError(
            _("%(name)s is not a specialist who works here now.") % {"name": member.name},
            code="not_a_specialist",
            path="specialist",
        )


def _write(patient: Patient, occurred_at: datetime | None, changed: Collection[str] = ()) -> None:
    check(patient)
    if occurred_at is not None and occurred_at > now():
        raise ClinicError(_("Something that happened cannot lie in the future."), code="future", path="occurred_at")
    if "birth_date" in changed:  # one that is stored already keeps nobody from changing something else
        check_birth(patient.birth_date, local_date(patient.clinic, now()))
    patient.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            patient.save()
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
            message = _("Another patient of this clinic has this external id.")
            raise ClinicError(message, code="unique", path="external_id") from error
        raise


# --- leaving and coming back ---


@transaction.atomic
def archive(patient: Patient, *, occurred_at: datetime | None = None) -> Patient:
    """Put the record away: everything pending is cancelled, open forms are voided."""
    require(patient.clinic_id, *DESK)
    return _move(patient, Patient.Status.ARCHIVED, (Patient.Status.ACTIVE, Patient.Status.DISCHARGED), occurred_at)


@transaction.atomic
def discharge(patient: Patient, *, occurred_at: datetime | None = None) -> Patient:
    """End the care: everything pending is cancelled, open forms are voided."""
    require(patient.clinic_id, Role.CLINIC_ADMIN, Role.SPECIALIST)
    return _move(patient, Patient.Status.DISCHARGED, (Patient.Status.ACTIVE,), occurred_at)


@transaction.atomic
def reactivate(patient: Patient, *, occurred_at: datetime | None = None) -> Patient:
    """Take the patient back, also one marked deceased by mistake. What was cancelled stays cancelled."""
    require(patient.clinic_id, *DESK)
    stored = _fresh(patient)
    if stored.is_active:
        return stored
    was = {"status": stored.status, "deceased": stored.deceased_on is not None}
    stored.status, stored.deceased_on = Patient.Status.ACTIVE, None
    _write(stored, occurred_at)
    audit.record("patient.reactivated", obj=stored, detail={"was": was})
    return stored


@transaction.atomic
def mark_deceased(patient: Patient, *, on: date, occurred_at: datetime | None = None) -> Patient:
    """Note the day of death: everything pending is cancelled, open forms are voided."""
    require(patient.clinic_id)
    stored = _fresh(patient)
    if stored.deceased_on == on:
        return stored
    if on > local_date(stored.clinic, now()):
        raise ClinicError(_("The day of death is in the future."), code="future_date", path="deceased_on")
    if stored.birth_date is not None and on < stored.birth_date:
        raise ClinicError(_("The day of death is before the date of birth."), code="invalid", path="deceased_on")
    stored.deceased_on = on
    _write(stored, occurred_at)
    audit.record("patient.deceased", obj=stored)
    return stored


def _move(patient: Patient, to: str, allowed_from: tuple[str, ...], occurred_at: datetime | None) -> Patient:
    stored = _fresh(patient)
    if stored.status == to:
        return stored
    if stored.status not in allowed_from:
        noun = str(Patient._meta.verbose_name)
        raise ImpossibleTransition(noun, stored.get_status_display(), str(Patient.Status(to).label))
    stored.status = to
    _write(stored, occurred_at)
    audit.record(f"patient.{to}", obj=stored)
    return stored


# --- what rules change ---


def assign_specialist(patient: Patient, *, specialist: Membership | None, source_step_id: int | None = None) -> Patient:
    """Give the patient to a specialist, or to nobody."""
    return update(patient, specialist=specialist, source_step_id=source_step_id)


@transaction.atomic
def add_tag(patient: Patient, *, tag: str, source_step_id: int | None = None) -> Patient:
    """Add a tag unless the patient has it."""
    stored = _fresh(patient)
    return update(stored, tags=[*stored.tags, tag], source_step_id=source_step_id)


@transaction.atomic
def remove_tag(patient: Patient, *, tag: str, source_step_id: int | None = None) -> Patient:
    """Take a tag off the patient, if it is there."""
    stored = _fresh(patient)
    return update(stored, tags=[one for one in stored.tags if one != tag], source_step_id=source_step_id)


# --- addresses ---


@transaction.atomic
def mark_email_bounced(patient: Patient, *, address: str) -> bool:
    """Note that mail to `address` is refused for good; False if the patient has another address by now."""
    return _mark_email(patient, address, Patient.EmailStatus.BOUNCED)


@transaction.atomic
def mark_email_works(patient: Patient, *, address: str) -> bool:
    """Note that mail to `address` was taken; False if the patient has another address by now."""
    return _mark_email(patient, address, Patient.EmailStatus.WORKS)


def _mark_email(patient: Patient, address: str, status: str) -> bool:
    rows = Patient.objects.filter(pk=patient.pk, email=address).exclude(email_status=status)
    changed = bool(rows.update(email_status=status))
    if changed and status == Patient.EmailStatus.BOUNCED:
        audit.record("patient.email_bounced", obj=patient)
    return changed
