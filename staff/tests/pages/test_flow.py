"""What rules will do and did: the list of what is coming, runs and their traces, rules, and why (not)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.services import pause
from automations import lifecycle, ticking
from automations.models import Event, Rule, Run, Step
from automations.tests.builders import move, published, visit
from automations.tests.ruling import LATER, planned
from clinic.clock import now
from messaging.models import Delivery
from messaging.services import new_message_id
from patients.models import Patient
from staff.tests.pages.strangers import assert_closed
from worklist.models import Task

UPCOMING, RUNS, RULES, WHY = (reverse(f"staff:{name}") for name in ("upcoming", "runs", "rules", "why"))
NOW = {"type": "jot", "title": "Now"}
BROKEN = {"type": "jot", "title": "Broken", "fail": "permanent"}
OLD = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 80}]}


def do(step, verb):
    return reverse("staff:step-do", args=[step.pk, verb])


def text(response):
    return response.content.decode()


def count(client, address):
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


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
    before = count(as_admin, UPCOMING)
    for number in range(4):
        other = Patient.objects.create(clinic=clinic, given_name=f"P{number}")
        published(clinic, "appointment.booked", LATER, name=f"R{number}")
        move(visit(other), status="completed")
    ticking.drain_all()
    as_admin.get(UPCOMING)
    assert count(as_admin, UPCOMING) == before == 10


# --- what rules did ---


@pytest.fixture
def failed(clinic, patient):
    """A run with one step that worked and one that failed."""
    published(clinic, "appointment.completed", NOW, BROKEN, name="Follow-up")
    move(visit(patient), status="completed")
    ticking.drain_all()
    return Run.objects.get()


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
    before = (count(as_admin, RUNS), count(as_admin, trace))
    for number in range(4):
        published(clinic, "appointment.completed", NOW, LATER, BROKEN, name=f"R{number}")
        move(visit(Patient.objects.create(clinic=clinic, given_name=f"P{number}")), status="completed")
    ticking.drain_all()
    long = reverse("staff:run", args=[Run.objects.filter(rule__name="R0").first().pk])
    as_admin.get(long)
    assert (count(as_admin, RUNS), count(as_admin, long)) == before


# --- rules ---


def test_rules_are_listed_with_sentence_mode_and_health(clinic, failed, as_front_desk, as_admin):
    html = text(as_front_desk.get(RULES))
    assert "When Appointment completed, every time, then: 1. Jot (Title: Now, Refuse: no)" in html
    assert "1 failed in 30 days" in html
    assert 'class="spark"' in html
    edit = reverse("admin:automations_rule_change", args=[failed.rule_id])
    assert edit not in html
    assert edit in text(as_admin.get(RULES))


def test_a_rule_without_a_match_and_one_that_is_broken_are_marked(clinic, as_admin):
    idle = published(clinic, name="Idle")
    Rule.objects.filter(pk=idle.pk).update(active_since=now() - timedelta(days=31))
    assert "no match in 30 days" in text(as_admin.get(RULES))


def test_archived_rules_are_apart(clinic, as_admin):
    lifecycle.archive(published(clinic, name="Bygone"))
    assert "Bygone" not in text(as_admin.get(RULES))
    assert "Bygone" in text(as_admin.get(f"{RULES}?archived=1"))


def test_a_clinic_without_rules_is_offered_the_shipped_ones(clinic, as_admin, as_front_desk):
    recipes = reverse("admin:automations_rule_recipes_page")
    assert recipes in text(as_admin.get(RULES))
    assert recipes not in text(as_front_desk.get(RULES))


def test_rules_take_the_same_queries_for_many(clinic, as_admin, failed):
    before = count(as_admin, RULES)
    for number in range(4):
        published(clinic, "appointment.booked", LATER, name=f"R{number}")
    assert count(as_admin, RULES) == before


# --- why (not) ---


def test_why_not_is_said_in_words(clinic, patient, as_front_desk):
    rule = published(clinic, "appointment.completed", NOW, name="For the old", conditions=OLD)
    move(visit(patient), status="completed")
    ticking.drain_all()
    html = text(as_front_desk.get(f"{WHY}?rule={rule.pk}&patient={patient.pk}"))
    assert "She is 69; the rule needs 80." in html
    assert "Patient · Age ≥ 80 <strong>was 69</strong>" in html
    assert AuditEntry.objects.filter(action="rule.explained", patient_id=patient.pk).count() == 1


def test_one_event_alone_can_be_asked_about(clinic, patient, as_admin):
    rule = published(clinic, "appointment.completed", NOW, conditions=OLD)
    for _ in range(2):
        move(visit(patient), status="completed")
    ticking.drain_all()
    first = Event.objects.filter(trigger="appointment.completed").earliest("pk")
    page = f"{WHY}?rule={rule.pk}&patient={patient.pk}"
    assert len(as_admin.get(page).context["events"]) == 2
    assert [one["row"] for one in as_admin.get(f"{page}&event={first.pk}").context["events"]] == [first]


def test_the_patient_is_found_by_name(clinic, patient, as_admin):
    rule = published(clinic, name="Rule")
    response = as_admin.get(f"{WHY}?rule={rule.pk}&q=marin")
    assert response.context["patient"] == patient
    assert "has never been recorded for Maria Marin" in text(response)
    other = Patient.objects.create(clinic=clinic, given_name="Ana", family_name="Marin")
    response = as_admin.get(f"{WHY}?rule={rule.pk}&q=marin")
    assert response.context["candidates"] == [other, patient]
    assert "Nobody of this clinic fits." in text(as_admin.get(f"{WHY}?q=nobody"))


def test_the_count_moves_with_the_number(clinic, patient, as_front_desk):
    rule = published(clinic, "appointment.completed", NOW, name="For the old", conditions=OLD)
    Patient.objects.create(clinic=clinic, given_name="Ana", birth_date="1990-01-01")
    page = text(as_front_desk.get(f"{WHY}?rule={rule.pk}&patient={patient.pk}"))
    ask = reverse("staff:what-if", args=[rule.pk])
    assert "0 of 2 patients" in page
    assert f'hx-get="{ask}"' in page

    part = as_front_desk.get(ask, {"n0": "60"}, headers={"HX-Request": "true"})
    assert text(part).startswith("1 of 2 patients answers")
    assert "<h1>" in text(as_front_desk.get(ask, {"n0": "60"}))
    assert "Write a number." in text(as_front_desk.get(ask, {"n0": "old"}))
    before = rule.published_id
    rule.refresh_from_db()
    assert (rule.edits, rule.published_id) == (0, before)


def test_a_rule_without_numbers_has_nothing_to_change(clinic, patient, as_admin):
    rule = published(clinic, name="Rule")
    assert "What if" not in text(as_admin.get(f"{WHY}?rule={rule.pk}&patient={patient.pk}"))


def test_a_stranger_counts_nobody(clinic, patient, as_stranger):
    assert_closed(as_stranger, [reverse("staff:what-if", args=[published(clinic, name="Rule").pk])])


def test_from_a_patient_one_chooses_the_rule(clinic, patient, as_admin):
    rule = published(clinic, name="Rule")
    assert f"?rule={rule.pk}&amp;patient={patient.pk}" in text(as_admin.get(f"{WHY}?patient={patient.pk}"))


def test_a_stranger_asks_about_nobody(clinic, patient, stranger_patient, as_stranger, as_admin):
    rule = published(clinic, name="Rule")
    closed = [f"{WHY}?rule={rule.pk}", f"{WHY}?patient={patient.pk}", f"{WHY}?patient=x", f"{WHY}?rule={'9' * 30}"]
    assert_closed(as_stranger, closed)
    assert as_admin.get(f"{WHY}?rule={rule.pk}&patient={stranger_patient.pk}").status_code == 404


def test_a_rule_without_a_number_has_no_other_numbers(as_admin, clinic):
    rule = published(clinic, name="Rule")

    assert as_admin.get(reverse("staff:what-if", args=[rule.pk])).status_code == 404
