"""The pages that only ask about a rule: why (not), what would it do, how often; and the same while somebody types."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from automations import lifecycle
from automations.models import Run, Step
from automations.tests.admin.typed import change, opened
from automations.tests.builders import document, move, published, visit
from automations.ticking import drain_all
from clinic import clock
from patients.models import Patient

pytestmark = pytest.mark.django_db
OLDER = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 75}]}
YOUNGER = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 60}]}
TASK = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}


@pytest.fixture
def rule(clinic, patient, front_desk):
    made = published(clinic, "appointment.completed", TASK, name="Older", conditions=OLDER)
    move(visit(patient), status="completed")
    drain_all()
    return made


def page(client, rule, key, query=""):
    answer = client.get(f"/admin/automations/rule/{rule.pk}/{key}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_why_not_is_said_with_her_age(as_front_desk, rule, patient):
    shown = page(as_front_desk, rule, "explain", f"?patient={patient.pk}")
    assert "She is 69; the rule needs 75." in shown
    assert "was 69" in shown
    assert not Run.objects.exists()


def test_a_draft_with_other_conditions_is_asked_too(as_admin, rule, patient):
    lifecycle.edit_draft(rule, document=document("appointment.completed", TASK, conditions=YOUNGER))
    shown = page(as_admin, rule, "explain", "?q=marin")
    assert "With the conditions of the draft it would have run" in shown


def test_a_name_that_two_have_asks_which(as_admin, clinic, rule, patient):
    Patient.objects.create(clinic=clinic, given_name="Ion", family_name="Marin")
    shown = page(as_admin, rule, "explain", "?q=marin")
    assert "Which of these?" in shown
    assert f"?patient={patient.pk}" in shown
    assert "Nobody of this clinic" in page(as_admin, rule, "explain", "?q=nobody")


def test_a_stranger_finds_neither_rule_nor_patient(as_stranger, as_admin, rule, patient, stranger_patient):
    for key in ("explain", "try", "backtest"):
        assert as_stranger.get(f"/admin/automations/rule/{rule.pk}/{key}/").status_code == 404
    assert as_stranger.get(f"/admin/automations/rule/why/{patient.pk}/").status_code == 404
    for query in (f"?patient={stranger_patient.pk}", "?q=stranger"):
        assert "Nobody of this clinic" in page(as_admin, rule, "explain", query)
    assert not AuditEntry.objects.filter(action="rule.explained").exists()


def test_try_shows_steps_with_the_clinics_time(as_specialist, rule, patient):
    shown = page(as_specialist, rule, "try", f"?patient={patient.pk}&at=2033-01-01T09:00")
    assert "Would run for Maria Marin" in shown
    assert "1 Jan 2033 09:00 EET" in shown
    assert not Step.objects.exists()
    assert "Write the moment" in page(as_specialist, rule, "try", f"?patient={patient.pk}&at=soon")
    assert "Would not run for Maria Marin" in page(as_specialist, rule, "try", f"?patient={patient.pk}")


def test_backtest_counts_the_days_that_were_chosen(as_admin, clinic, rule):
    lifecycle.edit_draft(rule, document=document("appointment.completed", TASK, conditions=YOUNGER))
    shown = page(as_admin, rule, "backtest", "?days=7")
    assert '<strong class="rule-count">1</strong> run in the last 7 days' in shown
    assert "create the task “Call” for the front desk: 1" in shown
    assert 'role="img"' in shown
    assert "in the last 30 days" in page(as_admin, rule, "backtest", "?days=nonsense")


def test_a_patients_page_leads_to_the_rules(as_front_desk, rule, patient):
    shown = as_front_desk.get(f"/admin/patients/patient/{patient.pk}/change/").content.decode()
    address = f"/admin/automations/rule/why/{patient.pk}/"
    assert address in shown
    assert (
        f"/admin/automations/rule/{rule.pk}/explain/?patient={patient.pk}"
        in as_front_desk.get(address).content.decode()
    )


def test_the_side_column_counts_and_tries_what_is_typed(as_admin, rule, patient):
    posted = {**opened(as_admin, change(rule)), "rule": rule.pk}
    often = as_admin.post("/admin/automations/rule/often/", posted).content.decode()
    assert '<strong class="rule-count">0</strong>' in often
    posted["conditions"] = posted["conditions"].replace("75", "60")
    often = as_admin.post("/admin/automations/rule/often/", posted).content.decode()
    assert '<strong class="rule-count">1</strong>' in often
    for more in ({}, {"try_patient": "marin"}, {"try_id": patient.pk}):
        tried = as_admin.post("/admin/automations/rule/trial/", {**posted, **more}).content.decode()
        assert "Would run for Maria Marin" in tried
    assert lifecycle.Rule.objects.get(pk=rule.pk).edits == 0
    assert not Run.objects.exists()


def test_the_side_column_refuses_others_and_waits_for_a_whole_rule(as_admin, as_specialist, as_stranger, rule, clinic):
    posted = {**opened(as_admin, change(rule)), "rule": rule.pk}
    for key in ("often", "trial"):
        address = f"/admin/automations/rule/{key}/"
        assert as_specialist.post(address, posted).status_code == 403
        assert as_stranger.post(address, posted).status_code == 404
        assert as_admin.get(address).status_code == 404
    blank = {**posted, "trigger_event": ""}
    assert "Once it is a whole rule" in as_admin.post("/admin/automations/rule/often/", blank).content.decode()


def test_the_list_shows_how_rules_do(as_admin, rule, clinic):
    lifecycle.Rule.objects.filter(pk=rule.pk).update(active_since=clock.now().replace(year=2025))
    shown = as_admin.get("/admin/automations/rule/").content.decode()
    assert "no match in 30 days" in shown
    published(clinic, "appointment.completed", TASK, name="All")
    move(visit(Patient.objects.get(external_id="A-17")), status="completed")
    drain_all()
    assert "1 run in 30 days" in as_admin.get("/admin/automations/rule/").content.decode()


def test_nobody_has_to_choose_settings_of_the_trigger_but_an_empty_post_is_refused(as_admin, rule):
    shown = as_admin.get(change(rule))
    assert shown.context["adminform"].form.fields["trigger_config"].required is False
    posted = {**opened(as_admin, change(rule)), "trigger_config": ""}
    answer = as_admin.post(change(rule), posted)
    assert "This part arrived empty" in answer.content.decode()
    assert lifecycle.Rule.objects.get(pk=rule.pk).edits == 0
