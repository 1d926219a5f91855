"""A clinic admin builds a rule in a real Chromium."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from accounts.models import User
from automations import lifecycle
from automations.models import Rule, Run, Step
from automations.tests.admin.follow_up import FOLLOW_UP
from automations.tests.builders import move, published, service, visit
from automations.ticking import drain_all
from clinic.testing import rounds
from staff import demo
from tests.cast import client_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def follow_up(clinic, front_desk):
    """A rule written elsewhere, with something of everything."""
    service(clinic)
    service(clinic, "physiotherapy")
    return lifecycle.create_rule(clinic=clinic, name="Follow-up after an initial evaluation", document=FOLLOW_UP)


def edit(page: Any, live_server: Any, rule: Any) -> None:
    """Open a rule's editor and wait until it is ready."""
    page.goto(f"{live_server.url}/admin/automations/rule/{rule.pk}/change/")
    page.wait_for_selector(".rule-ready")


def assert_accessible(page: Any) -> None:
    """Let axe look at the finished page: nothing serious or critical.

    Before its font is there, the name of an icon stands as pale text, which axe is right to dislike.
    """
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")
    found = Axe().run(page).response["violations"]
    bad = [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not bad, "\n".join(bad)


def test_a_rule_written_elsewhere_survives_open_and_save(live_server, sign_in, as_admin, follow_up, shoot):
    page = sign_in(as_admin)
    before = Rule.objects.get(pk=follow_up.pk).draft
    edit(page, live_server, follow_up)
    shoot("rule-editor-survives")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/automations/rule/")
    fresh = Rule.objects.get(pk=follow_up.pk)
    assert fresh.draft == before
    assert fresh.edits == 1


def add_conditions(page: Any) -> None:
    """Ask for patients of 65 and more, and for a service."""
    page.get_by_role("button", name="+ Add condition").first.click()
    line = page.get_by_role("combobox", name="Field 1")
    assert "Form · Days late" not in line.inner_text()
    line.select_option(label="Patient · Age")
    conditions = page.locator('[data-rule-part="conditions"]')
    conditions.get_by_label("is", exact=True).select_option("gte")
    conditions.get_by_label("value", exact=True).fill("65")
    page.get_by_role("button", name="+ Add condition").first.click()
    page.get_by_role("combobox", name="Field 2").select_option(label="Appointment · Service")
    box = conditions.locator(".rjf-multiselect-field-input")
    box.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Initial Evaluation").check()
    page.keyboard.press("Escape")


def add_task(page: Any) -> None:
    """Add a task for the front desk after two weeks."""
    page.get_by_role("button", name="+ Add step").click()
    page.get_by_role("combobox", name="Step 1").select_option(label="Create a task")
    actions = page.locator('[data-rule-part="actions"]')
    actions.get_by_label("what to do").fill("Call the patient")
    actions.get_by_label("for", exact=True).select_option("front_desk")
    expect(actions.get_by_label("how long")).to_be_hidden()
    actions.get_by_label("When", exact=True).select_option("delay")
    actions.get_by_label("how long").fill("2")
    actions.get_by_label("unit").select_option("weeks")


def test_a_person_builds_and_publishes_a_rule(live_server, sign_in, as_admin, clinic, front_desk, shoot):
    service(clinic)
    page = sign_in(as_admin)
    page.goto(f"{live_server.url}/admin/automations/rule/add/")
    page.wait_for_selector(".rule-ready")
    page.get_by_label("Name").fill("Call older patients")
    page.get_by_label("When this happens").select_option("appointment.completed")
    page.locator("#id_stop_on input[value='appointment.reopened']:checked").wait_for()
    add_conditions(page)
    add_task(page)

    sentence = page.locator("#rule-sentence")
    sentence.get_by_text(re.compile("is at least 65 and .*Service is any of Initial Evaluation")).wait_for()
    assert "after 2 weeks" in sentence.inner_text()
    assert not Rule.objects.exists()
    assert_accessible(page)
    shoot("rule-editor-built")

    page.get_by_role("button", name="Save and publish").click()
    page.get_by_role("heading", name="What changes").wait_for()
    assert_accessible(page)
    shoot("rule-publish")
    assert Rule.objects.get().mode == "draft"
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("published as version 1").wait_for()

    rule = Rule.objects.get()
    assert rule.mode == "on"
    assert rule.published.trigger == "appointment.completed"
    assert rule.published.conditions["items"] == [
        {"field": "patient.age", "op": "gte", "value": 65},
        {"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation"]},
    ]
    [action] = rule.published.actions
    assert (action["title"], action["assign_to"]) == ("Call the patient", "front_desk")
    assert action["timing"] == {"mode": "delay", "amount": 2, "unit": "weeks", "at": None} or action["timing"] == {
        "mode": "delay",
        "amount": 2,
        "unit": "weeks",
    }


