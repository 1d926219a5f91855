"""A patient signs on a phone: real Chromium, no JavaScript, 390 px, by keyboard, in the dark, from right to left."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from clinic.testing import rounds
from clinic.testing.browser import picture
from forms_app.links import make_token
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, make_template

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Any]


@pytest.fixture
def phone() -> Visit:
    """Return a function that drives a page on a phone in a thread of its own, away from Django's database."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but there is no {CHROMIUM}.")
        pytest.skip(f"There is no {CHROMIUM}; REQUIRE_BROWSER=1 makes this a failure.")

    def visit(job: Callable[[Page], Any], **settings: Any) -> Any:
        outcome: dict[str, Any] = {}

        def drive() -> None:
            try:
                with sync_playwright() as playwright:
                    browser: Browser = playwright.chromium.launch(
                        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                    )
                    context = browser.new_context(
                        viewport={"width": 390, "height": 844}, **({"java_script_enabled": False} | settings)
                    )
                    outcome["value"] = job(context.new_page())
                    browser.close()
            except BaseException as error:
                outcome["error"] = error

        thread = threading.Thread(target=drive)
        thread.start()
        thread.join(timeout=90)
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    return visit


def enter(page: Page, url: str) -> None:
    """Open the link with the date of birth of Maria, 2 March 1957."""
    page.goto(url)
    for name, typed in (("Day", "2"), ("Month", "3"), ("Year", "1957")):
        page.locator(f"#{name.lower()}").fill(typed)
    page.locator("button.main").click()
    page.wait_for_url(url)


def test_a_patient_signs_and_answers_without_javascript(live_server, patient, phone):
    consent = ask(patient, make_template(patient.clinic, "privacy", text="I agree to the privacy policy."))
    pain = ask(patient, make_template(patient.clinic, "pain", "questionnaire"))
    url = f"{live_server.url}/f/{make_token(patient)}/"
    others: list[str] = []

    def job(page: Page) -> str:
        page.on("request", lambda request: others.append(request.url))
        enter(page, url)
        page.get_by_role("link", name="Privacy").click()
        page.get_by_role("button", name="Sign").click()
        page.get_by_role("link", name="Your agreement").click()
        assert page.url.endswith("#agree")
        page.get_by_label("I have read this and I agree.").check()
        page.get_by_label("Your full name").fill("Maria Marin")
        page.get_by_role("button", name="Sign").click()
        expect(page.get_by_role("status")).to_have_text("Thank you: “Privacy” is signed.")
        page.get_by_role("link", name="Pain").click()
        page.get_by_label("Your goal").fill("run again")
        page.get_by_label("Your full name").fill("Maria Marin")
        page.get_by_role("button", name="Submit").click()
        assert page.get_by_label("Your goal").input_value() == "run again"
        expect(page.get_by_role("alert").get_by_role("link")).to_have_text("How strong is your pain?")
        page.get_by_label("7", exact=True).check()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("status")).to_have_text("Thank you: “Pain” is submitted.")
        return page.locator("main").inner_text()

    assert "There is nothing for you to fill in right now." in phone(job)
    assert all(one.startswith((live_server.url, "data:")) for one in others)
    consent.refresh_from_db()
    pain.refresh_from_db()
    assert (consent.status, pain.status) == ("signed", "submitted")
    assert pain.responses.get().answers == {"pain": 7, "goal": "run again"}


def test_the_keyboard_alone_is_enough(live_server, patient, phone):
    request = ask(patient, make_template(patient.clinic))
    url = f"{live_server.url}/f/{make_token(patient)}/"

    def job(page: Page) -> None:
        enter(page, url)
        page.goto(f"{url}{request.pk}/")
        page.keyboard.press("Tab")
        for _step in range(20):
            focused = page.locator(":focus")
            name = focused.get_attribute("name") if focused.count() else None
            if name == "agree":
                page.keyboard.press("Space")
            if name == "signed_by":
                page.keyboard.type("Maria Marin")
                page.keyboard.press("Enter")
                break
            page.keyboard.press("Tab")
        page.get_by_role("status").wait_for()

    phone(job)
    assert FormRequest.objects.get().status == "signed"


@pytest.mark.proof
@pytest.mark.parametrize(
    ("language", "scheme"), [("ar", "dark"), ("en", "light"), ("ar", "light"), ("en", "dark")][: rounds(1, 4)]
)
def test_nothing_is_cut_off_and_every_text_stands_out(live_server, patient, phone, language, scheme):
    patient.language = language
    patient.save()
    for kind in ("consent", "questionnaire"):
        ask(patient, make_template(patient.clinic, kind, kind))
    url = f"{live_server.url}/f/{make_token(patient)}/"
    pages = [
        url,
        *(f"{url}{pk}/" for pk in FormRequest.objects.values_list("pk", flat=True)),
        f"{live_server.url}/f/x/",
    ]
    closed = f"{live_server.url}/f/{make_token(patient)}/"
    pages.append(closed)

    def job(page: Page) -> list[tuple[str, Any]]:
        found = []
        enter(page, url)
        for number, address in enumerate(pages):
            page.goto(address)
            found.append((address, page.evaluate(MEASURE)))
            picture(page, f"form-{language}-{scheme}-{number}")
        return found

    for address, measured in phone(job, java_script_enabled=True, color_scheme=scheme):
        assert measured["width"] <= 390, address
        assert measured["small"] == [], address
        assert measured["pale"] == [], address
        assert measured["direction"] == ("rtl" if language == "ar" and "/f/x/" not in address else "ltr"), address


# Reads the page as it is painted: its width, targets under 44 px, and texts whose contrast with the paper is under 4.5.
MEASURE = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const colour = numbers(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const shown = [...document.querySelectorAll("main *, header *, footer *")].filter((e) => e.getClientRects().length);
  const pale = shown.filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .filter((e) => {
      const [a, b] = [light(numbers(getComputedStyle(e).color)), light(paper(e))].sort();
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    }).map((e) => e.outerHTML.slice(0, 80));
  const small = shown.filter((e) => e.matches("button, input[type=text], input[type=date], textarea, label.option"))
    .filter((e) => e.getBoundingClientRect().height < 43.5).map((e) => e.outerHTML.slice(0, 80));
  const direction = getComputedStyle(document.body).direction;
  return { width: document.documentElement.scrollWidth, small, pale, direction };
}"""
