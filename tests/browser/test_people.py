"""Patients, and what rules do for them, as the front desk and a specialist see them in Chromium."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from automations import lifecycle, ticking
from automations.models import Run, Step
from automations.tests.builders import move, visit
from clinic.clock import now
from patients.models import Contact, Patient
from patients.services import grant_access
from treatments.services import record_pain
from treatments.tests.builders import make_plan, make_session, make_week

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CALL = {"type": "create_task", "title": "Ask how she is", "assign_to": "front_desk"}
LATER = {"mode": "delay", "amount": 2, "unit": "weeks"}


def rule(clinic: Any, name: str, least: int = 65) -> Any:
    """Publish a rule on completed visits of people of that age: a task at once, and one in two weeks."""
    document = {
        "trigger_event": "appointment.completed",
        "conditions": {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": least}]},
        "actions": [CALL, {**CALL, "title": "Book the next visit", "timing": {**LATER, "amount": 1}}],
    }
    return lifecycle.publish(lifecycle.create_rule(clinic=clinic, name=name, document=document))


@pytest.fixture
def world(clinic: Any, patient: Any, specialist: Any) -> Any:
    """Maria with a past and plans, others beside her, and two rules of which one leaves her out."""
    patient.specialist, patient.phone, patient.tags = specialist, "+40 722 111 222", ["knee"]
    patient.save()
    for number, name in enumerate(("Ștefan Țăranu", "Ana Popescu", "Ioana Luminița Constantinescu-Brâncoveanu")):
        given, _blank, family = name.rpartition(" ")
        Patient.objects.create(
            clinic=clinic,
            given_name=given,
            family_name=family,
            phone=f"0733 {number}00 100",
            birth_date=date(1980, 5, 4),
        )
    rule(clinic, "Follow-up after a visit")
    left_out = rule(clinic, "Check-up for the very old", 80)
    move(visit(patient, starts_at=now() - timedelta(days=1), specialist=specialist), status="completed")
    visit(patient, starts_at=now() + timedelta(days=6), specialist=specialist)
    plan = make_plan(patient, specialist=specialist, name="Knee rehabilitation")
    make_session(plan, pain=4)
    for weeks in range(4):
        make_week(plan, weeks + 1, first_on=now().date() - timedelta(weeks=weeks + 1))
    record_pain(clinic=clinic, patient=patient, value=6)
    grant_access(patient, feature="library", until=now() + timedelta(days=30))
    Contact.objects.create(
        clinic=clinic, patient=patient, name="Ion Marin", relation="son", phone="0744 1", may_sign=True
    )
    ticking.drain_all()
    return left_out


def assert_good(page: Any, width: int) -> None:
    """Assert that axe finds nothing serious and that nothing is wider than the screen."""
    found = Axe().run(page).response["violations"]
    bad = [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not bad, f"{page.url}\n" + "\n".join(bad)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def addresses(patient: Any, left_out: Any) -> dict[str, str]:
    """Return every page of this part by the name of its picture."""
    one = [patient.pk]
    pages = {
        name: reverse(f"staff:{name}", args=one)
        for name in (
            "patient", "patient-timeline", "patient-upcoming", "patient-records", "patient-treatment",
            "patient-access", "patient-edit", "patient-contacts",
        )
    }  # fmt: skip
    lists = {name: reverse(f"staff:{name}") for name in ("patients", "patient-new", "upcoming", "runs", "rules")}
    why = f"{reverse('staff:why')}?rule={left_out.pk}&patient={patient.pk}"
    return {**pages, **lists, "run": reverse("staff:run", args=[Run.objects.latest("pk").pk]), "why": why}


@pytest.mark.proof(only=True)
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_every_page_reads_well(live_server, sign_in, as_admin, shoot, world, patient, width, scheme):
    page = sign_in(as_admin)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for name, address in addresses(patient, world).items():
        page.goto(live_server.url + address)
        shoot(f"people-{name}-{width}-{scheme}")
        assert_good(page, width)


def test_the_desk_finds_maria_holds_a_step_and_asks_why_not(live_server, sign_in, as_front_desk, world, patient):
    page = sign_in(as_front_desk)
    page.goto(live_server.url + reverse("staff:patients"))
    page.get_by_label("Name, phone or id").fill("0722111")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Marin, Maria").click()
    page.get_by_role("link", name="Upcoming", exact=True).last.click()
    page.get_by_role("button", name="Hold: ").click()
    page.get_by_role("status").get_by_text("Done: Hold.").wait_for()
    assert Step.objects.get(state="held").patient == patient

    page.get_by_role("link", name="Why not?").first.click()
    page.get_by_role("link", name="Check-up for the very old").click()
    assert "She is 69; the rule needs 80." in page.locator("#answer").inner_text()


def test_registering_somebody_who_is_there_asks_first(live_server, sign_in, as_front_desk, patient):
    page = sign_in(as_front_desk)
    page.goto(live_server.url + reverse("staff:patient-new"))
    page.get_by_label("Given name").fill("Maria")
    page.get_by_label("Family name").fill("Marín")
    page.get_by_label("Date of birth").fill("1957-03-02")
    page.get_by_role("button", name="Register", exact=True).click()
    page.get_by_role("alert").get_by_text("Somebody like this is registered already").wait_for()
    page.get_by_role("button", name="Register anyway").click()
    page.get_by_role("heading", name="Maria Marín").wait_for()
    assert Patient.objects.filter(given_name="Maria").count() == 2
