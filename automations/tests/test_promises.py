"""What clients may rely on: each key exists, says what it is, has an example and a test, and stands in docs/."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from automations import checks
from automations.engine.declare import catalog
from automations.engine.operators import operators_for

ROOT = Path(settings.BASE_DIR)
TRIGGERS = """
patient.onboarded
appointment.booked appointment.confirmed appointment.started appointment.completed appointment.cancelled
appointment.no_show appointment.rescheduled appointment.reassigned appointment.reopened appointment.summary_released
form.signed form.declined form.overdue form.withdrawn
treatment.assigned treatment.completed treatment.session_logged treatment.adherence_dropped
treatment.adherence_recovered
segment.entered segment.exited schedule.date manual api.event
"""
STOP_ONLY = "form.voided treatment.ended"
FACTS = """
patient.age:number patient.sex:choice patient.language:text patient.city:text patient.source:choice
patient.registered_at:date patient.tags:list patient.specialist:reference patient.segments:list patient.access:list
patient.pain_score:number patient.appointment_count:number patient.no_show_count:number
patient.last_appointment_at:date patient.next_appointment_at:date patient.last_session_at:date
patient.signed_forms:list patient.outstanding_forms:list patient.form_answer:any patient.active_plan:boolean
patient.adherence:number patient.messages_received:number patient.consent:list
appointment.service:reference appointment.specialist:reference appointment.starts_at:date
appointment.lead_hours:number appointment.notice_hours:number appointment.old_starts_at:date
appointment.hours_moved:number appointment.series_position:number
form.template:reference form.answer:any form.days_late:number
treatment.plan:reference treatment.specialist:reference treatment.adherence:number
treatment.previous_adherence:number treatment.pain:number
segment.segment:reference segment.reason:choice
"""
PARAMS = """
patient.pain_score:window patient.appointment_count:statuses,services,window patient.no_show_count:window
patient.last_appointment_at:statuses,services patient.next_appointment_at:statuses,services
patient.form_answer:form,question patient.adherence:week patient.messages_received:category,window form.answer:question
"""
OPERATORS = {
    "number": "eq ne lt lte gt gte between is_empty is_not_empty",
    "text": "is is_not contains starts_with is_any_of is_empty is_not_empty",
    "choice": "is_any_of is_none_of is_empty is_not_empty",
    "reference": "is_any_of is_none_of is_empty is_not_empty",
    "boolean": "is is_empty is_not_empty",
    "date": "before after on in_last in_next more_than_ago is_empty is_not_empty",
    "list": "has_any_of has_all_of has_none_of is_empty is_not_empty",
}
CHANGES = "changed changed_from changed_to"
CHANGING = {"appointment.starts_at", "appointment.specialist"}
ACTIONS = """
require_form:form,due_in_days,blocking,notify send_email:template,to
send_notification:template,title,body,to,link grant_access:feature,days revoke_access:feature
create_task:title,details,assign_to,due_in_days,priority add_to_segment:segment remove_from_segment:segment
cancel_form:form assign_specialist:specialist add_tag:tag stop_rule:rule
"""
NOT_YET = {"call_webhook"}
"""Comes with webhooks."""
ANCHORS = "appointment.starts_at form.due_at plan.ends_on"


def pairs(text: str) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (word.partition(":") for word in text.split())]


def lines(page: str, key: str) -> list[str]:
    return [line for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines() if f"`{key}`" in line]


def naming_tests(key: str, pattern: str) -> list[Path]:
    folders = [Path(one.path) / "tests" for one in apps.get_app_configs() if Path(one.path).is_relative_to(ROOT)]
    files = [path for folder in folders for path in folder.rglob(pattern) if path.name != Path(__file__).name]
    return [path for path in files if f'"{key}"' in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("key", TRIGGERS.split())
def test_each_trigger_is_there_and_starts_rules(key):
    trigger = catalog.triggers[key]
    assert not trigger.stop_only
    assert trigger.label
    assert type(trigger).__doc__
    assert lines("rules.md", key)
    assert lines("spec.md", key)


@pytest.mark.parametrize("key", STOP_ONLY.split())
def test_each_stop_only_key_is_there_and_starts_none(key):
    assert catalog.triggers[key].stop_only
    assert lines("rules.md", key)


@pytest.mark.parametrize(("key", "kind"), pairs(FACTS))
def test_each_fact_is_there_with_its_type_its_example_and_a_test_that_names_it(key, kind):
    fact = catalog.facts[key]
    assert fact.type.value == kind
    assert fact.label
    assert fact.doc
    assert fact.example["field"] == key
    assert lines("rules.md", key)
    assert lines("spec.md", key)
    assert naming_tests(key, "test_*.py")


@pytest.mark.parametrize(("key", "names"), pairs(PARAMS))
def test_the_settings_of_facts_are_those_that_clients_write(key, names):
    assert set(names.split(",")) <= {param.name for param in catalog.facts[key].params}


@pytest.mark.parametrize("kind", OPERATORS)
def test_each_type_has_its_operators_and_no_other(kind):
    assert set(operators_for(kind)) == set(OPERATORS[kind].split())
    changes = {"changed"} if kind == "list" else set(CHANGES.split())
    assert set(operators_for(kind, change=True)) - set(operators_for(kind)) == changes


@pytest.mark.parametrize("key", sorted({*CHANGES.split(), *" ".join(OPERATORS.values()).split()}))
def test_each_operator_stands_in_the_documentation_and_in_a_test(key):
    assert lines("rules.md", key)
    assert lines("spec.md", key)
    assert naming_tests(key, "test_*.py")


def test_facts_that_change_are_those_whose_event_carries_both_values():
    assert {key for key, fact in catalog.facts.items() if fact.change} == CHANGING


@pytest.mark.parametrize(("key", "names"), pairs(ACTIONS))
def test_each_action_is_there_with_its_parameters_and_a_line(key, names):
    action = catalog.actions[key]
    assert action.label
    assert type(action).__doc__
    assert set(names.split(",")) <= {param.name for param in action.params}
    assert lines("rules.md", key) or f"(`{key}`)" in (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert lines("spec.md", key)


def test_what_is_not_there_yet_is_named():
    assert not NOT_YET & set(catalog.actions)


@pytest.mark.parametrize("key", ANCHORS.split())
def test_each_anchor_is_there(key):
    assert key in catalog.anchors
    assert lines("rules.md", key)


def test_nothing_in_the_catalog_lacks_a_label_a_docstring_or_a_valid_example():
    assert [str(problem) for problem in checks.problems(catalog)] == []
