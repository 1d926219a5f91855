"""What is done to segments and to their members.

Conditions that are not well asked raise `automations.engine.problems.RuleInvalid` with every problem and its place;
everything else that is refused is a ClinicError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic
from accounts.permissions import Role, require
from accounts.validation import check
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError, StaleRecord
from clinic.slugs import check_slug, with_letter
from patients.models import Patient
from patients.selectors import active
from segments import building, definition, memberships
from segments.memberships import Move, Place
from segments.models import Segment, SegmentMembership

Reason = SegmentMembership.Reason
SLUG_MAX = 80


@transaction.atomic
def create(
    *,
    clinic: Clinic,
    name: str,
    kind: str = Segment.Kind.DYNAMIC,
    slug: str = "",
    description: str = "",
    conditions: Any = None,
) -> Segment:
    """Define a segment. Who is in it from the start is told to nobody.

    Without conditions a dynamic one holds every active patient.
    """
    require(clinic, Role.CLINIC_ADMIN)
    segment = Segment(clinic=clinic, name=name.strip(), kind=kind, description=description)
    segment.slug = _free_slug(clinic, slug, name)
    _define(segment, conditions)
    check(segment)
    segment.save()
    audit.record("segment.created", obj=segment)
    return _built(segment)


def _free_slug(clinic: Clinic, slug: str, name: str) -> str:
    wanted = slug or with_letter(slugify(name)[: SLUG_MAX - 20], "segment")
    check_slug(slug, SLUG_MAX)
    taken = set(Segment.objects.for_clinic(clinic).filter(slug__startswith=wanted).values_list("slug", flat=True))
    if wanted not in taken:
        return wanted
    if slug:
        raise ClinicError(_("Another segment of this clinic has the slug “%s”.") % slug, code="taken", path="slug")
    return next(free for n in range(2, 10_000) if (free := f"{wanted}-{n}") not in taken)


def _define(segment: Segment, conditions: Any) -> None:
    """Set the conditions. Raises RuleInvalid, or ClinicError for a manual segment that is given some."""
    if segment.is_dynamic:
        group = definition.check(segment.clinic, definition.EVERYONE if conditions is None else conditions)
        segment.conditions = definition.to_json(group)
    elif conditions:
        message = _("A manual segment has no conditions: people and rules add and remove its patients.")
        raise ClinicError(message, code="manual_segment", path="conditions")


def _built(segment: Segment) -> Segment:
    """Build a small clinic's segment here and now, so that whatever happens next is told."""
    if segment.is_dynamic and segment.archived_at is None:
        some = active(segment.clinic_id).order_by()[: building.SMALL_CLINIC + 1]
        if some.count() <= building.SMALL_CLINIC:
            building.build_at_once(segment)
            segment.refresh_from_db(fields=["built_version", "next_sweep_at", "lease_until"])
        else:
            transaction.on_commit(building.wake_sweep)
    return segment


def _locked(segment: Segment) -> Segment:
    rows = Segment.objects.select_related("clinic").select_for_update(no_key=True, of=("self",))
    return rows.get(pk=segment.pk)


@transaction.atomic
def update(
    segment: Segment,
    *,
    name: str | None = None,
    description: str | None = None,
    conditions: Any = None,
    version: int | None = None,
) -> Segment:
    """Change the name, or define the segment anew, which moves patients in and out and tells nobody.

    `version` is the definition that the editor read: raises StaleRecord if there is a newer one.
    """
    require(segment.clinic_id, Role.CLINIC_ADMIN)
    stored = _locked(segment)
    if version is not None and version != stored.version:
        raise StaleRecord(str(Segment._meta.verbose_name))
    before = (stored.name, stored.description, stored.conditions)
    stored.name = stored.name if name is None else name.strip()
    stored.description = stored.description if description is None else description
    if conditions is not None:
        _define(stored, conditions)
    if (stored.name, stored.description, stored.conditions) == before and not stored.broken:
        return stored
    check(stored)
    redefined = stored.conditions != before[2] or bool(stored.broken)
    if redefined:
        stored.version, stored.broken, stored.lease_until = stored.version + 1, "", None
    stored.save()
    audit.record("segment.updated", obj=stored, detail={"version": stored.version})
    return _built(stored) if redefined else stored


@transaction.atomic
def archive(segment: Segment) -> Segment:
    """Put a segment away: it changes no more, and rules that name it are broken."""
    require(segment.clinic_id, Role.CLINIC_ADMIN)
    stored = _locked(segment)
    if stored.archived_at is None:
        stored.archived_at, stored.lease_until = now(), None
        stored.save()
        audit.record("segment.archived", obj=stored)
    return stored


@transaction.atomic
def restore(segment: Segment) -> Segment:
    """Take an archived segment back; what has changed meanwhile is told to nobody."""
    require(segment.clinic_id, Role.CLINIC_ADMIN)
    stored = _locked(segment)
    if stored.archived_at is None:
        return stored
    stored.archived_at, stored.version = None, stored.version + 1
    stored.save()
    audit.record("segment.restored", obj=stored)
    return _built(stored)


# --- the members of a manual segment ---


def add_member(segment: Segment, patient: Patient) -> bool:
    """Put a patient into a manual segment; False if they are in it already."""
    return _by_hand(segment, patient, enters=True)


def remove_member(segment: Segment, patient: Patient) -> bool:
    """Take a patient out of a manual segment; False if they are not in it."""
    return _by_hand(segment, patient, enters=False)


@transaction.atomic
def _by_hand(segment: Segment, patient: Patient, *, enters: bool) -> bool:
    require(segment.clinic_id)
    _refuse_unless_manual(segment)
    if patient.clinic_id != segment.clinic_id:
        raise ClinicError(_("There is no such patient at this clinic."), code="not_found", path="patient")
    lock_patients([patient.pk])
    one = Move(patient_id=patient.pk, enters=enters, reason=Reason.STAFF)
    moved = bool(memberships.move(place_of(segment), [one], now()))
    if moved:
        row = SegmentMembership.objects.get(segment=segment, patient=patient)
        audit.record("segment.member_added" if enters else "segment.member_removed", obj=row)
    return moved


def _refuse_unless_manual(segment: Segment) -> None:
    if segment.is_dynamic:
        message = _("“%(name)s” is dynamic: its conditions decide who is in it.") % {"name": segment.name}
        raise ClinicError(message, code="dynamic_segment", path="segment")
    if segment.archived_at is not None:
        message = _("“%(name)s” is archived.") % {"name": segment.name}
        raise ClinicError(message, code="archived", path="segment")


def place_of(segment: Segment) -> Place:
    """Return where moves into and out of a segment are written."""
    return Place(segment.pk, segment.clinic_id, segment.version)


@transaction.atomic
def move_by_steps(segment: Segment, steps: Mapping[int, int], *, enters: bool) -> set[int]:
    """Do what rules' steps say ({patient: step}, the patients locked) and return the patients who really moved."""
    _refuse_unless_manual(segment)
    there = _members(segment, steps)
    moving = {patient: step for patient, step in steps.items() if (patient in there) != enters}
    memberships.move(
        place_of(segment),
        [
            Move(patient_id=patient, enters=enters, reason=Reason.RULE, source_step_id=step)
            for patient, step in moving.items()
        ],
        now(),
    )
    return set(moving)


def _members(segment: Segment, patients: Iterable[int]) -> set[int]:
    rows = SegmentMembership.objects.filter(segment=segment, patient_id__in=list(patients), is_member=True)
    return set(rows.values_list("patient_id", flat=True))
