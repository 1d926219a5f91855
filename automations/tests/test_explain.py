"""Why a rule ran, or did not run, for a patient: from what was recorded, with the values that it met."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Pause
from accounts.services import pause
from automations import lifecycle
from automations.engine.problems import RuleInvalid
from automations.explain import explain
from automations.models import Event, Rule, Run, Step
from automations.named_events import record_named_event
from automations.tests.builders import document, move, published, visit
from automations.ticking import drain_all
from clinic import clock
from clinic.changes import silently
from clinic.errors import ClinicError
from messaging import services
from messaging.models import Delivery

pytestmark = pytest.mark.django_db
OLDER = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 75}]}


def complete(patient, **fields):
    """Complete a visit of the patient and let the rules answer."""
    done = move(visit(patient, **fields), status="completed")
    drain_all()
    return done


def only(found):
    assert len(found.events) == 1
    return found.events[0]


def reason(found):
    one = only(found)
    return one.outcome, one.reason.code, one.reason.text


def test_it_says_what_she_is_and_what_the_rule_needs(clinic, patient):
    rule = published(clinic, conditions=OLDER)
    complete(patient)
    found = explain(rule, patient)
    assert reason(found) == ("not_matched", "conditions", "She is 69; the rule needs 75.")
    assert only(found).verdict["items"] == [
        {"field": "patient.age", "op": "gte", "value": 75, "actual": 69, "result": False}
    ]
    assert "It did not run on" in found.text
    assert found.text.endswith("She is 69; the rule needs 75.")
    assert not Run.objects.exists()


def test_a_rule_that_the_index_skipped_is_explained_with_the_names_of_things(clinic, patient):
    wanted = {"field": "appointment.service", "op": "is_any_of", "value": ["massage"]}
    visit(patient, slug="massage")
    rule = published(clinic, conditions={"match": "all", "items": [wanted]})
    complete(patient, slug="initial-evaluation")
    code = reason(explain(rule, patient))
    assert code[:2] == ("not_matched", "conditions")
    assert code[2] == "Service was Initial Evaluation; the rule asks that it is any of Massage."


def test_of_alternatives_one_is_enough_and_unknown_is_said(clinic, patient):
    group = {
        "match": "any",
        "items": [
            {"field": "patient.age", "op": "gt", "value": 80},
            {"field": "patient.source", "op": "is_any_of", "value": ["website"]},
        ],
    }
    rule = published(clinic, conditions=group)
    complete(patient)
    assert reason(explain(rule, patient))[2] == (
        "One of these would be enough. She is 69; the rule needs more than 80. "
        "Or: Source is not known; the rule asks that it is any of website."
    )


def test_what_must_not_be_is_said_the_other_way_round(clinic, patient):
    none = {"match": "none", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}
    rule = published(clinic, conditions=none)
    complete(patient)
    assert reason(explain(rule, patient))[2] == "She is 69; the rule needs less than 65."


def test_a_run_is_shown_with_its_steps(clinic, patient):
    rule = published(
        clinic, "appointment.completed", {"type": "jot", "title": "x"}, {"type": "jot", "title": "y", "refuse": True}
    )
    complete(patient)
    found = explain(rule, patient)
    one = only(found)
    assert one.outcome == "matched"
    assert [step.state for step in one.steps] == ["done", "skipped"]
    assert found.text.endswith("1 step is done, 1 step is skipped. Jot: She said no.")


def test_a_suppressed_run_says_why(clinic, patient):
    rule = published(clinic, settings={"reentry": {"mode": "once_per_patient"}})
    complete(patient)
    complete(patient)
    found = explain(rule, patient)
    assert [one.outcome for one in found.events] == ["suppressed", "matched"]
    assert found.events[0].reason.code == "reentry"
    assert "It was kept from running" in found.text
    assert "once for a patient" in found.text


def test_nothing_of_the_kind_was_ever_recorded(clinic, patient):
    rule = published(clinic)
    found = explain(rule, patient)
    assert found.events == ()
    assert found.text == "It did not run: “Appointment completed” has never been recorded for Maria Marin."


def test_what_was_recorded_before_the_rule_counted(clinic, patient):
    complete(patient)
    rule = published(clinic)
    outcome, code, text = reason(explain(rule, patient))
    assert (outcome, code) == ("not_considered", "before_active")
    assert "the rule counts from" in text


def test_a_silent_change_and_one_that_waits(clinic, patient):
    rule = published(clinic)
    one, two = visit(patient), visit(patient)
    with silently("an import"):
        move(one, status="completed")
    assert reason(explain(rule, patient))[1] == "muted"
    move(two, status="completed")
    assert [e.reason.code for e in explain(rule, patient).events] == ["waiting", "muted"]


@pytest.mark.parametrize(("verb", "said"), [("pause", "is paused"), ("archive", "is archived")])
def test_the_mode_is_told(clinic, patient, verb, said):
    rule = published(clinic)
    rule = getattr(lifecycle, verb)(rule)
    complete(patient)
    assert said in explain(rule, patient).text


def test_an_archived_rule_did_not_look_though_its_conditions_held(clinic, patient):
    rule = lifecycle.archive(published(clinic))
    complete(patient)
    assert reason(explain(rule, patient))[:2] == ("not_considered", "not_asked")


def test_a_draft_has_run_for_nobody(clinic, patient):
    rule = lifecycle.create_rule(clinic=clinic, name="Draft", document=document())
    complete(patient)
    found = explain(rule, patient)
    assert reason(found)[1] == "draft"
    assert found.text.endswith("The rule has never been published.")


def test_a_rule_in_quarantine_says_so(clinic, patient):
    rule = published(clinic)
    Rule.objects.filter(pk=rule.pk).update(mode="quarantined")
    clinic.rules_epoch += 1
    clinic.save()
    complete(patient)
    found = explain(Rule.objects.get(pk=rule.pk), patient)
    assert only(found).outcome == "error"
    assert "is in quarantine" in found.text


def test_stop_switches_are_told(clinic, patient):
    rule = published(clinic)
    pause(clinic=clinic, scope=Pause.Scope.PATIENT, target=patient, why="asked")
    complete(patient)
    assert "Automations are stopped for this patient" in explain(rule, patient).text


def test_the_wording_of_that_time_is_asked_not_todays(clinic, patient):
    rule = published(clinic, conditions=OLDER)
    complete(patient)
    rule = lifecycle.edit_draft(rule, document=document())
    rule = lifecycle.publish(rule)
    one = only(explain(rule, patient))
    assert (one.outcome, one.version) == ("not_matched", 1)


def test_what_if_the_conditions_were_others(clinic, patient):
    rule = published(clinic, conditions=OLDER)
    complete(patient)
    lower = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 60}]}
    one = only(explain(rule, patient, conditions=lower))
    assert one.outcome == "not_matched"
    assert one.would.result is True
    assert one.as_json()["what_if"]["items"][0]["actual"] == 69


def test_what_if_names_what_nobody_can_tell_any_more(clinic, patient):
    rule = published(clinic, conditions=OLDER)
    complete(patient)
    asked = {
        "field": "patient.next_appointment_at",
        "op": "is_empty",
        "statuses": ["booked"],
    }
    one = only(explain(rule, patient, conditions={"match": "all", "items": [asked]}))
    assert one.unknown == ('patient.next_appointment_at{"statuses":["booked"]}',)


def test_what_if_conditions_are_judged(clinic, patient):
    rule = published(clinic)
    with pytest.raises(RuleInvalid):
        explain(rule, patient, conditions={"match": "all", "items": [{"field": "patient.shoe", "op": "eq"}]})


def test_a_patient_of_another_clinic_is_not_found(clinic, patient, stranger_patient):
    rule = published(clinic)
    with pytest.raises(ClinicError) as refused:
        explain(rule, stranger_patient)
    assert refused.value.code == "not_found"


def test_asking_is_recorded(clinic, patient):
    rule = published(clinic)
    explain(rule, patient)
    entry = AuditEntry.objects.get(action="rule.explained")
    assert (entry.object_id, entry.patient_id) == (str(rule.pk), patient.pk)


def test_an_event_that_was_given_up_says_why(clinic, patient):
    rule = published(clinic)
    move(visit(patient), status="completed")
    Event.objects.filter(trigger="appointment.completed").update(state="dead", last_error="Given up.")
    assert reason(explain(rule, patient)) == ("not_considered", "dead", "Given up.")


@pytest.mark.parametrize(
    ("state", "said"), [("failed", True), ("suppressed", True), ("sent", False), ("queued", False)]
)
def test_a_step_that_is_done_whose_mail_did_not_leave_is_told_as_that(clinic, patient, state, said):
    services.save_template(clinic=clinic, slug="hi", name="Hi", bodies=[services.Body("en", "Hi", "Hello")])
    rule = published(clinic, "appointment.completed", {"type": "send_email", "template": "hi", "to": "specialist"})
    complete(patient)
    run = Run.objects.get()
    step = Step.objects.get()
    Step.objects.update(state="done", reason="", reason_text="", finished_at=clock.now())
    Delivery.objects.all().delete()
    Delivery.objects.create(
        clinic=clinic,
        patient=patient,
        state=state,
        reason="rule_broken" if said else "",
        recipient_key="patient",
        message_id="<1@test>",
        source_step_id=step.pk,
    )
    lost = "Send an email: its message did not leave. Its text cannot be made."
    text = explain(rule, patient).text
    assert run.outcome == "matched"
    assert (lost in text) is said
    assert "1 step is done." in text


@pytest.mark.parametrize(
    ("sent", "asked", "said"),
    [
        (
            "10",
            {"op": "lt", "value": 1000},
            "steps was sent as a text (10), not as a number; the rule needs less than 1000.",
        ),
        (10, {"op": "is", "value": "x"}, "steps was sent as a number (10), not as a text; the rule asks that it is x."),
        (
            [1],
            {"op": "between", "value": [1, 2]},
            "steps was sent as a list (1), not as a number; the rule needs between 1 and 2.",
        ),
        (5000, {"op": "lt", "value": 1000}, "steps was 5000; the rule needs less than 1000."),
    ],
)
def test_a_value_of_another_type_than_the_rule_asks_about_is_said_to_be_one(clinic, patient, sent, asked, said):
    items = [{"field": "event.steps", **asked}]
    rule = published(clinic, "api.event", config={"name": "steps-low"}, conditions={"match": "all", "items": items})
    record_named_event(clinic, patient, "steps-low", {"steps": sent})
    drain_all()
    assert reason(explain(rule, patient))[2] == said
