"""What rules will do and did: the list of what is coming, runs and their traces."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.services import pause
from automations import ticking
from automations.models import Run, Step
from automations.tests.builders import move, published, visit
from automations.tests.ruling import LATER, planned
from clinic.clock import now
from messaging.models import Delivery
from messaging.services import new_message_id
from patients.models import Patient
from staff.tests.pages.counting import queries_of
from staff.tests.pages.flowing import BROKEN, NOW, RUNS, UPCOMING, WHY, do, text
from staff.tests.pages.strangers import assert_closed
from worklist.models import Task

# --- what is coming ---


def test_the_list_says_what_whom_when_and_by_which_rule(clinic, patient, as_specialist):
    rule, step = planned(clinic, patient)
    html = text(as_specialist.get(UPCOMING))
    assert "Jot (Title: Later, Refuse: no)" in html
    assert "Maria Marin" in html
    assert rule.name in html
    assert reverse("staff:run", args=[step.run_id]) in html
    assert AuditEntry.objects.get(action="step.listed").detail == {"patients": [patient.pk]}


def test_only_the_next_two_weeks_are_listed(clinic, patient, as_admin):
    _rule, step = planned(clinic, patient)
    Step.objects.filter(pk=step.pk).update(due_at=now() + timedelta(days=15))
    response = as_admin.get(UPCOMING)
    assert response.context["rows"] == []
    assert "No rule plans anything for the next two weeks." in text(response)


def test_the_list_is_filtered_by_rule_action_and_state(clinic, patient, as_admin):
    rule, step = planned(clinic, patient)
    other = published(clinic, "appointment.booked", LATER, name="Other")

    def rows(query):
        return [row.step.pk for row in as_admin.get(f"{UPCOMING}?{query}").context["rows"]]

    assert rows(f"rule={rule.pk}") == rows("action=jot") == rows("state=pending") == [step.pk]
    assert rows(f"rule={other.pk}") == rows("action=send_email") == rows("state=held") == rows("rule=0") == []


def test_messages_that_wait_are_listed_too(clinic, patient, as_admin):
    Delivery.objects.create(
        clinic=clinic,
        patient=patient,
        channel="email",
        category="clinical",
        address="maria@patients.example",
        message_id=new_message_id(),
        not_before=now() + timedelta(hours=5),
    )
    assert [row.patient for row in as_admin.get(UPCOMING).context["waiting"]] == [patient]
    assert as_admin.get(f"{UPCOMING}?state=held").context["waiting"] == []


def test_a_standing_stop_of_the_clinic_is_told(clinic, as_admin):
    pause(clinic=clinic, scope="clinic", why="Fire drill")
    assert "Fire drill" in text(as_admin.get(UPCOMING))


@pytest.mark.parametrize(
    ("who", "verb", "state"),
    [
        ("as_front_desk", "hold", "held"),
        ("as_front_desk", "skip", "skipped"),
        ("as_front_desk", "run_now", "pending"),
        ("as_specialist", "run_now", "pending"),
    ],
)
def test_a_step_is_held_skipped_or_sent_by_those_who_may(request, clinic, patient, who, verb, state):
    _rule, step = planned(clinic, patient)
    due = step.due_at
    response = request.getfixturevalue(who).post(do(step, verb), {"next": f"{UPCOMING}?page=1"})
    assert response["Location"] == f"{UPCOMING}?page=1"
    step.refresh_from_db()
    assert step.state == state
    sent = verb == "run_now" and who == "as_specialist"
    assert (step.due_at < due) is sent
    written = AuditEntry.objects.filter(action__startswith="step.", object_id=str(step.pk)).exists()
    assert written is (verb != "run_now" or sent)


def test_what_is_a_message_is_sent_now(clinic, patient, as_admin):
    planned(clinic, patient, {**LATER, "type": "whisper"})
    html = text(as_admin.get(UPCOMING))
    assert ("Send now" in html, "Run now" in html) == (True, False)


def test_a_held_step_is_released(clinic, patient, as_admin):
    _rule, step = planned(clinic, patient)
    as_admin.post(do(step, "hold"))
    assert do(step, "release") in text(as_admin.get(UPCOMING))
    as_admin.post(do(step, "release"))
    step.refresh_from_db()
    assert (step.state, step.reason) == ("pending", "")
    assert as_admin.post(do(step, "eat")).status_code == 404
    assert as_admin.get(do(step, "hold")).status_code == 405


def test_a_stranger_moves_no_step(clinic, patient, as_stranger):
    _rule, step = planned(clinic, patient)
    assert_closed(as_stranger, [do(step, verb) for verb in ("hold", "skip", "run_now", "retry")], "post")
    step.refresh_from_db()
    assert step.state == "pending"
    assert as_stranger.get(UPCOMING).context["rows"] == []


def test_the_list_takes_the_same_queries_for_many(clinic, patient, as_admin):
    planned(clinic, patient)
    as_admin.get(UPCOMING)
    before = queries_of(as_admin, UPCOMING)
    for number in range(4):
        other = Patient.objects.create(clinic=clinic, given_name=f"P{number}")
        published(clinic, "appointment.booked", LATER, name=f"R{number}")
        move(visit(other), status="completed")
    ticking.drain_all()
    as_admin.get(UPCOMING)
    assert queries_of(as_admin, UPCOMING) == before == 9


# --- what rules did ---


def test_runs_are_listed_and_filtered(clinic, patient, failed, as_front_desk):
    def rows(query=""):
        return [row.pk for row in as_front_desk.get(f"{RUNS}?{query}").context["paged"].rows]

    assert rows() == rows(f"rule={failed.rule_id}") == rows("outcome=matched") == rows("failed=on") == [failed.pk]
    assert rows(f"patient={patient.pk}") == rows(f"event={failed.event_id}") == [failed.pk]
    assert rows("outcome=error") == rows("event=1") == rows("patient=x") == rows(f"patient={'9' * 30}") == []
    html = text(as_front_desk.get(RUNS))
    assert ("2 steps" in html, "1 failed" in html, "Appointment completed" in html) == (True, True, True)


def test_a_trace_shows_the_event_the_values_the_steps_and_what_they_made(clinic, patient, as_specialist):
    old = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}
    published(clinic, "appointment.completed", NOW, LATER, name="Follow-up", conditions=old)
    move(visit(patient), status="completed")
    ticking.drain_all()
    run = Run.objects.get()
    html = text(as_specialist.get(reverse("staff:run", args=[run.pk])))
    assert "Appointment completed" in html
    assert "Patient · Age ≥ 65 <strong>was 69</strong>" in html
    assert "Jot (Title: Now, Refuse: no)" in html
    assert "task: " in html
    assert Task.objects.get().title == "Now"
    assert reverse("staff:patient-timeline", args=[patient.pk]) in html
    assert f"{WHY}?rule={run.rule_id}&amp;patient={patient.pk}" in html
    assert AuditEntry.objects.filter(action="run.read", patient_id=patient.pk, object_id=str(run.pk)).count() == 1


def test_an_admin_tries_the_draft_with_the_event_of_a_trace(clinic, patient, as_admin, as_specialist):
    rule = published(clinic, "appointment.completed", NOW, name="Follow-up")
    row = move(visit(patient), status="completed")
    visit(patient)  # a newer one, which is not meant
    ticking.drain_all()
    page = reverse("staff:run", args=[Run.objects.get().pk])
    assert "try the draft with this event" not in text(as_specialist.get(page))
    assert "try the draft with this event" in text(as_admin.get(page))
    answer = as_admin.get(as_admin.get(page).context["again"])
    assert answer.status_code == 200
    assert (answer.context["rule"], answer.context["patient"]) == (rule, patient)
    assert answer.context["request"].GET["subject"] == str(row.pk)
    assert "refusal" not in answer.context
    assert "Jot (Title: Now, Refuse: no)" in text(answer)


def test_a_failed_step_is_tried_again_by_those_who_may(failed, as_front_desk, as_admin):
    step = Step.objects.get(state="failed")
    trace = reverse("staff:run", args=[failed.pk])
    assert do(step, "retry") not in text(as_front_desk.get(trace))
    as_front_desk.post(do(step, "retry"))
    step.refresh_from_db()
    assert step.state == "failed"

    assert do(step, "retry") in text(as_admin.get(trace))
    as_admin.post(do(step, "retry"), {"next": trace})
    step.refresh_from_db()
    assert (step.state, step.attempts) == ("pending", 0)


def test_a_stranger_reads_no_trace(failed, as_stranger):
    assert_closed(as_stranger, [reverse("staff:run", args=[failed.pk])])
    assert as_stranger.get(RUNS).context["paged"].rows == []


def test_runs_and_traces_take_the_same_queries_for_many(clinic, patient, failed, as_admin):
    trace = reverse("staff:run", args=[failed.pk])
    as_admin.get(trace)
    before = (queries_of(as_admin, RUNS), queries_of(as_admin, trace))
    for number in range(4):
        published(clinic, "appointment.completed", NOW, LATER, BROKEN, name=f"R{number}")
        move(visit(Patient.objects.create(clinic=clinic, given_name=f"P{number}")), status="completed")
    ticking.drain_all()
    long = reverse("staff:run", args=[Run.objects.filter(rule__name="R0").first().pk])
    as_admin.get(long)
    assert (queries_of(as_admin, RUNS), queries_of(as_admin, long)) == before
