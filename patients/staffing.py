"""Who of the staff a step is for: a role becomes people when the step runs, never before.

The specialist is the subject's (an appointment's, a plan's), else that of the plan the patient follows, else the
patient's. Apps that stand above register how to find theirs in their AppConfig.ready(), by kind of subject:
`register_specialist_source("appointment", callable)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from patients.models import Patient

SpecialistSource = Callable[[Sequence[int]], Mapping[int, int | None]]
_sources: dict[str, SpecialistSource] = {}
PATIENT = "patient"

NOTES = {
    "no_specialist": _("There is no specialist, so this went to the clinic admins."),
    "specialist_inactive": _("The specialist no longer works here, so this went to the clinic admins."),
    "member_inactive": _("The person it was meant for no longer works here, so this went to the clinic admins."),
}
"""Why a step went to the clinic admins instead, by code."""

ROLES = {
    "specialist": Membership.Role.SPECIALIST,
    "clinic_admins": Membership.Role.CLINIC_ADMIN,
    "front_desk": Membership.Role.FRONT_DESK,
}
"""The words a rule uses for a role, and the role."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The people of a step (each once), and the code of what had to be said about the choice."""

    members: tuple[Membership, ...]
    note: str = ""


def register_specialist_source(subject_type: str, source: SpecialistSource) -> None:
    """Say how to find the specialists of subjects of this kind: ids in, {id: membership id or None} out.

    That of "patient" is asked about every patient whose subject names nobody, before the patient's own specialist.
    """
    if subject_type in _sources and _sources[subject_type] is not source:
        raise ValueError(f"The specialist of {subject_type!r} is found by {_sources[subject_type]!r} already.")
    _sources[subject_type] = source


def specialists_for(steps: Iterable[Any]) -> dict[Any, tuple[Membership | None, str]]:
    """Find the specialist of each step, by step id, with a code of NOTES if there is none to take it.

    `steps` need id, patient_id, subject_type and subject_id. Reads a fixed number of rows' queries whatever the batch.
    """
    steps = list(steps)
    chosen = _specialist_ids(steps)
    active = _active(Q(pk__in={pk for pk in chosen.values() if pk}))
    members = {member.pk: member for member in active}
    return {step.id: _decide(chosen[step.id], members) for step in steps}


def _specialist_ids(steps: Sequence[Any]) -> dict[Any, int | None]:
    found: dict[Any, int | None] = {}
    for kind, source in _sources.items():
        mine = [step for step in steps if step.subject_type == kind and kind != PATIENT]
        if mine:
            by_subject = source(sorted({step.subject_id for step in mine}))
            found.update({step.id: by_subject.get(step.subject_id) for step in mine})
    own = _of_patients({step.patient_id for step in steps if not found.get(step.id)})
    return {step.id: found.get(step.id) or own.get(step.patient_id) for step in steps}


def _of_patients(ids: set[int]) -> dict[int, int | None]:
    if not ids:
        return {}
    own: dict[int, int | None] = dict(Patient.objects.filter(pk__in=ids).values_list("pk", "specialist_id"))
    if PATIENT in _sources:
        own |= {pk: member for pk, member in _sources[PATIENT](sorted(ids)).items() if member}
    return own


def _decide(membership_id: int | None, active: Mapping[int, Membership]) -> tuple[Membership | None, str]:
    if membership_id is None:
        return None, "no_specialist"
    if membership_id not in active:
        return None, "specialist_inactive"
    return active[membership_id], ""


def recipients_for(steps: Iterable[Any]) -> dict[Any, Recipients]:
    """Find the people of each step's role, by step id: a role's members, or one member by slug.

    `steps` also need clinic_id and role. Nobody left: the clinic admins, with the reason in `note`; the admins
    themselves may be none.
    """
    steps = list(steps)
    specialists = specialists_for(step for step in steps if step.role == "specialist")
    staff = _staff_by_word({step.clinic_id for step in steps}, {step.role for step in steps})
    return {step.id: _recipients(step, specialists.get(step.id), staff) for step in steps}


def _recipients(
    step: Any, specialist: tuple[Membership | None, str] | None, staff: Mapping[tuple[int, str], list[Membership]]
) -> Recipients:
    admins = _one_each(staff.get((step.clinic_id, "clinic_admins"), []))
    if specialist is not None:
        member, note = specialist
        return Recipients((member,)) if member else Recipients(admins, note)
    members = _one_each(staff.get((step.clinic_id, step.role), []))
    if members or step.role in ROLES:
        return Recipients(members)
    return Recipients(admins, "member_inactive")


def _one_each(members: Iterable[Membership]) -> tuple[Membership, ...]:
    return tuple({member.user_id: member for member in reversed(list(members))}.values())[::-1]


def _staff_by_word(clinics: set[int], words: set[str]) -> dict[tuple[int, str], list[Membership]]:
    roles = {word: role for word, role in ROLES.items() if word in words and word != "specialist"}
    roles["clinic_admins"] = Membership.Role.CLINIC_ADMIN
    slugs = words - set(ROLES)
    found: dict[tuple[int, str], list[Membership]] = {}
    for member in _active(Q(clinic_id__in=clinics) & (Q(role__in=roles.values()) | Q(slug__in=slugs))):
        for word, role in roles.items():
            if member.role == role:
                found.setdefault((member.clinic_id, word), []).append(member)
        if member.slug in slugs:
            found.setdefault((member.clinic_id, member.slug), []).append(member)
    return found


def _active(which: Q) -> Iterable[Membership]:
    rows = Membership.objects.filter(which, is_active=True, user__is_active=True)
    return rows.select_related("user").order_by("pk")
