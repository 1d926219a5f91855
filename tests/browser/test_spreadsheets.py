"""In a real Chromium: patients are brought as a file, looked at, imported with progress; and without scripts."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import expect

from clinic.testing.browser import picture
from patients.models import Patient
from staff import jobs_running
from staff.models import Job
from staff.pages import jobs as job_pages
from tests.browser.test_rule_editor import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROWS = 600
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def people(tmp_path):
    """A file of 600 patients whose dates can be read in two ways, and one row that is wrong."""
    lines = ["Nr fișă;Nume;Prenume;Data nașterii;Email"]
    lines += [f"{n};Pop;Ana {n};03/04/19{50 + n % 50};ana{n}@patients.example" for n in range(ROWS)]
    lines.append("X;Ionescu;Ștefan;03/04/1999;stefan@")
    path = tmp_path / "pacienți.csv"
    path.write_text("\n".join(lines), encoding="utf-16")
    return path


@pytest.fixture
def _nothing_at_once(monkeypatch):
    """Leave all but the first part of a job to the workers."""
    monkeypatch.setattr(job_pages, "AT_ONCE_SECONDS", 0.0)


@pytest.mark.usefixtures("_nothing_at_once")
def test_a_list_of_patients_is_brought_looked_at_and_imported(live_server, sign_in, as_admin, people, shoot):
    page = sign_in(as_admin)
    page.goto(f"{live_server.url}/staff/imports/")
    assert_accessible(page)
    page.get_by_label("CSV or Excel file").set_input_files(people)
    shoot("import-upload")
    page.get_by_role("button", name="Upload").click()

    assert page.get_by_label("Data nașterii").input_value() == "birth_date"
    assert_accessible(page)
    shoot("import-columns")
    page.get_by_label("What comes first in dates").select_option("day")
    page.get_by_role("button", name="Check").click()

    page.get_by_text("250 of 601").wait_for()
    assert_accessible(page)
    shoot("import-progress")
    jobs_running.drain()
    page.get_by_role("link", name="See what would change").click()
    assert page.locator(".counts dd").all_inner_texts() == ["600", "0", "0", "1"]
    expect(page.get_by_text("Enter a valid email address.")).to_be_visible()
    assert Patient.objects.count() == 0
    assert_accessible(page)
    shoot("import-preview")

    page.get_by_role("button", name="Import").click()
    page.get_by_text("250 of 601").wait_for()
    page.goto(f"{live_server.url}/staff/")
    page.locator(".account > summary").click()
    page.get_by_role("link", name="Long work").click()
    shoot("jobs")
    page.get_by_role("link", name="Import of pacienți.csv").click()
    jobs_running.drain()
    page.get_by_role("link", name="See what was imported").click()
    expect(page.get_by_text("The rules were not told")).to_be_visible()
    assert Patient.objects.count() == ROWS
    assert str(Patient.objects.get(external_id="7").birth_date) == "1957-04-03"

    with page.expect_download() as download:
        page.get_by_role("link", name="as CSV").click()
    assert download.value.suggested_filename == "pacienți-refused.csv"


def test_on_a_phone_in_the_dark_and_without_scripts(browser, live_server, as_admin, people):
    context = browser.new_context(viewport=PHONE, color_scheme="dark", java_script_enabled=False)
    session = as_admin.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/staff/imports/")
    page.get_by_label("CSV or Excel file").set_input_files(people)
    page.get_by_role("button", name="Upload").click()
    picture(page, "import-columns-phone")
    page.get_by_label("What comes first in dates").select_option("month")
    page.get_by_role("button", name="Check").click()
    while Job.objects.get().is_open:
        jobs_running.drain()
        page.get_by_role("link", name="Look again").click()
    if page.get_by_role("link", name="See what would change").is_visible():
        page.get_by_role("link", name="See what would change").click()
    picture(page, "import-preview-phone")
    assert page.locator(".counts dd").all_inner_texts() == ["600", "0", "0", "1"]
    page.goto(f"{live_server.url}/staff/exports/patients/")
    picture(page, "export-phone")
    context.close()
