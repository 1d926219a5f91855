"""Who may import a spreadsheet, and how much at once."""

from datetime import timedelta

import pytest
from django.urls import reverse

from automations.ticking import drain_all
from clinic import clock
from patients.models import Patient
from staff.models import Job, Sheet
from staff.pages import jobs as job_pages
from staff.tests.pages.importing import LIST, checked, columns, page, send

pytestmark = pytest.mark.django_db


def test_a_stranger_gets_not_found_and_nothing_changes(as_front_desk, as_stranger, patient):
    sheet = checked(as_front_desk)
    assert as_stranger.get(page(sheet)).status_code == 404
    assert as_stranger.post(page(sheet), columns(sheet)).status_code == 404
    assert as_stranger.post(page(sheet, "sheet-import")).status_code == 404
    assert as_stranger.get(page(sheet, "sheet-refused-csv")).status_code == 404
    assert as_stranger.get(page(sheet, "sheet-refused-xlsx")).status_code == 404
    assert "list.csv" not in as_stranger.get(LIST).content.decode()
    sheet.refresh_from_db()
    assert (sheet.state, Patient.objects.count()) == ("checked", 1)


def test_a_specialist_imports_nothing(as_specialist, as_front_desk, patient):
    sheet = checked(as_front_desk)
    assert send(as_specialist).status_code == 403
    assert as_specialist.get(page(sheet)).status_code == 403
    assert as_specialist.post(page(sheet, "sheet-import")).status_code == 403
    assert (Sheet.objects.count(), Patient.objects.count()) == (1, 1)


def test_a_long_file_is_left_to_the_workers_and_can_be_come_back_to(as_front_desk, monkeypatch):
    monkeypatch.setattr(job_pages, "AT_ONCE_SECONDS", 0.0)
    text = "MRN,First name\n" + "".join(f"{n},Name {n}\n" for n in range(600))
    sheet = checked(as_front_desk, text)
    job = Job.objects.get()
    assert (sheet.state, job.state, job.done, job.total) == ("checking", "running", 250, 600)
    answer = as_front_desk.get(page(sheet), follow=True)
    assert answer.redirect_chain == [(reverse("staff:job", args=[job.pk]), 302)]
    assert "250 of 600" in answer.content.decode()

    drain_all()
    sheet.refresh_from_db()
    assert (sheet.state, sheet.counts["created"]) == ("checked", 600)
    assert "See what would change" in as_front_desk.get(reverse("staff:job", args=[job.pk])).content.decode()


def test_a_colleague_at_the_desk_sees_how_far_an_admins_file_is(as_admin, as_front_desk, as_specialist, monkeypatch):
    monkeypatch.setattr(job_pages, "AT_ONCE_SECONDS", 0.0)
    sheet = checked(as_admin, "MRN,First name\n" + "".join(f"{n},Name {n}\n" for n in range(600)))
    assert "250 of 600" in as_front_desk.get(page(sheet), follow=True).content.decode()
    job = Job.objects.get()
    assert as_specialist.get(reverse("staff:job", args=[job.pk])).status_code == 404
    as_front_desk.post(reverse("staff:job-cancel", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == "running"


def test_an_import_that_is_cancelled_keeps_what_is_written_and_can_go_on(as_front_desk, monkeypatch):
    monkeypatch.setattr(job_pages, "AT_ONCE_SECONDS", 60.0)  # the check ends, however busy the machine is
    text = "MRN,First name\n" + "".join(f"{n},Name {n}\n" for n in range(600))
    sheet = checked(as_front_desk, text)
    monkeypatch.setattr(job_pages, "AT_ONCE_SECONDS", 0.0)
    as_front_desk.post(page(sheet, "sheet-import"))
    job = Job.objects.latest("pk")
    as_front_desk.post(reverse("staff:job-cancel", args=[job.pk]))
    assert Patient.objects.count() == 250
    html = as_front_desk.get(page(sheet)).content.decode()
    assert "It was stopped half-way." in html

    as_front_desk.post(page(sheet, "sheet-import"))
    drain_all()
    sheet.refresh_from_db()
    assert (Patient.objects.count(), sheet.state, sheet.counts["created"]) == (600, "done", 350)


def test_importing_twice_at_once_is_refused(as_front_desk, patient):
    sheet = checked(as_front_desk)
    as_front_desk.post(page(sheet, "sheet-import"))
    html = as_front_desk.post(page(sheet, "sheet-import"), follow=True).content.decode()
    assert "This spreadsheet is imported." in html
    assert Job.objects.filter(kind="sheet_import").count() == 1


def test_the_lists_take_as_many_queries_for_much_as_for_little(as_front_desk, patient, django_assert_num_queries):
    sheet = checked(as_front_desk)
    with django_assert_num_queries(4):
        as_front_desk.get(LIST)
    with django_assert_num_queries(8):
        as_front_desk.get(page(sheet))
    more = checked(as_front_desk, "MRN,Sex\n" + "".join(f"{n},?\n" for n in range(400)))
    with django_assert_num_queries(4):
        as_front_desk.get(LIST)
    with django_assert_num_queries(8):
        html = as_front_desk.get(page(more)).content.decode()
    assert html.count("Use one of: female, male, other, unknown.") == 50


def test_old_rows_are_let_go(as_front_desk, patient):
    sheet = checked(as_front_desk)
    clock.advance_by(timedelta(days=8))
    drain_all()
    sheet.refresh_from_db()
    assert (sheet.state, sheet.parts.count()) == ("gone", 0)
    assert "no longer kept" in as_front_desk.get(page(sheet)).content.decode()
