"""What the API asks of the life-cycle: publishing while creating, stale publishing, the choice for the overdue."""

from __future__ import annotations

import pytest

from automations import interventions, lifecycle, ticking
from automations.drafts import draft_texts, loaded, parse_draft
from automations.models import Rule, RuleVersion, Step
from automations.tests.builders import document, move, published, states, titles, visit
from clinic.errors import ClinicError, ImpossibleTransition, StaleRecord

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_rule_made_on_is_published_at_once(clinic):
    rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=document(), mode="on")
    assert (rule.mode, rule.published.number) == ("on", 1)


@pytest.mark.parametrize("mode", ["paused", "archived", "quarantined", "", "ON"])
def test_a_rule_is_not_made_in_a_mode_that_is_reached_otherwise(clinic, mode):
    with pytest.raises(ClinicError) as refused:
        lifecycle.create_rule(clinic=clinic, name="Rule", document=document(), mode=mode)
    assert (refused.value.path, refused.value.code) == ("mode", "invalid_choice")
    assert not Rule.objects.exists()


def test_a_draft_that_moved_on_is_not_published_by_who_read_the_old_one(clinic):
    rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=document())
    lifecycle.edit_draft(rule, name="Other")
    with pytest.raises(StaleRecord):
        lifecycle.publish(rule, edits=0)
    assert not RuleVersion.objects.exists()
    assert lifecycle.publish(rule, edits=1).published.number == 1


def test_resuming_asks_what_becomes_of_the_overdue_only_where_there_are_some(clinic, patient):
    rule = published(clinic)
    lifecycle.pause(rule)
    assert lifecycle.resume(rule, overdue=None).mode == "on"
    lifecycle.pause(rule)
    move(visit(patient), status="completed")
    ticking.drain_all()
    with pytest.raises(ClinicError) as refused:
        lifecycle.resume(rule, overdue=None)
    assert (refused.value.path, refused.value.code) == ("overdue", "required")
    rule.refresh_from_db()
    assert (rule.mode, states(rule), titles()) == ("paused", [("a1", "held", "paused")], [])


def test_a_rule_does_not_go_on_in_a_mode_that_is_none(clinic):
    rule = published(clinic)
    lifecycle.pause(rule)
    with pytest.raises(ClinicError) as refused:
        lifecycle.resume(rule, mode="draft")
    assert refused.value.path == "mode"


@pytest.mark.parametrize(
    ("verb", "state"), [("skip", "skipped"), ("hold", "held"), ("release", "pending"), ("retry", "pending")]
)
def test_asking_a_step_for_the_state_it_is_in_does_nothing(clinic, patient, verb, state):
    rule = published(clinic)
    move(visit(patient), status="completed")
    ticking.drain_all()
    step = Step.objects.get(rule=rule)
    Step.objects.filter(pk=step.pk).update(state=state, reason="as it was")
    assert getattr(interventions, verb)(step).state == state
    step.refresh_from_db()
    assert (step.state, step.reason) == (state, "as it was")


@pytest.mark.parametrize("verb", ["skip", "hold", "release", "retry", "run_now"])
def test_a_done_step_stays_done(clinic, patient, verb):
    rule = published(clinic)
    move(visit(patient), status="completed")
    ticking.drain_all()
    with pytest.raises(ImpossibleTransition):
        getattr(interventions, verb)(Step.objects.get(rule=rule))
    assert (states(rule), titles()) == ([("a1", "done", "")], ["Call"])


def test_a_draft_is_read_from_its_text_whatever_it_holds(clinic):
    rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=document())
    text = draft_texts([rule.pk])[rule.pk]
    assert parse_draft(text).trigger == "appointment.completed"
    assert loaded("[" * 100_000) == "What is stored cannot be read: RecursionError."
    assert (loaded("[]"), loaded("{")) == (
        "What is stored is no rule.",
        "What is stored cannot be read: JSONDecodeError.",
    )
    assert parse_draft('{"trigger_event": 3}').startswith("/trigger_event: ")