def test_an_error_is_marked_at_its_line_and_the_marks_go_when_lines_move(
    live_server, sign_in, as_admin, follow_up, shoot
):
    page = sign_in(as_admin)
    edit(page, live_server, follow_up)
    page.locator('[id="rule.actions.1.title"]').fill("")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("Nothing was saved. Look at:").wait_for()
    wrong = page.locator('[id="rule.actions.1.title"]')
    assert wrong.get_attribute("aria-invalid") == "true"
    assert_accessible(page)
    shoot("rule-editor-errors")
    page.get_by_role("button", name="Move up: Step 2").click()
    page.wait_for_function("document.querySelectorAll('.rule-part [aria-invalid]').length === 0")
    page.locator('[id="rule.actions.0.title"]').fill("Earlier now")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/automations/rule/")
    assert [one["title"] for one in Rule.objects.get().draft["actions"]] == ["Earlier now", "Call “her”", "Then"]


def test_another_trigger_offers_its_own_facts_and_names_what_is_lost(live_server, sign_in, as_admin, follow_up):
    page = sign_in(as_admin)
    edit(page, live_server, follow_up)
    first = page.get_by_role("combobox", name="Field 1").first
    assert first.evaluate("one => one.selectedOptions[0].text") == "Appointment · Service"
    page.get_by_label("When this happens").select_option("patient.onboarded")
    page.locator("option", has_text="(not available) appointment.service").first.wait_for(state="attached")
    assert first.evaluate("one => one.selectedOptions[0].text") == "(not available) appointment.service"
    assert "Appointment · Start" not in first.inner_text()
    before = Rule.objects.get().draft
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Nothing was saved. Look at:").wait_for()
    assert Rule.objects.get().draft == before
    page.get_by_label("When this happens").select_option("appointment.completed")
    page.locator("option", has_text="(not available) appointment.service").first.wait_for(state="detached")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/automations/rule/")
    assert Rule.objects.get().draft == before


@pytest.mark.proof
def test_the_demos_rules_survive_open_and_save(live_server, sign_in, shoot):
    demo.seed()
    page = sign_in(client_of(User.objects.get(username="admin@harbour.example")))
    page.set_viewport_size({"width": 1280, "height": 1240})
    slugs = sorted(Rule.objects.filter(clinic__slug="harbour").values_list("slug", flat=True))[:: rounds(6, 1)]
    rules = Rule.objects.filter(clinic__slug="harbour", slug__in={*slugs, "follow-up-initial-evaluation"})
    before = dict(rules.values_list("slug", "draft"))
    assert "follow-up-initial-evaluation" in before
    for rule in rules:
        edit(page, live_server, rule)
        shoot(f"demo-{rule.slug}", full=False)
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url("**/admin/automations/rule/")
    assert dict(rules.values_list("slug", "draft")) == before
    assert set(rules.values_list("edits", flat=True)) == {1}
    assert_accessible(page)


def test_without_javascript_nothing_is_emptied(browser, live_server, as_admin, follow_up):
    before = Rule.objects.get().draft
    context = browser.new_context(java_script_enabled=False)
    cookie = as_admin.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/automations/rule/{follow_up.pk}/change/")
    assert "built by a script" in page.content()
    with page.expect_navigation():
        page.locator("button[name=_save]").click()
    expect(page.get_by_text("arrived empty").first).to_be_visible()
    context.close()
    assert Rule.objects.get().draft == before


@pytest.mark.proof(only=True)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")])
def test_the_pages_are_accessible_in_every_light_and_width(
    browser, live_server, sign_in, as_admin, follow_up, patient, shoot, page, width, scheme
):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    sign_in(as_admin)
    published(follow_up.clinic, name="Jot", conditions=AGE)
    move(visit(patient), status="completed")
    drain_all()
    run, step = Run.objects.get(), Step.objects.get()
    for name, address in {
        "rules": "rule/",
        "rule-editor": f"rule/{follow_up.pk}/change/",
        "rule-pause": f"rule/{run.rule_id}/do/pause/",
        "run": f"run/{run.pk}/change/",
        "step": f"step/{step.pk}/change/",
        "event": f"event/{run.event_id}/change/",
    }.items():
        page.goto(f"{live_server.url}/admin/automations/{address}")
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        shoot(f"{name}-{width}-{scheme}")
        assert wide <= 0, f"{name} is {wide} px too wide."
        assert_accessible(page)


AGE = {
    "match": "any",
    "items": [
        {"field": "patient.age", "op": "gte", "value": 99},
        {
            "field": "group",
            "match": "all",
            "items": [
                {"field": "patient.age", "op": "gte", "value": 65},
                {"field": "patient.language", "op": "is", "value": "EN"},
            ],
        },
    ],
}
