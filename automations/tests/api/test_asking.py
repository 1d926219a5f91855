"""Dry runs, back-tests and explanations over the API; nothing is written or sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations import ticking
from automations.models import Event, Run, Step
from automations.tests.api.bodies import SENIORS, errors
from automations.tests.builders import move, published, titles, visit
from clinic import clock
from tests.callers import Caller

pytestmark = pytest.mark.django_db
LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}


def test_a_dry_run_says_what_would_follow_when(api, clinic, patient):
    published(clinic, "appointment.completed", LATER, conditions=SENIORS)
    visit_ = visit(patient)
    events = Event.objects.count()
    body = {"patient": {"external_id": "A-17"}, "subject": str(visit_.pk), "at": "2026-11-30T09:00:00+02:00"}
    found = api.post("automations/rules/rule/dry-run/", body)
    assert found.status_code == 200
    assert found.json() == {
        "outcome": "matched",
        "reason": None,
        "verdict": {
            "match": "all",
            "result": True,
            "items": [{"field": "patient.age", "op": "gte", "value": 65, "actual": 69, "result": True}],
        },
        "steps": [
            {
                "action": {"id": "a1", "type": "jot"},
                "state": "pending",
                "due_at": "2026-12-02T09:00:00+02:00",
                "not_after": None,
                "waiting_for": None,
                "reason": None,
                "only_if": None,
                "blanks": [],
            }
        ],
        "at": "2026-11-30T09:00:00+02:00",
        "subject": {"type": "appointment", "id": str(visit_.pk)},
    }
    assert (Event.objects.count(), Run.objects.count(), titles()) == (events, 0, [])


def test_a_dry_run_that_does_not_match_says_why(api, clinic, patient):
    published(clinic, conditions={"match": "none", "items": SENIORS["items"]})
    found = api.post("automations/rules/rule/dry-run/", {"patient": str(patient.pk)}).json()
    assert (found["outcome"], found["reason"]["code"], found["steps"]) == ("not_matched", "conditions", [])
    assert "the rule needs less than 65" in found["reason"]["text"]


def test_a_dry_run_names_the_condition_as_explaining_does(api, clinic, patient):
    asked = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 120}]}
    published(clinic, conditions=asked)
    found = api.post("automations/rules/rule/dry-run/", {"patient": str(patient.pk)}).json()
    assert found["reason"]["text"].endswith("; the rule needs 120.")


def test_a_backtest_counts(api, clinic, patient):
    for _ in range(3):
        move(visit(patient), status="completed")
    ticking.drain_all()
    published(clinic, conditions=SENIORS)
    found = api.post("automations/rules/rule/backtest/", {"days": 7}).json()
    assert (found["days"], found["evaluated"], found["matched"], found["steps"]) == (7, 3, 3, {"a1": 3})
    assert (len(found["per_day"]), found["per_day"][-1]["count"], found["unknown_facts"]) == (7, 3, [])
    assert not Run.objects.exists()
    assert api.post("automations/rules/rule/backtest/").json()["days"] == 30


def test_a_browser_backtests_for_the_clinics_admin_alone(clinic, as_admin, as_specialist, as_front_desk, patient):
    rule = published(clinic)
    page = f"/admin/automations/rule/{rule.pk}/backtest/"
    for browser, expected in ((as_admin, 200), (as_specialist, 403), (as_front_desk, 403)):
        assert Caller(client=browser).post("automations/rules/rule/backtest/", {"days": 7}).status_code == expected
        assert browser.get(page).status_code == expected
        assert (page in browser.get(f"/admin/automations/rule/{rule.pk}/change/").content.decode()) == (expected == 200)


def test_why_it_ran_and_why_it_did_not(api, clinic, patient):
    published(clinic, conditions=SENIORS)
    move(visit(patient), status="completed")
    ticking.drain_all()
    found = api.get(f"automations/explain/?rule=rule&patient={patient.pk}").json()
    run = Run.objects.get()
    assert found["text"]
    assert [(one["event"], one["outcome"], one["run"]) for one in found["events"]] == [
        (str(run.event_id), "matched", str(run.pk))
    ]
    type(patient).objects.filter(pk=patient.pk).update(birth_date=clock.now().date() - timedelta(days=63 * 366))
    move(visit(patient), status="completed")
    ticking.drain_all()
    newest = api.get(f"automations/explain/?rule=rule&patient={patient.pk}").json()["events"][0]
    assert (newest["outcome"], newest["reason"]["code"], newest["verdict"]["result"]) == (
        "not_matched",
        "conditions",
        False,
    )
    assert Step.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("patient={own}", "/rule"),
        ("rule=rule", "/patient"),
        ("rule=rule&patient={foreign}", "/patient"),
        ("rule=x", "/rule"),
    ],
)
def test_a_question_needs_a_rule_and_a_patient_of_the_clinic(api, clinic, patient, stranger_patient, query, path):
    published(clinic)
    answer = api.get("automations/explain/?" + query.format(own=patient.pk, foreign=stranger_patient.pk))
    assert (answer.status_code, errors(answer)) == (422, [(path, "not_found")])


def test_another_clinics_patient_is_not_tried(api, clinic, stranger_patient):
    published(clinic)
    answer = api.post("automations/rules/rule/dry-run/", {"patient": str(stranger_patient.pk)})
    assert (answer.status_code, errors(answer)) == (422, [("/patient", "not_found")])


def test_a_moment_of_long_ago_is_written_as_rfc_3339_has_it(api, clinic, patient):
    """Bucharest's clocks stood 1:44:24 ahead until 1931; an offset has whole minutes only."""
    published(clinic)
    found = api.post("automations/rules/rule/dry-run/", {"patient": str(patient.pk), "at": "1920-06-01T12:00:00Z"})
    assert (found.status_code, found.json()["at"]) == (200, "1920-06-01T12:00:00Z")
