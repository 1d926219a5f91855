"""In a real Chromium: the editor's side column answers while one types; the pages that ask are for everyone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from automations import lifecycle
from automations.models import Run, Step
from automations.tests.builders import document, move, service, visit
from automations.ticking import drain_all
from patients.models import Patient
from tests.browser.test_rule_editor import assert_accessible, edit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LATER = {"type": "create_task", "title": "Call her", "assign_to": "front_desk"}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def ana(clinic):
    """A patient of 63."""
    return Patient.objects.create(
        clinic=clinic, given_name="Ana", family_name="Pop", birth_date="1963-01-05", sex="female"
    )


@pytest.fixture
def rule(clinic, front_desk, ana, patient):
    """A published rule for patients from 65, and visits of one who is and one who is not."""
    service(clinic)
    conditions = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}
    steps = [
        LATER,
        {**LATER, "title": "Again", "timing": {"mode": "delay", "amount": 2, "unit": "weeks", "at": "09:00"}},
    ]
    made = lifecycle.create_rule(
        clinic=clinic,
        name="Call older patients",
        document=document("appointment.completed", *steps, conditions=conditions),
    )
    lifecycle.publish(made)
    for one in (ana, patient):
        move(visit(one), status="completed")
    drain_all()
    return made


def test_the_count_and_the_trial_follow_what_is_typed(live_server, sign_in, as_admin, rule, shoot):
    page = sign_in(as_admin)
    page.set_viewport_size({"width": 1440, "height": 1000})
    edit(page, live_server, rule)
    often, trial = page.locator("#rule-often"), page.locator("#rule-trial")
    often.get_by_text(re.compile("1 run in the last 30 days, out of 2")).wait_for()

    page.get_by_label("Patient to test on").fill("ana")
    page.keyboard.press("Enter")
    trial.get_by_text("Would not run for Ana Pop").wait_for()
    assert "was 63" in trial.inner_text()
    assert_accessible(page)
    shoot("rule-side-column-not", full=False)

    conditions = page.locator('[data-rule-part="conditions"]')
    conditions.get_by_label("value", exact=True).fill("60")
    often.get_by_text(re.compile("2 runs in the last 30 days, out of 2")).wait_for()
    page.get_by_role("button", name="Test", exact=True).click()
    trial.get_by_text("Would run for Ana Pop").wait_for()
    expect(trial.locator("ol.rule-steps > li")).to_have_count(2)
    assert_accessible(page)
    shoot("rule-side-column", full=False)
    assert Run.objects.count() == 1
    assert not Step.objects.filter(patient__given_name="Ana").exists()


def test_why_not_ana_on_a_phone_by_keyboard(live_server, sign_in, as_front_desk, rule, ana, shoot):
    page = sign_in(as_front_desk)
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/admin/automations/rule/{rule.pk}/explain/")
    page.get_by_label("Patient: a name, or an id").focus()
    page.keyboard.type("ana")
    page.keyboard.press("Enter")
    page.get_by_text("She is 63; the rule needs 65.").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_accessible(page)
    shoot("rule-explain-phone")

    page.get_by_role("link", name="What would it do for this patient now?").click()
    page.get_by_text("Would not run for Ana Pop").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_accessible(page)
    shoot("rule-try-phone")


def test_the_back_test_the_list_and_the_publish_page(live_server, sign_in, as_admin, rule, shoot):
    page = sign_in(as_admin)
    for width, suffix in ((1280, ""), (390, "-phone")):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/admin/automations/rule/{rule.pk}/backtest/?days=7")
        page.get_by_text(re.compile("1 run in the last 7 days")).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)
        shoot(f"rule-backtest{suffix}")
        page.goto(f"{live_server.url}/admin/automations/rule/{rule.pk}/do/publish/")
        page.get_by_role("heading", name="What to expect").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)
        shoot(f"rule-publish-expect{suffix}")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/admin/automations/rule/")
    page.get_by_role("img", name="1 run in 30 days").wait_for()
    assert_accessible(page)
    shoot("rule-list-health")
