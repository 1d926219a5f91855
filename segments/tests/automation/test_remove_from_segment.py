"""The action remove_from_segment, and that two rules that answer each other come to an end."""

import pytest

from automations.models import Event, Run, Step
from automations.suppression import MAX_DEPTH
from automations.tests.builders import move, published, visit
from automations.ticking import drain_all
from segments import services
from segments.models import SegmentMembership
from segments.tests.builders import manual, member_ids

pytestmark = pytest.mark.django_db
ADD = {"type": "add_to_segment", "segment": "needs-a-call"}
REMOVE = {"type": "remove_from_segment", "segment": "needs-a-call"}


@pytest.fixture
def calls(clinic):
    """The manual segment "needs-a-call"."""
    return manual(clinic)


def test_it_removes_the_patient_and_the_row_says_who_did(clinic, patient, calls):
    services.add_member(calls, patient)
    published(clinic, "appointment.completed", REMOVE)
    move(visit(patient), status="completed")
    drain_all()
    step = Step.objects.get()
    assert step.result == {"segment": "needs-a-call", "moved": True}
    row = SegmentMembership.objects.get()
    assert (row.is_member, row.reason, row.source_step_id) == (False, "rule", step.pk)
    assert Event.objects.get(trigger="segment.exited").caused_by_id == step.pk


def test_whoever_is_not_in_it_is_left_alone(clinic, patient, calls):
    published(clinic, "appointment.completed", REMOVE)
    move(visit(patient), status="completed")
    drain_all()
    assert Step.objects.get().result == {"segment": "needs-a-call", "moved": False}
    assert SegmentMembership.objects.count() == 0


def test_two_rules_that_answer_each_other_stop_at_the_limit_of_depth(clinic, patient, calls):
    published(clinic, "segment.entered", REMOVE, config={"segment": calls.slug}, settings={"stop_on": []}, name="out")
    published(clinic, "segment.exited", ADD, config={"segment": calls.slug}, settings={"stop_on": []}, name="in")
    services.add_member(calls, patient)
    drain_all()
    depths = list(Event.objects.filter(subject_type="segment").order_by("pk").values_list("depth", flat=True))
    assert depths == list(range(MAX_DEPTH + 1))
    last = Run.objects.order_by("pk").last()
    assert (last.outcome, last.reason) == ("suppressed", "depth")
    assert member_ids(calls) == {patient.pk}
