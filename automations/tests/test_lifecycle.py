"""What people do to rules and to single steps: versions, modes, roles, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from automations import interventions, lifecycle, selectors, ticking
from automations.engine.schema import RuleInvalid
from automations.models import Rule, RuleVersion, Run, Step
from automations.tests.builders import document, move, published, service, states, titles, visit
from automations.tests.ruling import LATER, acting, jot, planned, versions
from clinic import clock
from clinic.errors import ClinicError, ImpossibleTransition, Refused, StaleRecord

pytestmark = pytest.mark.django_db(transaction=True)


class TestVersions:
    def test_publishing_makes_a_version_and_publishing_the_same_again_makes_none(self, clinic):
        rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=jot("One"))
        assert (rule.mode, rule.published_id, versions(rule)) == ("draft", None, [])
        rule = lifecycle.publish(rule)
        first = rule.published_id
        assert (rule.mode, versions(rule)) == ("on", [1])
        rule = lifecycle.publish(rule)
        assert (rule.published_id, versions(rule)) == (first, [1])
        rule = lifecycle.publish(lifecycle.edit_draft(rule, document=jot("Two")))
        assert (rule.published_id != first, versions(rule)) == (True, [1, 2])
        assert RuleVersion.objects.get(rule=rule, number=1).actions[0]["title"] == "One"

    def test_an_edit_changes_nothing_that_is_published(self, clinic, patient):
        rule = published(clinic, "appointment.completed", {"type": "jot", "title": "One"})
        lifecycle.edit_draft(rule, document=jot("Two"), name="Renamed")
        move(visit(patient), status="completed")
        ticking.drain_all()
        assert (titles(), versions(rule)) == (["One"], [1])

    def test_an_edit_of_a_copy_that_was_read_before_another_edit_is_refused(self, clinic):
        rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=jot("One"))
        seen = rule.edits
        lifecycle.edit_draft(rule, document=jot("Two"), edits=seen)
        with pytest.raises(StaleRecord):
            lifecycle.edit_draft(rule, document=jot("Three"), edits=seen)
        assert Rule.objects.get(pk=rule.pk).draft["actions"][0]["title"] == "Two"

    def test_a_document_with_mistakes_is_refused_with_all_of_them_and_nothing_is_stored(self, clinic):
        bad = document("appointment.levitated", {"type": "jot"})
        with pytest.raises(RuleInvalid) as refused:
            lifecycle.create_rule(clinic=clinic, name="Rule", document=bad)
        assert {problem.path for problem in refused.value.errors} == {"/trigger_event", "/actions/0/title"}
        assert not Rule.objects.exists()

    def test_a_service_of_another_clinic_is_no_service_here(self, clinic, other_clinic):
        service(other_clinic, "massage")
        items = [{"field": "appointment.service", "op": "is_any_of", "value": ["massage"]}]
        wanted = document("appointment.completed", conditions={"match": "all", "items": items})
        with pytest.raises(RuleInvalid) as refused:
            lifecycle.create_rule(clinic=clinic, name="Rule", document=wanted)
        assert [(p.path, p.code) for p in refused.value.errors] == [
            ("/conditions/items/0/value/0", "unknown_reference")
        ]

    @pytest.mark.parametrize(("name", "slug"), [("", ""), ("x" * 201, ""), ("a\0b", ""), ("Fine", "Not A Slug")])
    def test_a_name_or_slug_that_cannot_be_is_refused(self, clinic, name, slug):
        with pytest.raises(ClinicError):
            lifecycle.create_rule(clinic=clinic, name=name, slug=slug, document=jot("One"))
        assert not Rule.objects.exists()

    def test_a_slug_holds_a_letter_because_numbers_alone_are_ids(self, clinic):
        for slug, code in (("17", "number"), ("x" * 81, "too_long"), ("Not A Slug", "slug")):
            with pytest.raises(ClinicError) as refused:
                lifecycle.create_rule(clinic=clinic, name="Rule", slug=slug, document=jot("One"))
            assert (refused.value.code, refused.value.path) == (code, "slug")
        made = [lifecycle.create_rule(clinic=clinic, name="2026", document=jot("One")).slug for _ in range(2)]
        assert made == ["rule-2026", "rule-2026-2"]

    def test_digits_are_always_the_id_of_a_rule_even_where_an_old_slug_is_a_number(self, clinic):
        first, second = (lifecycle.create_rule(clinic=clinic, name="Rule", document=jot("One")) for _ in range(2))
        Rule.objects.filter(pk=second.pk).update(slug=str(first.pk))
        assert selectors.rule_of(clinic, str(first.pk)) == first
        assert selectors.rule_of(clinic, str(second.pk)) == second
        assert selectors.rule_of(clinic, "9" * 30) is None

    def test_slugs_are_unique_in_a_clinic_and_free_in_another(self, clinic, other_clinic):
        made = [lifecycle.create_rule(clinic=clinic, name="Follow up!", document=jot("One")).slug for _ in range(3)]
        assert made == ["follow-up", "follow-up-2", "follow-up-3"]
        assert lifecycle.create_rule(clinic=other_clinic, name="Follow up", document=jot("One")).slug == "follow-up"
        with pytest.raises(ClinicError, match="Another rule of this clinic has the slug"):
            lifecycle.create_rule(clinic=clinic, name="Rule", slug="follow-up", document=jot("One"))


class TestActionIds:
    def test_an_id_that_was_ever_published_is_not_given_again(self, clinic):
        two = document("appointment.completed", {"type": "jot", "title": "A"}, {"type": "jot", "title": "B"})
        rule = lifecycle.publish(lifecycle.create_rule(clinic=clinic, name="Rule", document=two))
        assert [action["id"] for action in rule.draft["actions"]] == ["a1", "a2"]
        kept = {**two, "actions": [{**rule.draft["actions"][0]}]}
        rule = lifecycle.publish(lifecycle.edit_draft(rule, document=kept))
        more = {**two, "actions": [rule.draft["actions"][0], {"type": "jot", "title": "C"}]}
        rule = lifecycle.edit_draft(rule, document=more)
        assert [action["id"] for action in rule.draft["actions"]] == ["a1", "a3"]

    def test_what_is_pending_never_takes_the_words_of_another_action(self, clinic, patient):
        """A step of "a1" was planned after the draft had already dropped it for a new action."""
        rule = published(clinic, "appointment.completed", LATER)
        edited = lifecycle.edit_draft(rule, document=document("appointment.completed", {**LATER, "title": "New"}))
        move(visit(patient), status="completed")
        ticking.drain_all()
        lifecycle.publish(edited, apply_to_pending=True)
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        assert titles() == ["Later"]


class TestModes:
    def test_pausing_and_resuming_twice_is_pausing_and_resuming(self, clinic):
        rule = published(clinic)
        assert [lifecycle.pause(rule, why="Holidays").mode for _ in range(2)] == ["paused", "paused"]
        assert Rule.objects.get(pk=rule.pk).mode_reason == "Holidays"
        assert [lifecycle.resume(rule).mode for _ in range(2)] == ["on", "on"]
        assert list(
            AuditEntry.objects.filter(action__startswith="rule.").order_by("pk").values_list("action", flat=True)
        )[-2:] == ["rule.paused", "rule.on"]

    def test_a_due_step_of_a_paused_rule_waits_and_goes_on(self, clinic, patient):
        rule, _step = planned(clinic, patient)
        lifecycle.pause(rule)
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        assert (states(rule), titles()) == ([("a1", "pending", "")], [])
        lifecycle.resume(rule)
        ticking.drain_all()
        assert (states(rule), titles()) == ([("a1", "done", "")], ["Later"])

    def test_what_a_person_holds_stays_held_when_the_overdue_are_skipped(self, clinic, patient):
        rule, step = planned(clinic, patient)
        interventions.hold(step)
        lifecycle.pause(rule)
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        lifecycle.resume(rule, overdue=None)  # no step is overdue that a pause kept
        assert states(rule) == [("a1", "held", "held_by_person")]
        lifecycle.resume(lifecycle.pause(rule), overdue="skip")
        assert states(rule) == [("a1", "held", "held_by_person")]
        interventions.release(Step.objects.get(rule=rule))
        ticking.drain_all()
        assert (states(rule), titles()) == ([("a1", "done", "")], ["Later"])

    def test_publishing_a_paused_rule_keeps_it_paused_with_the_new_wording(self, clinic, patient):
        rule = lifecycle.pause(published(clinic))
        move(visit(patient), status="completed")
        ticking.drain_all()
        rule = lifecycle.publish(lifecycle.edit_draft(rule, document=jot("New")))
        assert (rule.mode, states(rule)) == ("paused", [("a1", "held", "paused")])
        move(visit(patient), status="completed")
        ticking.drain_all()
        lifecycle.resume(rule)
        ticking.drain_all()
        assert titles() == ["Call", "New"]

    def test_in_review_every_step_waits_for_a_person_also_after_a_pause(self, clinic, patient):
        rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=jot("One"))
        rule = lifecycle.publish(rule, mode="review")
        move(visit(patient), status="completed")
        ticking.drain_all()
        lifecycle.pause(rule)
        move(visit(patient), status="completed")
        ticking.drain_all()
        assert states(rule) == [("a1", "held", "review"), ("a1", "held", "paused")]
        lifecycle.resume(rule, mode="review")
        ticking.drain_all()
        assert states(rule) == [("a1", "held", "review"), ("a1", "held", "review")]
        interventions.release(Step.objects.filter(rule=rule).latest("pk"))
        ticking.drain_all()
        assert states(rule) == [("a1", "held", "review"), ("a1", "done", "")]

    def test_archiving_cancels_what_is_open_and_only_then(self, clinic, patient):
        rule, _step = planned(clinic, patient)
        other = published(clinic, "appointment.completed", LATER, name="Other")
        move(visit(patient), status="completed")
        ticking.drain_all()
        lifecycle.archive(rule, why="Not needed")
        assert states(rule) == [("a1", "cancelled", "stopped")] * 2
        assert states(other) == [("a1", "pending", "")]
        move(visit(patient), status="completed")
        ticking.drain_all()
        assert Run.objects.filter(rule=rule).count() == 2

    def test_an_archived_rule_that_is_published_again_answers_only_what_happens_then(self, clinic, patient):
        rule = lifecycle.archive(published(clinic))
        move(visit(patient), status="completed")
        lifecycle.publish(rule)
        ticking.drain_all()
        assert titles() == []
        move(visit(patient), status="completed")
        ticking.drain_all()
        assert titles() == ["Call"]

    @pytest.mark.parametrize("verb", [lifecycle.pause, lifecycle.resume])
    def test_a_draft_can_be_neither_paused_nor_resumed(self, clinic, verb):
        rule = lifecycle.create_rule(clinic=clinic, name="Rule", document=jot("One"))
        with pytest.raises(ImpossibleTransition):
            verb(rule)
        assert Rule.objects.get(pk=rule.pk).mode == "draft"

    def test_what_no_verb_knows_is_refused(self, clinic):
        rule = published(clinic)
        with pytest.raises(ClinicError, match="run"):
            lifecycle.resume(lifecycle.pause(rule), overdue="forget")
        with pytest.raises(ClinicError, match="review"):
            lifecycle.publish(rule, mode="quarantined")
        assert Rule.objects.get(pk=rule.pk).mode == "paused"


VERBS = {
    "create": lambda rule: lifecycle.create_rule(clinic=rule.clinic, name="Other", document=jot("Mine")),
    "edit": lambda rule: lifecycle.edit_draft(rule, document=jot("Mine"), name="Mine"),
    "publish": lifecycle.publish,
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "archive": lifecycle.archive,
}


class TestRoles:
    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("who", ["front_desk", "specialist", "stranger"])
    def test_only_admins_of_the_clinic_change_rules(self, clinic, patient, request, who, verb):
        rule, _step = planned(clinic, patient)
        before = list(Rule.objects.values()), versions(rule), states(rule), AuditEntry.objects.count()
        with acting(request.getfixturevalue(who)), pytest.raises(Refused):
            VERBS[verb](rule)
        assert (list(Rule.objects.values()), versions(rule), states(rule), AuditEntry.objects.count()) == before

    def test_an_admin_may_and_is_named_in_the_audit(self, clinic, admin):
        with acting(admin):
            rule = lifecycle.publish(lifecycle.create_rule(clinic=clinic, name="Rule", document=jot("One")))
        assert (rule.owner, RuleVersion.objects.get(rule=rule).published_by) == (admin, admin.user)
        told = AuditEntry.objects.filter(action__startswith="rule.").order_by("pk").values_list("action", "actor_id")
        assert list(told) == [("rule.created", admin.user_id), ("rule.published", admin.user_id)]

    @pytest.mark.parametrize("verb", [interventions.skip, interventions.hold])
    def test_a_stranger_touches_no_step_and_the_front_desk_may_keep_one_in(
        self, clinic, patient, stranger, front_desk, verb
    ):
        rule, step = planned(clinic, patient)
        with acting(stranger), pytest.raises(Refused):
            verb(step)
        assert states(rule) == [("a1", "pending", "")]
        assert not AuditEntry.objects.filter(action__startswith="step.").exists()
        with acting(front_desk):
            verb(step)
        assert AuditEntry.objects.filter(action__startswith="step.", actor_id=front_desk.user_id).count() == 1

    @pytest.mark.parametrize("verb", [interventions.run_now, interventions.release, interventions.retry])
    @pytest.mark.parametrize("who", ["front_desk", "stranger"])
    def test_only_specialists_and_admins_let_something_leave(self, clinic, patient, specialist, request, who, verb):
        rule, step = planned(clinic, patient)
        before = {
            interventions.run_now: "pending",
            interventions.release: "held",
            interventions.retry: "failed",
        }[verb]
        Step.objects.filter(pk=step.pk).update(state=before)
        with acting(request.getfixturevalue(who)), pytest.raises(Refused):
            verb(step)
        assert states(rule) == [("a1", before, "")]
        assert not AuditEntry.objects.filter(action__startswith="step.").exists()
        with acting(specialist):
            verb(step)
        assert AuditEntry.objects.filter(action__startswith="step.", actor_id=specialist.user_id).count() == 1
