"""What becomes of planned steps when their rule is published anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations import lifecycle, ticking
from automations.models import RuleVersion, Run, Step
from automations.tests.builders import move, published, titles, visit
from automations.tests.ruling import LATER, planned
from clinic import clock

pytestmark = pytest.mark.django_db(transaction=True)


class TestPending:
    def test_what_is_pending_stays_with_the_version_that_planned_it(self, clinic, patient):
        rule, step = planned(clinic, patient)
        changed = {**rule.draft, "actions": [{**rule.draft["actions"][0], "title": "New"}]}
        lifecycle.publish(lifecycle.edit_draft(rule, document=changed))
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        assert titles() == ["Later"]
        assert step.run.version == RuleVersion.objects.get(rule=rule, number=1)

    def test_unless_the_new_settings_are_applied_to_it_and_then_its_time_stays(self, clinic, patient):
        rule, step = planned(clinic, patient)
        changed = {**rule.draft["actions"][0], "title": "New", "timing": {"mode": "immediately"}}
        rule = lifecycle.edit_draft(rule, document={**rule.draft, "actions": [changed]})
        lifecycle.publish(rule, apply_to_pending=True)
        ticking.drain_all()
        assert titles() == []
        assert Step.objects.get(pk=step.pk).due_at == step.due_at
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        assert titles() == ["New"]

    def test_a_step_of_an_action_that_is_gone_or_off_stays_as_it_was_planned(self, clinic, patient):
        three = [{**LATER, "title": title} for title in ("A", "B", "C")]
        rule = published(clinic, "appointment.completed", *three)
        move(visit(patient), status="completed")
        ticking.drain_all()
        first, second, _third = rule.draft["actions"]
        changed = [{**first, "title": "New"}, {**second, "disabled": True}]

        lifecycle.publish(
            lifecycle.edit_draft(rule, document={**rule.draft, "actions": changed}), apply_to_pending=True
        )
        list(ticking.walk_to(clock.now() + timedelta(days=3)))

        assert sorted(titles()) == ["B", "C", "New"]
        rule.refresh_from_db()
        assert (rule.mode, rule.error_streak) == ("on", 0)
        assert Run.objects.get().version.number == 1  # what was matched stays what it was

    @pytest.mark.parametrize(("happens", "expected", "reason"), [(False, [], "too_late"), (True, ["New"], "")])
    def test_a_step_that_waits_goes_on_waiting_whatever_the_new_settings_say(
        self, clinic, patient, happens, expected, reason
    ):
        within = {"amount": 1, "unit": "hours"}
        wait = {"mode": "wait_for", "trigger": "appointment.completed", "within": within, "otherwise": "skip"}
        rule = published(clinic, "appointment.confirmed", {**LATER, "timing": wait}, settings={"stop_on": []})
        booked = move(visit(patient), status="confirmed")
        ticking.drain_all()
        changed = {**rule.draft["actions"][0], "title": "New", "timing": LATER["timing"]}

        lifecycle.publish(
            lifecycle.edit_draft(rule, document={**rule.draft, "actions": [changed]}), apply_to_pending=True
        )
        if happens:
            move(booked, status="completed")
        list(ticking.walk_to(clock.now() + timedelta(days=1)))

        assert titles() == expected
        assert Step.objects.get().reason == reason
