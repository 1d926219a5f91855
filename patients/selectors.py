"""Questions about patients: their age, and who reads what is sent to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.selectors import local_date
from clinic.errors import ClinicError
from clinic.text import fold
from patients.models import Contact, Patient


def age(birth_date: date | None, on: date) -> int | None:
    """Return whole calendar years on a day; born on 29 February, one ages on 1 March in a common year.

    None for an unknown date of birth and for one that is still ahead.
    """
    if birth_date is None or birth_date > on:
        return None
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def age_of(patient: Patient, now: datetime) -> int | None:
    """Return the patient's age on the clinic's local date at `now` (aware)."""
    return age(patient.birth_date, local_date(patient.clinic, now))


def under_age(patient: Patient, now: datetime) -> bool:
    """Tell whether others consent and get messages for the patient. An unknown age is an adult's."""
    years = age_of(patient, now)
    return years is not None and years < patient.clinic.age_of_consent


def message_recipients(patient: Patient, now: datetime) -> list[Patient | Contact]:
    """Return who reads messages to the patient: the patient, or those contacts of a minor who get messages.

    May be empty for a minor. Whether each has an address that works is the sender's question.
    """
    return message_recipients_for([patient], now)[patient.pk]


def message_recipients_for(patients: Iterable[Patient], now: datetime) -> dict[int, list[Patient | Contact]]:
    """Answer `message_recipients` for many, by patient id, in one query (load the patients with their clinic)."""
    patients = list(patients)
    minors = [patient for patient in patients if under_age(patient, now)]
    contacts: dict[int, list[Patient | Contact]] = {patient.pk: [] for patient in minors}
    if minors:
        rows = Contact.objects.filter(patient_id__in=list(contacts), gets_messages=True).order_by("pk")
        for contact in rows:
            contacts[contact.patient_id].append(contact)
    return {patient.pk: contacts.get(patient.pk, [patient]) for patient in patients}


def may_sign_for(patient: Patient, now: datetime) -> list[Contact]:
    """Return the contacts who may sign forms for the patient; for an adult they sign beside the patient."""
    return list(Contact.objects.filter(patient=patient, may_sign=True).order_by("pk"))


def find(clinic: Any, *, external_id: str) -> Patient:
    """Return the clinic's patient of that external id. Raises ClinicError."""
    patient = Patient.objects.for_clinic(clinic).filter(external_id=external_id).first()
    if patient is None:
        raise ClinicError(f"There is no patient “{external_id}” here.", code="not_found", path="external_id")
    return patient


WORDS_MAX = 6
ID_DIGITS = 18


def search(rows: QuerySet[Patient], text: str) -> QuerySet[Patient]:
    """Keep the patients whose names or external id have every word of the text, or whose phone or id these digits are.

    Case and accents do not matter. A word of one or two letters must begin a name; nothing asked keeps everybody.
    """
    words = fold(text.replace("\0", "")).split()[:WORDS_MAX]
    if not words:
        return rows
    asked = Q()
    for word in words:
        asked &= Q(searched__contains=word if len(word) > 2 else f" {word}")
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    if digits and not any(char.isalpha() for char in text):
        national = digits.lstrip("0")
        if len(national) > 2:
            asked |= Q(searched__contains=national)
        if digits == text.strip() and len(digits) <= ID_DIGITS:
            asked |= Q(pk=int(digits))
    return rows.filter(asked)


def lookalikes(
    clinic: Any, *, given_name: str, family_name: str = "", birth_date: date | None = None, email: str = ""
) -> list[Patient]:
    """Return the patients of a clinic who may be this person: the same name and date of birth, or the same email."""
    rows = Patient.objects.for_clinic(clinic)
    name = _words_of(given_name, family_name)
    same = [one for one in rows.filter(birth_date=birth_date) if _is_named(one, name)] if birth_date else []
    if email:
        same += rows.filter(email__iexact=email.strip()).exclude(pk__in=[one.pk for one in same])
    return sorted(same, key=lambda one: one.pk)


def _words_of(*names: str) -> list[str]:
    return sorted(fold(" ".join(names)).split())


def _is_named(patient: Patient, name: list[str]) -> bool:
    return _words_of(patient.given_name, patient.family_name) == name


def active(clinic: Any) -> QuerySet[Patient]:
    """Return the patients for whom automations may act."""
    rows = Patient.objects.for_clinic(clinic)
    return rows.filter(status=Patient.Status.ACTIVE, deceased_on__isnull=True)
