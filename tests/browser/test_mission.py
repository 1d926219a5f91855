"""The five rules of the mission, each installed, set off and looked at through the admin in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from appointments import services as visits
from appointments.models import Appointment, Service
from automations import ticking
from automations.models import Rule, Step
from clinic import clock
from forms_app.models import FormRequest
from messaging.testing.mailserver import MailServer
from treatments.sessions import record_pain
from treatments.tests.builders import make_plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mailbox(settings: Any) -> Any:
    """A real SMTP server that takes everything."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def admin_page(live_server: Any, sign_in: Callable[[Any], Any], as_admin: Any, specialist: Any) -> Any:
    """A page in which the clinic's admin is signed in."""
    page = sign_in(as_admin)
    page.set_viewport_size({"width": 1280, "height": 900})
    return page


def go(page: Any, live_server: Any, address: str) -> None:
    page.goto(f"{live_server.url}/admin/{address}")


def install(page: Any, live_server: Any, name: str) -> Rule:
    """Install a recipe from its page, switched on."""
    go(page, live_server, "automations/rule/")
    page.get_by_role("link", name="Recipes").click()
    page.set_default_timeout(10_000)
    card = page.locator("section", has=page.get_by_role("heading", name=name, exact=True))
    card.locator("input[value=on]").check()
    card.get_by_role("button", name="Install").click()
    page.get_by_text("Installed:").wait_for()
    rule = Rule.objects.get(name=name)
    assert rule.mode == "on"
    return rule


def pass_time(**span: float) -> None:
    """Let time pass and everything be done that falls due."""
    for _stop in ticking.walk_to(clock.now() + timedelta(**span)):
        pass


def press(page: Any, live_server: Any, visit: Appointment, button: str, told: str) -> None:
    """Press a button of a visit's page."""
    go(page, live_server, f"appointments/appointment/{visit.pk}/change/")
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_text(told).first.wait_for()


def steps_on_the_page(page: Any, live_server: Any, rule: Rule) -> str:
    """Open the newest run of a rule and return what its page says of the steps."""
    go(page, live_server, f"automations/run/?rule__id__exact={rule.pk}")
    run = rule.runs.order_by("-pk").first()
    go(page, live_server, f"automations/run/{run.pk}/change/")
    return str(page.locator("#content").inner_text())


def subjects(mailbox: MailServer) -> list[str]:
    return [str(message["Subject"]) for message in mailbox.taken]


def states(rule: Rule) -> list[str]:
    return list(Step.objects.filter(rule=rule).order_by("pk").values_list("state", flat=True))


def a_visit(patient: Any, specialist: Any, **fields: Any) -> Appointment:
    """Book an initial evaluation for the day after tomorrow, unless told otherwise."""
    given = {"starts_at": clock.now() + timedelta(days=2), "specialist": specialist} | fields
    service = Service.objects.filter(clinic=patient.clinic, slug="initial-evaluation").first()
    service = service or visits.create_service(
        clinic=patient.clinic, slug="initial-evaluation", name="Initial Evaluation", minutes=45
    )
    return visits.book(clinic=patient.clinic, patient=patient, service=service, **given)


def test_onboarding(live_server, admin_page, mailbox, shoot):
    page = admin_page
    rule = install(page, live_server, "Onboarding")
    go(page, live_server, "patients/patient/add/")
    page.get_by_label("Given name").fill("Ana")
    page.get_by_label("Family name").fill("Pop")
    page.get_by_label("Email", exact=True).fill("ana@patients.example")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/patients/patient/")

    pass_time(minutes=5)

    assert subjects(mailbox) == ["North Clinic: 2 forms for you", "Welcome to North Clinic"]
    asked = FormRequest.objects.order_by("pk").values_list("template__slug", "status")
    assert list(asked) == [("privacy-policy-consent", "required"), ("telerehabilitation-consent", "required")]
    assert states(rule) == ["done"] * 3
    text = steps_on_the_page(page, live_server, rule)
    assert "Ana Pop" in text
    shoot("mission-onboarding")


def test_appointment_preparation(live_server, admin_page, mailbox, patient, specialist, shoot):
    page = admin_page
    rule = install(page, live_server, "Appointment preparation")
    visit = a_visit(patient, specialist)
    press(page, live_server, visit, "Confirm", "Confirmed.")

    pass_time(minutes=5)

    assert sorted(subjects(mailbox)) == ["How to prepare for the visit", "North Clinic: a form for you"]
    assert states(rule) == ["done"] * 3
    assert [note.link_kind for note in specialist.notifications.all()] == ["patient_summary"]
    steps_on_the_page(page, live_server, rule)
    shoot("mission-preparation")


def test_follow_up(live_server, admin_page, mailbox, patient, specialist, shoot):
    page = admin_page
    rule = install(page, live_server, "Follow-up after an initial evaluation")
    visit = a_visit(patient, specialist)
    press(page, live_server, visit, "Complete", "Completed.")
    ticking.drain_all()
    assert states(rule) == ["pending"] * 3
    go(page, live_server, "appointments/visitsummary/add/")
    choose(page, "Initial Evaluation")
    page.get_by_label("Text").fill("Rest for two days.")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("button", name="Release to the patient").click()
    page.get_by_text("Released; the patient may read it.").wait_for()
    pass_time(hours=1)
    assert len(mailbox.taken) == 1
    assert "Rest" not in mailbox.taken[0].as_string()

    pass_time(hours=24)
    assert FormRequest.objects.get().template.slug == "satisfaction-survey"
    pass_time(days=14)

    assert states(rule) == ["done"] * 3
    assert len(mailbox.taken) == 3
    steps_on_the_page(page, live_server, rule)
    shoot("mission-follow-up")


def choose(page: Any, words: str) -> None:
    """Choose in a list that is searched by typing."""
    page.locator(".select2-selection").first.click()
    page.locator(".select2-results__option", has_text=words).first.click()


def test_adherence(live_server, admin_page, mailbox, patient, specialist, shoot):
    page = admin_page
    rule = install(page, live_server, "A patient falls behind with the exercises")
    make_plan(patient, 4, specialist=specialist)

    pass_time(days=15)

    assert states(rule) == ["done"] * 3
    assert len(mailbox.taken) == 1
    assert specialist.notifications.count() == 1
    go(page, live_server, "worklist/task/")
    assert str(patient) in page.locator("#content").inner_text()
    steps_on_the_page(page, live_server, rule)
    shoot("mission-adherence")


def test_smart_targeting(live_server, admin_page, mailbox, patient, admin, shoot):
    page = admin_page
    rule = install(page, live_server, "Smart targeting: high pain and inactive")
    record_pain(clinic=patient.clinic, patient=patient, value=8)

    pass_time(minutes=5)

    assert states(rule) == ["done"] * len(rule.published.actions)
    assert len(mailbox.taken) == 1
    assert admin.notifications.count() == 1
    go(page, live_server, "worklist/task/")
    assert "check-up" in page.locator("#content").inner_text()
    steps_on_the_page(page, live_server, rule)
    shoot("mission-smart-targeting")
