"""What people have to do when a message cannot reach somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext_lazy

from accounts.permissions import Role
from clinic.db import lock_patients
from messaging.models import Delivery
from patients.categories import EXPECTED, Channel
from patients.models import Patient
from patients.services import mark_email_bounced, mark_email_works
from worklist.models import Task

ABOUT = "email_address"
ABOUT_CONSENT = "message_consent"


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
    rows = rows.filter(channel=Channel.EMAIL)
    untried = rows.filter(patient__email_status=Patient.EmailStatus.UNTRIED)
    for delivery in untried.select_related("patient"):
        mark_email_works(delivery.patient, address=delivery.address)


def _is_for_the_patient(delivery: Delivery) -> bool:
    return delivery.recipient_id is None and delivery.contact_id is None


def after_no_address(delivery: Delivery) -> None:
    """Have the front desk reach the person otherwise."""
    _ask_front_desk(delivery)


def after_no_consent(delivery: Delivery) -> None:
    """Have the front desk reach a person who wants no messages that care depends on."""
    if delivery.category in EXPECTED:
        ask_to_reach([delivery.patient])


def _ask_front_desk(delivery: Delivery) -> None:
    if delivery.category in EXPECTED:
        ask_for_address({delivery.clinic_id: delivery.clinic}, [delivery.patient])


def ask_for_address(clinics: Mapping[int, Any], patients: Iterable[Any]) -> int:
    """Create one open task a patient and return how many: a second message that cannot arrive asks for nothing new.

    The caller holds the patients' locks. `clinics` by id.
    """
    title = gettext_lazy("Ask for an email address that works: %(patient)s")
    details = gettext_lazy("A message could not be delivered. Reach the person otherwise, and correct the address.")
    return _one_task_each(patients, clinics, ABOUT, title, details)


def ask_to_reach(patients: Iterable[Any]) -> int:
    """Have the front desk reach patients who want no such messages, one open task each; return how many are new.

    The caller holds the patients' locks; each is loaded with its clinic.
    """
    patients = list(patients)
    title = gettext_lazy("Reach the person otherwise: %(patient)s")
    details = gettext_lazy(
        "A message that care depends on was not sent, because the person does not want such messages."
    )
    clinics = {patient.clinic_id: patient.clinic for patient in patients}
    return _one_task_each(patients, clinics, ABOUT_CONSENT, title, details)


def _one_task_each(patients: Iterable[Any], clinics: Mapping[int, Any], about: str, title: Any, details: Any) -> int:
    wanted = {patient.pk: patient for patient in patients}
    known = Task.objects.filter(about_type=about, about_id__in=wanted, status=Task.Status.OPEN)
    for pk in known.values_list("about_id", flat=True):
        wanted.pop(pk, None)
    Task.objects.bulk_create(
        [_task(patient, clinics[patient.clinic_id], about, title, details) for patient in wanted.values()]
    )
    return len(wanted)


def _task(patient: Any, clinic: Any, about: str, title: Any, details: Any) -> Task:
    with translation.override(clinic.language):
        return Task(
            clinic_id=patient.clinic_id,
            patient=patient,
            title=(str(title) % {"patient": patient})[:200],
            details=str(details),
            role=Role.FRONT_DESK,
            about_type=about,
            about_id=patient.pk,
        )
