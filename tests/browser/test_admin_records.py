"""What the staff do on their pages can be done through Django's admin, too: register, confirm, complete, release."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from appointments.models import VisitSummary
from appointments.tests.builders import make_visit
from patients.models import Patient
from tests.browser.people import SLOW, Admin

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def test_a_patient_is_registered_and_a_visit_led_to_its_released_summary(people, patient, specialist):
    visit = make_visit(patient, "booked", specialist=specialist)
    admin = people.admin

    admin.opens("/admin/patients/patient/add/")
    admin.writes(Given_name="Ana", Family_name="Pop", Email="ana@patients.example")
    admin.presses("Save")
    expect(admin.page).to_have_url(f"{people.address}/admin/patients/patient/", timeout=SLOW)
    admin.opens(f"/admin/appointments/appointment/{visit.pk}/change/")
    admin.presses("Confirm")
    admin.sees("Confirmed.")
    admin.opens(f"/admin/appointments/appointment/{visit.pk}/change/")
    admin.presses("Complete")
    admin.sees("Completed.")
    release_a_summary(admin, "Initial Evaluation", "Rest for two days.")

    assert Patient.objects.get(given_name="Ana").email == "ana@patients.example"
    visit.refresh_from_db()
    assert visit.status == "completed"
    summary = VisitSummary.objects.get()
    assert (summary.appointment, summary.status, summary.text) == (visit, "released", "Rest for two days.")


def release_a_summary(admin: Admin, visit: str, text: str) -> None:
    """Write the summary of a visit that is chosen in a list which is searched by typing."""
    admin.opens("/admin/appointments/visitsummary/add/")
    admin.page.locator(".select2-selection").first.click()
    admin.page.locator(".select2-results__option", has_text=visit).first.click()
    admin.writes(Text=text)
    admin.presses("Save and continue editing")
    admin.presses("Release to the patient")
    admin.sees("Released; the patient may read it.")
