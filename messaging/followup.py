"""What people have to do when a message cannot reach somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.permissions import Role
from clinic.db import lock_patients
from messaging.models import Delivery
from messaging.policy import SENDS_TWICE
from patients.models import Patient
from patients.services import mark_email_bounced, mark_email_works
from worklist.models import Task

ABOUT = "email_address"


def lock_patient_of(delivery_id: int) -> None:
    """Take the patient's lock before the delivery's, as everybody does."""
    lock_patients(Delivery.objects.filter(pk=delivery_id).values_list("patient_id", flat=True))


def after_refusal(delivery: Delivery, *, bounced: bool) -> None:
    """Mark an address that does not exist; have the front desk reach the person otherwise."""
    if bounced and _is_for_the_patient(delivery):
        mark_email_bounced(delivery.patient, address=delivery.address)
    _ask_front_desk(delivery)


def after_sent(delivery_id: int) -> None:
    """Note that the patient's address takes mail, the first time it does; the caller holds no lock."""
    rows = Delivery.objects.filter(pk=delivery_id, recipient=None, contact=None, state=Delivery.State.SENT)
    untried = rows.filter(patient__email_status=Patient.EmailStatus.UNTRIED)
    for delivery in untried.select_related("patient"):
        mark_email_works(delivery.patient, address=delivery.address)


def _is_for_the_patient(delivery: Delivery) -> bool:
    return delivery.recipient_id is None and delivery.contact_id is None


def after_no_address(delivery: Delivery) -> None:
    """Have the front desk reach the person otherwise."""
    _ask_front_desk(delivery)


def _ask_front_desk(delivery: Delivery) -> None:
    if delivery.category in SENDS_TWICE:
        ask_for_address({delivery.clinic_id: delivery.clinic}, [delivery.patient])


def ask_for_address(clinics: Mapping[int, Any], patients: Iterable[Any]) -> int:
    """Create one open task a patient and return how many: a second message that cannot arrive asks for nothing new.

    The caller holds the patients' locks. `clinics` by id.
    """
    wanted = {patient.pk: patient for patient in patients}
    known = Task.objects.filter(about_type=ABOUT, about_id__in=wanted, status=Task.Status.OPEN)
    for pk in known.values_list("about_id", flat=True):
        wanted.pop(pk, None)
    Task.objects.bulk_create([_task(patient, clinics[patient.clinic_id]) for patient in wanted.values()])
    return len(wanted)


def _task(patient: Any, clinic: Any) -> Task:
    with translation.override(clinic.language):
        return Task(
            clinic_id=patient.clinic_id,
            patient=patient,
            title=(_("Ask for an email address that works: %(patient)s") % {"patient": patient})[:200],
            details=_("A message could not be delivered. Reach the person otherwise, and correct the address."),
            role=Role.FRONT_DESK,
            about_type=ABOUT,
            about_id=patient.pk,
        )
