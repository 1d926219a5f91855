"""What a rule would do for a patient at a chosen moment, without doing any of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditEntry
from automations import lifecycle
from automations.dryrun import dry_run
from automations.engine.problems import RuleInvalid
from automations.models import Rule
from automations.tests.builders import document, move, published, visit
from automations.ticking import drain_all
from clinic import clock
from clinic.errors import ClinicError

pytestmark = pytest.mark.django_db
AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
IN_A_DAY = {"mode": "delay", "amount": 1, "unit": "days", "at": "09:00"}


def draft(clinic, trigger="appointment.completed", *actions, **more):
    return lifecycle.create_rule(clinic=clinic, name="Draft", document=document(trigger, *actions, **more))


def test_a_match_gives_the_steps_with_their_times(clinic, patient):
    visit(patient)
    rule = draft(
        clinic,
        "appointment.completed",
        {"type": "jot", "title": "a"},
        {"type": "jot", "title": "b", "timing": IN_A_DAY},
    )
    found = dry_run(rule, patient, at=AT)
    assert (found.outcome, found.reason) == ("matched", None)
    assert [(one.planned.state, one.planned.due_at) for one in found.steps] == [
        ("pending", AT),
        ("pending", datetime(2026, 12, 2, 7, 0, tzinfo=UTC)),  # 09:00 in Bucharest
    ]


def test_the_patient_is_as_old_as_at_that_moment(clinic, patient):
    visit(patient)
    asked = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 70}]}
    rule = draft(clinic, conditions=asked)
    before = dry_run(rule, patient, at=datetime(2027, 3, 1, 12, tzinfo=UTC))
    after = dry_run(rule, patient, at=datetime(2027, 3, 2, 12, tzinfo=UTC))
    assert (before.outcome, before.reason.code) == ("not_matched", "conditions")
    assert before.verdict.as_json()["items"][0]["actual"] == 69
    assert after.outcome == "matched"


def test_the_named_visit_is_asked_else_the_newest(clinic, patient):
    first = visit(patient, slug="massage")
    newest = visit(patient, slug="initial-evaluation")
    asked = {"match": "all", "items": [{"field": "appointment.service", "op": "is_any_of", "value": ["massage"]}]}
    rule = draft(clinic, conditions=asked)
    assert dry_run(rule, patient, subject=str(first.pk)).outcome == "matched"
    found = dry_run(rule, patient)
    assert (found.outcome, found.subject) == ("not_matched", ("appointment", newest.pk))


def test_a_step_before_the_visit_hangs_on_the_visit_as_it_stands(clinic, patient):
    starts = AT + timedelta(days=7)
    visit(patient, starts_at=starts)
    timing = {
        "mode": "relative",
        "amount": 24,
        "unit": "hours",
        "direction": "before",
        "anchor": "appointment.starts_at",
    }
    rule = draft(clinic, "appointment.booked", {"type": "jot", "title": "a", "timing": timing})
    (step,) = dry_run(rule, patient, at=AT).steps
    assert (step.planned.due_at, step.planned.not_after) == (starts - timedelta(hours=24), starts)
    (late,) = dry_run(rule, patient, at=starts - timedelta(hours=1)).steps
    assert (late.planned.state, late.planned.reason_code) == ("skipped", "too_late")


def test_without_a_visit_what_is_asked_of_one_is_unknown(clinic, patient):
    asked = {"match": "all", "items": [{"field": "appointment.series_position", "op": "eq", "value": 1}]}
    found = dry_run(draft(clinic, conditions=asked), patient)
    assert (found.outcome, found.subject) == ("not_matched", ("appointment", None))
    assert found.verdict.items[0].result is None


def test_the_first_visit_is_known_by_the_visits_before(clinic, patient):
    one, two = visit(patient), visit(patient)
    asked = {"match": "all", "items": [{"field": "appointment.is_first", "op": "is", "value": True}]}
    rule = draft(clinic, "appointment.booked", conditions=asked)
    assert dry_run(rule, patient, subject=one.pk).outcome == "matched"
    assert dry_run(rule, patient, subject=two.pk).outcome == "not_matched"


def test_the_settings_of_the_trigger_are_asked(clinic, patient):
    visit(patient)
    second = visit(patient)
    rule = draft(clinic, "appointment.booked", config={"first_only": True})
    found = dry_run(rule, patient, subject=second.pk)
    assert (found.outcome, found.reason.code) == ("not_matched", "config")


def test_once_is_enough(clinic, patient):
    rule = published(clinic, settings={"reentry": {"mode": "once_per_patient"}})
    move(visit(patient), status="completed")
    drain_all()
    found = dry_run(rule, patient)
    assert (found.outcome, found.reason.code, found.steps) == ("suppressed", "reentry", ())


def test_what_its_steps_ask_is_told_as_things_stand(clinic, patient):
    visit(patient, starts_at=clock.now() + timedelta(days=3))
    only_if = {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_empty"}]}
    rule = draft(clinic, "appointment.completed", {"type": "jot", "title": "a", "only_if": only_if})
    (step,) = dry_run(rule, patient).steps
    assert step.only_if.result is False
    assert step.as_json()["action"] == {"id": "a1", "type": "jot"}


def test_in_review_the_steps_would_be_held(clinic, patient):
    visit(patient)
    rule = lifecycle.publish(draft(clinic), mode="review")
    (step,) = dry_run(rule, patient).steps
    assert (step.planned.state, step.planned.reason_code) == ("held", "review")


def test_another_patients_visit_is_refused(clinic, patient, stranger_patient):
    rule = draft(clinic)
    for named in ("abc", "0", "999999999", "9" * 40):
        with pytest.raises(ClinicError) as refused:
            dry_run(rule, patient, subject=named)
        assert refused.value.path == "subject"
    with pytest.raises(ClinicError) as refused:
        dry_run(rule, stranger_patient)
    assert refused.value.path == "patient"
    assert not AuditEntry.objects.filter(action="rule.tried").exists()


def test_a_draft_that_is_no_rule_is_refused(clinic, patient):
    rule = draft(clinic)
    Rule.objects.filter(pk=rule.pk).update(draft={"trigger_event": "appointment.completed"})
    with pytest.raises(RuleInvalid):
        dry_run(rule, patient)


def test_of_several_the_newest_that_the_settings_accept_is_asked(clinic, patient):
    first = visit(patient)
    visit(patient)
    rule = draft(clinic, "appointment.booked", config={"first_only": True})
    found = dry_run(rule, patient)
    assert (found.outcome, found.subject) == ("matched", ("appointment", first.pk))


def test_what_nobody_can_know_of_the_event_is_unknown(clinic, patient):
    asked = {"match": "all", "items": [{"field": "treatment.pain", "op": "gte", "value": 8}]}
    found = dry_run(draft(clinic, "treatment.session_logged", conditions=asked), patient)
    assert (found.outcome, found.verdict.items[0].result) == ("not_matched", None)


def test_a_text_that_the_trigger_cannot_fill_in_is_said_beside_its_step(clinic, patient):
    text = {"type": "send_notification", "to": "specialist", "title": "q {{ appointment.starts_at }}"}
    rule = draft(clinic, "manual", text, {"type": "jot", "title": "x"})
    asked, plain = dry_run(rule, patient).steps
    assert [one.partition(" in ")[0] for one in asked.blanks] == [
        "“Staff start it” brings nothing for {{ appointment.starts_at }}"
    ]
    assert plain.blanks == ()
