"""The action add_to_segment: manual segments only, once a patient, and the chain goes on behind it."""

import pytest

from automations import lifecycle
from automations.engine.problems import RuleInvalid
from automations.models import Event, Rule, Run, Step
from automations.tests.builders import document, move, published, states, titles, visit
from automations.ticking import drain_all
from segments import services
from segments.models import SegmentMembership
from segments.tests.builders import dynamic, manual, member_ids, tagged

pytestmark = pytest.mark.django_db
ADD = {"type": "add_to_segment", "segment": "needs-a-call"}


@pytest.fixture
def calls(clinic):
    """The manual segment "needs-a-call"."""
    return manual(clinic)


def complete(patient):
    """Have a visit of the patient completed, and all done that follows."""
    done = move(visit(patient), status="completed")
    drain_all()
    return done


def test_it_adds_the_patient_and_says_so(clinic, patient, calls):
    published(clinic, "appointment.completed", ADD)
    complete(patient)
    step = Step.objects.get()
    assert (step.state, step.result) == ("done", {"segment": "needs-a-call", "moved": True})
    row = SegmentMembership.objects.get()
    assert (row.patient_id, row.is_member, row.reason, row.source_step_id) == (patient.pk, True, "rule", step.pk)
    assert row.segment_id == calls.pk


def test_whoever_is_in_it_already_stays_as_they_are(clinic, patient, calls):
    services.add_member(calls, patient)
    published(clinic, "appointment.completed", ADD)
    complete(patient)
    assert Step.objects.get().result == {"segment": "needs-a-call", "moved": False}
    assert Event.objects.filter(trigger="segment.entered").count() == 1
    assert SegmentMembership.objects.get().reason == "staff"


def test_the_event_is_caused_by_the_step_and_deeper_by_one(clinic, patient, calls):
    published(clinic, "appointment.completed", ADD)
    published(clinic, "segment.entered", {"type": "jot", "title": "In"}, config={"segment": "needs-a-call"}, name="in")
    complete(patient)
    event = Event.objects.get(trigger="segment.entered")
    assert (event.caused_by.action, event.depth) == ("add_to_segment", 1)
    assert titles() == ["In"]


def test_two_steps_of_one_batch_for_one_segment_move_the_patient_once(clinic, patient, calls):
    published(clinic, "appointment.completed", ADD, name="one")
    published(clinic, "appointment.completed", ADD, name="two")
    complete(patient)
    assert sorted(step.result["moved"] for step in Step.objects.all()) == [False, True]
    assert Event.objects.filter(trigger="segment.entered").count() == 1


def test_a_dynamic_segment_is_refused_when_the_rule_is_saved(clinic):
    dynamic(clinic, tagged("vip"))
    action = {"type": "add_to_segment", "segment": "vips"}
    with pytest.raises(RuleInvalid) as refused:
        lifecycle.create_rule(clinic=clinic, name="No", document=document("appointment.completed", action))
    [problem] = refused.value.errors
    assert (problem.path, problem.code) == ("/actions/0/segment", "unknown_reference")
    assert problem.message == "This clinic has no Manual segment “vips” that may be used."
    assert Rule.objects.count() == 0


def test_a_segment_of_another_clinic_is_refused_when_the_rule_is_saved(clinic, other_clinic):
    manual(other_clinic, "theirs")
    action = {"type": "add_to_segment", "segment": "theirs"}
    with pytest.raises(RuleInvalid, match="no Manual segment"):
        lifecycle.create_rule(clinic=clinic, name="No", document=document("appointment.completed", action))


def test_a_segment_archived_meanwhile_breaks_the_rule(clinic, patient, calls):
    published(clinic, "appointment.completed", ADD)
    services.archive(calls)
    complete(patient)
    assert Run.objects.get().reason == "rule_broken"
    assert member_ids(calls) == set()


def test_a_segment_archived_after_the_step_was_planned_is_the_rules_fault(clinic, patient, calls):
    rule = published(
        clinic, "appointment.completed", {**ADD, "timing": {"mode": "delay", "amount": 1, "unit": "hours"}}
    )
    complete(patient)
    services.archive(calls)
    Step.objects.update(due_at="2020-01-01T00:00Z")
    drain_all()
    assert states(rule) == [("a1", "failed", "rule_broken")]
    assert member_ids(calls) == set()
