"""Who reads what a step says, found for a batch of steps in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from automations.engine.values import StepContext
from messaging.automation.fact_variables import facts_for
from messaging.liquid import TextError, parse
from messaging.recipients import a_contact, a_member, the_patient
from messaging.variables import variables
from patients.models import Contact, Patient
from patients.selectors import message_recipients_for
from patients.staffing import Recipients, recipients_for

TO = (
    ("patient", _("the patient")),
    ("specialist", _("the specialist")),
    ("clinic_admins", _("the clinic admins")),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """The patient, a contact of theirs, or a person of the staff, by id; and what is known of their address."""

    person: Patient | Contact | Membership
    has_address: bool
    contact_id: int | None = None
    recipient_id: int | None = None


@dataclass(frozen=True, slots=True)
class Readers:
    """The readers of each step, and what had to be said about the choice."""

    by_step: Mapping[Any, Sequence[Reader]]
    notes: Mapping[Any, str]

    def of(self, step: StepContext) -> Sequence[Reader]:
        """Return the readers of one step; there may be none."""
        return self.by_step[step.id]

    def note(self, step: StepContext) -> dict[str, str]:
        """Return, for the step's result, the code of why others read it than the rule says."""
        return {"note": self.notes[step.id]} if self.notes.get(step.id) else {}


def patients(steps: Iterable[StepContext]) -> dict[int, Patient]:
    """Return the patients of the steps by id, each with its clinic."""
    rows = Patient.objects.select_related("clinic").in_bulk({step.patient_id for step in steps})
    return dict(rows)


def find(steps: Sequence[StepContext]) -> Readers:
    """Find the readers of each step: patients (or who reads for them) and people of the staff."""
    to_patients = [step for step in steps if step.role == "patient"]
    to_staff = [step for step in steps if step.role != "patient"]
    found: dict[Any, Sequence[Reader]] = {}
    notes: dict[Any, str] = {}
    if to_patients:
        found.update(_of_patients(to_patients))
    people: Mapping[Any, Recipients] = recipients_for(to_staff) if to_staff else {}
    for step in to_staff:
        found[step.id] = [Reader(one, bool(one.user.email), recipient_id=one.pk) for one in people[step.id].members]
        notes[step.id] = people[step.id].note
    return Readers(found, notes)


def _of_patients(steps: Sequence[StepContext]) -> dict[Any, list[Reader]]:
    rows = patients(steps)
    people = message_recipients_for(rows.values(), steps[0].now)
    return {step.id: [_reader(one, rows[step.patient_id]) for one in people[step.patient_id]] for step in steps}


def _reader(person: Patient | Contact, patient: Patient) -> Reader:
    if isinstance(person, Contact):
        address = a_contact(person, patient, patient.clinic).address
        return Reader(person, bool(address), contact_id=person.pk)
    return Reader(person, bool(the_patient(person, patient.clinic).address))


def described(reader: Reader, patient: Patient) -> Any:
    """Return the messaging.recipients.Recipient of a reader, for putting text into their words."""
    if isinstance(reader.person, Membership):
        return a_member(reader.person, patient.clinic)
    if isinstance(reader.person, Contact):
        return a_contact(reader.person, patient, patient.clinic)
    return the_patient(patient, patient.clinic)


def kept_facts(step: StepContext, bodies: Iterable[Any]) -> dict[str, Any]:
    """Return the facts that a text needs and that only this event knows; a text that is wrong shows when it is made."""
    names: set[str] = set()
    for body in bodies:
        try:
            names |= parse(body.subject).names | parse(body.text).names
        except TextError:
            continue
    return facts_for(variables.facts_among(names), step.facts)
