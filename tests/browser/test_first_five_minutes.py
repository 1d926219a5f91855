"""The four numbered steps of the first five minutes, against `make demo` itself: its servers, workers, mails, history.

Its hundred days must be lived through first, so it runs when it is asked for:
`PROOF=1 .venv/bin/python -m pytest -n 0 tests/browser/test_first_five_minutes.py`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from automations.recipes import slugs
from clinic.testing import PROOF
from clinic.testing.demo import HISTORY_SECONDS
from staff.demo import rules

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from clinic.testing.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
SOON = 60_000
"""How many milliseconds to wait for the phone. On a quiet machine it buzzes within three seconds; this is no race."""
WALK = 240_000
"""How many milliseconds two weeks of sixty patients may take."""

ASKED = """
import json
from automations.models import Run, Step
from patients.models import Patient
ran = Run.objects.filter(outcome="matched", clinic__slug="harbour").values_list("rule__slug", flat=True).distinct()
errors, failed = Run.objects.filter(outcome="error").count(), Step.objects.filter(state="failed").count()
print(json.dumps({"ran": sorted(ran), "patients": Patient.objects.count(), "errors": errors, "failed": failed}))
"""


def test_the_first_five_minutes(demo, page):
    if not PROOF:
        pytest.skip("a hundred days take minutes; PROOF=1 and this file alone live through them")
    demo.environment["DEMO_DAYS"] = "100"
    demo.start(HISTORY_SECONDS)
    every_rule_has_run(demo)
    page.set_default_timeout(20_000)
    page.goto(f"http://127.0.0.1:{demo.port}/")

    completing_a_visit_reaches_the_phone(page)
    time_passes_at_a_button(page)
    a_cancelled_visit_strikes_its_reminder(page)
    why_not_ana(page)


def every_rule_has_run(demo: Demo) -> None:
    """The history that lies behind: sixty patients, every shipped rule at work, nothing broken."""
    found = json.loads(demo.manage("shell", "-v", "0", "-c", ASKED).stdout.splitlines()[-1])
    assert set(found["ran"]) == {*slugs(), rules.SLUG}
    assert (found["patients"], found["errors"], found["failed"]) == (60, 0, 0)


def completing_a_visit_reaches_the_phone(page: Page) -> None:
    """Step 1: complete Maria's visit; the phone buzzes, and tomorrow and two weeks ahead stand on the line."""
    desk, handset = page.frame_locator("iframe[name=desk]"), page.locator("#handset")
    visit = desk.locator("#today-list li.visit", has_text="Maria Marin")
    visit.get_by_role("button", name=re.compile("Complete")).first.click()
    page.wait_for_selector("#handset[data-buzzed]", timeout=SOON)
    assert "Thank you for coming today" in inbox(page)
    page.wait_for_function("document.querySelector('#flow-1').innerText.includes('tomorrow')", timeout=SOON)
    assert "in 2 weeks" in page.locator("#flow-1").inner_text()
    assert handset.is_visible()


def time_passes_at_a_button(page: Page) -> None:
    """Step 2: a day, two weeks, Monday noon; the survey, the reminder and the word about the exercises arrive."""
    before = mails(page)
    for name in ("+24 hours", "+2 weeks", "Next Monday noon"):
        with page.expect_navigation(timeout=WALK):
            page.get_by_role("button", name=name).click(timeout=WALK, no_wait_after=True)
    page.frame_locator("iframe[name=phone]").get_by_text("Shall we go on?").first.wait_for()
    new = [subject for address, subject in mails(page).items() if address not in before]
    for words in ("forms? for you", "Shall we go on\\?", "A word from"):  # what is open besides comes in one mail
        assert any(re.search(words, subject) for subject in new), (words, new)


def a_cancelled_visit_strikes_its_reminder(page: Page) -> None:
    """Step 3: cancel the visit to come; its reminder is struck out, and says why."""
    line = page.locator("#flow-2 li.step", has_text="Reminder 24 hours before a visit")
    assert line.count() == 1
    with page.expect_navigation():
        page.locator("#flow-2").get_by_role("button", name="Cancel this visit").first.click()
    struck = page.locator("#flow-2 li.struck-out", has_text="Reminder 24 hours before a visit")
    struck.wait_for()
    expect(struck.locator("s")).to_have_count(1)
    assert struck.locator(".reason").inner_text().strip()


def why_not_ana(page: Page) -> None:
    """Step 4: ask why not Ana; with another number the count moves while one types."""
    page.get_by_text("Why not Ana?").click()
    page.get_by_text("She is 63; the rule needs 65.").wait_for()
    count = page.locator("#what-if-count")
    before = count.inner_text()
    page.get_by_label("Age ≥").fill("60")
    page.wait_for_function("before => document.querySelector('#what-if-count').innerText !== before", arg=before)
    assert int(count.inner_text().split()[0]) > int(before.split()[0])


def inbox(page: Page) -> str:
    """Return what stands on the phone."""
    return page.frame_locator("iframe[name=phone]").locator("#inbox").inner_text()


def mails(page: Page) -> dict[str, str]:
    """Return the mails on the phone: their subjects, by their addresses."""
    rows = page.frame_locator("iframe[name=phone]").locator("#inbox a")
    return {str(row.get_attribute("href")): row.inner_text() for row in rows.all()}
