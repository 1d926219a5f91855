"""The action stop_rule: what another rule still plans for the patient stops, and nothing else."""

import pytest

from automations import lifecycle, ticking
from automations.models import Step
from automations.tests.builders import Jot, move, published, states, titles, visit
from patients.models import Patient

pytestmark = pytest.mark.django_db
LATER = {"timing": {"mode": "delay", "amount": 3, "unit": "days"}}
SOON = {"type": "jot", "title": "Soon"}


@pytest.fixture
def other(clinic):
    """Another rule: it jots at once and again in three days, when a visit is confirmed."""
    return published(clinic, "appointment.confirmed", SOON, {"type": "jot", "title": "Later", **LATER}, name="Other")


@pytest.fixture
def stopper(clinic, other):
    """A rule that stops the other when a visit is completed."""
    return published(clinic, "appointment.completed", {"type": "stop_rule", "rule": other.slug}, name="Stopper")


def confirmed(patient):
    booked = move(visit(patient), status="confirmed")
    ticking.drain_engine()
    return booked


def test_the_other_rules_open_steps_of_the_patient_are_stopped_and_its_messages_withdrawn(stopper, other, patient):
    booked = confirmed(patient)
    Jot.withdrawn.clear()
    move(booked, status="completed")
    ticking.drain_engine()
    assert states(other) == [("a1", "done", ""), ("a2", "cancelled", "stopped")]
    assert Jot.withdrawn == [Step.objects.get(rule=other, action_id="a1").pk]
    assert Step.objects.get(rule=stopper).result == {"stopped": 1}


def test_of_all_the_patients_visits_and_of_no_other_patient(stopper, other, patient):
    neighbour = Patient.objects.create(clinic=patient.clinic, given_name="Nora")
    confirmed(neighbour)
    confirmed(patient)
    move(confirmed(patient), status="completed")
    ticking.drain_engine()
    open_ = Step.objects.filter(rule=other, state="pending")
    assert [step.patient for step in open_] == [neighbour]


def test_the_other_rule_goes_on_with_what_happens_from_now_on(stopper, other, patient):
    move(confirmed(patient), status="completed")
    ticking.drain_engine()
    confirmed(patient)
    assert states(other)[-1] == ("a2", "pending", "")


def test_a_step_that_is_stopped_in_the_very_batch_in_which_it_is_due_does_not_act(clinic, patient):
    rule = published(clinic, "appointment.completed", name="Self")
    document = {
        "trigger_event": "appointment.completed",
        "actions": [SOON, {"type": "stop_rule", "rule": rule.slug}, {"type": "jot", "title": "Never"}],
    }
    lifecycle.edit_draft(rule, document=document)
    lifecycle.publish(rule)
    move(visit(patient), status="completed")
    ticking.drain_engine()
    assert titles() == ["Soon"]
    assert [state for _, state, _ in states(rule)] == ["done", "done", "cancelled"]


def test_a_rule_that_is_archived_is_no_rule_to_stop(clinic, stopper, other, patient):
    lifecycle.archive(other)
    move(visit(patient), status="completed")
    ticking.drain_engine()
    run = stopper.runs.get()
    assert (run.outcome, run.reason) == ("suppressed", "rule_broken")
    assert "gone or archived" in run.reason_text


def test_a_rule_of_another_clinic_with_the_same_slug_is_another_rule(stopper, other, other_clinic, stranger_patient):
    published(other_clinic, "appointment.confirmed", {"type": "jot", "title": "Theirs", **LATER}, name="Other")
    confirmed(stranger_patient)
    published(other_clinic, "appointment.completed", {"type": "stop_rule", "rule": "other"}, name="Stopper")
    move(confirmed(stranger_patient), status="completed")
    ticking.drain_engine()
    assert set(Step.objects.filter(clinic=other_clinic, action="jot").values_list("state", flat=True)) == {"cancelled"}
