"""A clinic admin defines a segment in a real Chromium, with the count beside it."""

from __future__ import annotations

import pytest

from segments.models import Segment
from segments.tests.builders import dynamic, member_ids, older_than, tagged
from tests.browser.test_rule_editor import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_person_defines_a_segment_and_sees_how_many_it_holds(live_server, sign_in, as_admin, patient, shoot):
    page = sign_in(as_admin)
    page.goto(f"{live_server.url}/admin/segments/segment/add/")
    page.wait_for_selector(".rule-ready")
    page.get_by_label("Name").first.fill("Elderly")
    page.get_by_role("button", name="+ Add condition").first.click()
    page.get_by_role("combobox", name="Field 1").select_option(label="Patient · Age")
    page.locator('[data-key="op"] select').first.select_option("gte")
    page.locator('[data-key="value_number"] input').first.fill("65")
    page.wait_for_selector("text=1 of 1 active patients")
    page.locator('[data-key="value_number"] input').first.fill("90")
    page.wait_for_selector("text=0 of 1 active patients")
    page.locator('[data-key="value_number"] input').first.fill("65")
    page.wait_for_selector("text=Age is at least 65")
    shoot("segment-builder")
    assert_accessible(page)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/segments/segment/")
    segment = Segment.objects.get()
    assert (segment.slug, segment.conditions) == ("elderly", older_than(65))
    assert member_ids(segment) == {patient.pk}


def test_a_stored_segment_survives_open_and_save(live_server, sign_in, as_admin, clinic):
    segment = dynamic(clinic, tagged("vip"))
    page = sign_in(as_admin)
    page.goto(f"{live_server.url}/admin/segments/segment/{segment.pk}/change/")
    page.wait_for_selector(".rule-ready")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/segments/segment/")
    segment.refresh_from_db()
    assert (segment.conditions, segment.version) == (tagged("vip"), 1)
