"""Why a patient is, or is not, in a segment: its conditions with the values that they meet now. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from accounts import audit
from accounts.permissions import require
from automations.asof import condition_asks
from automations.engine.conditions import evaluate
from automations.engine.problems import RuleInvalid
from automations.engine.values import EventFacts, Group, Verdict
from automations.facts import read_patients
from automations.naming import Names
from clinic.clock import now
from patients.models import Patient
from segments import definition
from segments.models import Segment, SegmentMembership
from segments.words import names_for


@dataclass(frozen=True, slots=True)
class Why:
    """What the segment asks of the patient and what it met; `membership` is what is stored, if anything ever was.

    Without a `verdict` nothing was asked: the segment is manual, or `problem` says why it cannot be.
    """

    segment: Segment
    patient: Patient
    membership: SegmentMembership | None
    verdict: Verdict | None
    names: Names
    problem: str = ""

    @property
    def is_member(self) -> bool:
        """Tell whether the patient is in it now."""
        return self.membership is not None and self.membership.is_member

    @property
    def should(self) -> bool | None:
        """Tell whether the conditions hold for a patient in care; None if nothing was asked."""
        return None if self.verdict is None else self.verdict.result is True and self.patient.is_active

    @property
    def settling(self) -> bool:
        """Tell whether what is stored is about to follow what holds."""
        return self.should is not None and self.should != self.is_member and self.segment.archived_at is None


def why(segment: Segment, patient: Patient) -> Why:
    """Ask the segment's conditions of one of its clinic's patients as of now; that it was asked is recorded.

    `segment` and `patient` come with their clinic.
    """
    require(segment.clinic_id)
    audit.record("segment.asked", obj=segment, patient_id=patient.pk)
    rows = SegmentMembership.objects.filter(segment=segment, patient=patient)
    membership: SegmentMembership | None = rows.select_related("source_step__rule").first()
    verdict, problem, group = None, "", Group()
    if segment.is_dynamic:
        try:
            group = definition.parse(segment.conditions)
            verdict = _verdict(group, segment, patient)
        except RuleInvalid:
            problem = gettext("What it asks cannot be answered any more; its editor says why.")
    names = names_for([group], segment.clinic_id, [verdict] if verdict else [])
    return Why(segment, patient, membership, verdict, names, problem)


def _verdict(group: Group, segment: Segment, patient: Patient) -> Verdict:
    moment = now()
    asks = condition_asks(group)
    facts = read_patients([patient.pk], asks, moment).get(patient.pk, {})
    return evaluate(group, EventFacts("", moment, ZoneInfo(segment.clinic.time_zone), facts))
