"""The front desk's day in Chromium: a click on the first page, a series booked, a clash, the worklist."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.selectors import local_date
from appointments.models import Appointment, Series
from appointments.tests.builders import make_service, make_visit
from clinic.clock import now
from patients.models import Patient
from staff import days
from tests.cast import make_member
from worklist import services as worklist
from worklist.models import Task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = (("desk", "light", {"width": 1440, "height": 900}), ("phone", "dark", {"width": 390, "height": 844}))


@pytest.fixture
def day(clinic, patient, specialist, front_desk):
    """A working day: visits in every state at two specialists, and tasks."""
    first, _end = days.bounds(clinic, local_date(clinic, now()), local_date(clinic, now()))
    evaluation, therapy = make_service(clinic), make_service(clinic, "physiotherapy", minutes=30)
    pop = make_member(clinic, "specialist", "dr-pop", "Dr. Andrei Pop")
    names = [("Ana", "Popescu-Tăriceanu"), ("Ion", "Ilie"), ("Zoe", "Zaharia")]
    people = [patient, *(Patient.objects.create(clinic=clinic, given_name=g, family_name=f) for g, f in names)]
    states = ["completed", "in_progress", "confirmed", "booked", "booked", "no_show", "cancelled"]
    for number, status in enumerate(states):
        make_visit(
            people[number % 4],
            status,
            starts_at=first + timedelta(hours=8, minutes=45 * number),
            service=(evaluation, therapy)[number % 2],
            specialist=(specialist, pop)[number % 2],
            location="Room 2",
        )
    worklist.create(
        clinic=clinic,
        title="Call about the consent",
        patient=patient,
        role="front_desk",
        priority="urgent",
        due_at=now() - timedelta(days=1),
    )
    worklist.create(clinic=clinic, title="Order bandages", assignee=front_desk)
    return Appointment.objects.get(status="confirmed")


def complaints(page):
    """Say what is wider than the window (but for what scrolls by itself), and what axe finds serious."""
    wide = [] if page.evaluate("document.documentElement.scrollWidth <= window.innerWidth") else ["too wide"]
    found = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
    return wide + [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def test_a_click_on_the_first_page_changes_the_row_in_its_place(live_server, sign_in, as_front_desk, day):
    page = sign_in(as_front_desk)
    page.goto(f"{live_server.url}/staff/")
    page.evaluate("window.same = true")

    page.get_by_role("button", name=f"Start: {day.patient}").click()
    page.locator(f"#visit-{day.pk} .status-in_progress").wait_for()
    page.get_by_role("button", name=f"Complete: {day.patient}").first.click()
    page.locator(f"#visit-{day.pk} .status-completed").wait_for()
    assert "until then this can be undone" in page.locator("#messages").inner_text()
    page.locator(f"#visit-{day.pk}").get_by_role("button", name="Undo").click()
    page.locator(f"#visit-{day.pk} .status-in_progress").wait_for()
    page.get_by_role("button", name="Done: Order bandages").click()
    page.get_by_text("Order bandages").wait_for(state="detached")

    assert page.evaluate("window.same")
    day.refresh_from_db()
    assert day.status == "in_progress"
    assert Task.objects.get(title="Order bandages").status == "done"


def test_ten_visits_are_booked_and_a_second_one_at_that_time_is_asked_why(
    live_server, sign_in, as_front_desk, day, patient
):
    page = sign_in(as_front_desk)
    start = timezone.localtime(now()) + timedelta(days=7)
    typed = f"{start:%Y-%m-%d}T11:00"

    def book(times, reason=""):
        page.goto(f"{live_server.url}{reverse('staff:visit-new')}")
        page.get_by_label("For which patient?").press_sequentially("mari")
        page.get_by_role("link", name="Maria Marin").click()
        page.get_by_label("Service").select_option(label="Physiotherapy")
        page.get_by_label("Start").fill(typed)
        if times > 1:
            page.get_by_text("Several visits at once").click()
            page.get_by_label("How many visits").fill(str(times))
        page.get_by_role("button", name="Book", exact=True).click()
        if reason:
            page.get_by_label("Reason to book all the same").fill(reason)
            page.get_by_role("button", name="Book", exact=True).click()

    book(10)
    assert "10 visits are booked." in page.locator("#messages").inner_text()
    expect(page.get_by_text("visit 1 of 10")).to_be_visible()
    assert Series.objects.get().appointments.count() == 10

    book(1, "The family comes together")
    expect(page.get_by_text("The family comes together")).to_be_visible()
    assert Appointment.objects.filter(patient=patient, service__slug="physiotherapy", series=None).count() == 1


@pytest.mark.proof(only=True)
def test_the_days_pages_fit_and_read_well(live_server, sign_in, as_admin, day, shoot):
    page = sign_in(as_admin)
    addresses = {
        "home": "/staff/",
        "day": reverse("staff:visits"),
        "week": f"{reverse('staff:visits')}?view=week&status=all",
        "visit": reverse("staff:visit", args=[day.pk]),
        "visit-change": reverse("staff:visit-change", args=[day.pk]),
        "book": f"{reverse('staff:visit-new')}?patient={day.patient_id}",
        "worklist": f"{reverse('staff:worklist')}?show=all",
        "task": reverse("staff:task-new"),
    }
    wrong = {}
    for size, scheme, viewport in LOOKS:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        for name, address in addresses.items():
            page.goto(live_server.url + address)
            shoot(f"staff-{name}-{size}-{scheme}")
            wrong[name, size, scheme] = complaints(page)
    assert {where: what for where, what in wrong.items() if what} == {}
