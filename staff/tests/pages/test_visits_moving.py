"""Moving a visit by form, its summary, and strangers who do neither."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from appointments import services
from appointments.models import VisitSummary
from appointments.tests.builders import make_visit
from staff.tests.pages.visiting import TEN, do

pytestmark = pytest.mark.usefixtures("a_week_before")


def moved(visit, starts_at="2026-12-07T12:30", **given):
    fields = {"service": visit.service_id, "minutes": visit.minutes, "revision": visit.revision}
    return fields | {"starts_at": starts_at, **given}


def test_a_visit_is_moved_by_a_form_in_the_clinics_time(patient, specialist, as_front_desk):
    visit = make_visit(patient, starts_at=TEN)
    address = reverse("staff:visit-change", args=[visit.pk])
    assert 'value="2026-12-07T10:00"' in as_front_desk.get(address).content.decode()

    response = as_front_desk.post(address, moved(visit, specialist=specialist.pk, location="Room 5"))

    assert response["Location"] == reverse("staff:visit", args=[visit.pk])
    visit.refresh_from_db()
    assert (visit.starts_at, visit.specialist, visit.location) == (
        TEN + timedelta(hours=2, minutes=30),
        specialist,
        "Room 5",
    )


def test_a_move_onto_another_visit_needs_a_reason(patient, as_front_desk):
    visit = make_visit(patient, starts_at=TEN)
    make_visit(patient, starts_at=TEN + timedelta(hours=2, minutes=30))
    address = reverse("staff:visit-change", args=[visit.pk])

    html = as_front_desk.post(address, moved(visit)).content.decode()
    assert "The patient has a visit then already (Dec. 7, 2026, 12:30 p.m.)." in html
    visit.refresh_from_db()
    assert visit.starts_at == TEN

    assert as_front_desk.post(address, moved(visit, clash_reason="Both at once")).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == TEN + timedelta(hours=2, minutes=30)


def test_a_form_gone_stale_is_refused(patient, as_front_desk):
    visit = make_visit(patient, starts_at=TEN)
    form = moved(visit)
    services.change(visit, location="Room 1")
    html = as_front_desk.post(reverse("staff:visit-change", args=[visit.pk]), form).content.decode()
    assert "was changed by somebody else" in html
    visit.refresh_from_db()
    assert visit.starts_at == TEN


def test_what_is_over_is_not_moved(patient, as_front_desk):
    visit = make_visit(patient, "completed", starts_at=TEN)
    response = as_front_desk.post(reverse("staff:visit-change", args=[visit.pk]), moved(visit), follow=True)
    assert "This visit is over; reopen it first." in response.content.decode()
    visit.refresh_from_db()
    assert visit.starts_at == TEN


# --- the summary ---


def test_a_summary_is_kept_as_a_draft_and_released(patient, specialist, as_specialist):
    visit = make_visit(patient, "completed")
    address = reverse("staff:visit-summary", args=[visit.pk])

    as_specialist.post(address, {"text": "All is well."})
    assert VisitSummary.objects.get().status == "draft"

    html = as_specialist.get(reverse("staff:visit", args=[visit.pk])).content.decode()
    asked = html.index("Release to the patient…</summary>")
    assert asked < html.index("it cannot be changed here any more") < html.index('name="release"')

    summary = VisitSummary.objects.get()
    as_specialist.post(address, {"text": "All is very well.", "revision": summary.revision, "release": "1"})
    summary.refresh_from_db()
    assert (summary.status, summary.text, summary.released_by) == ("released", "All is very well.", specialist)

    html = as_specialist.get(reverse("staff:visit", args=[visit.pk])).content.decode()
    assert "All is very well." in html
    assert "<textarea" not in html


def test_an_empty_summary_is_refused_and_not_released(patient, as_specialist):
    visit = make_visit(patient, "completed")
    response = as_specialist.post(
        reverse("staff:visit-summary", args=[visit.pk]), {"text": " ", "release": "1"}, follow=True
    )
    assert "Write the summary" in response.content.decode()
    assert not VisitSummary.objects.exists()


def test_the_front_desk_neither_reads_nor_writes_summaries(patient, as_specialist, as_front_desk):
    visit = make_visit(patient, "completed")
    services.write_summary(visit, text="For the patient alone")
    assert "For the patient" not in as_front_desk.get(reverse("staff:visit", args=[visit.pk])).content.decode()
    response = as_front_desk.post(reverse("staff:visit-summary", args=[visit.pk]), {"text": "Mine"})
    assert response.status_code == 403
    assert VisitSummary.objects.get().text == "For the patient alone"


# --- strangers ---


@pytest.mark.parametrize("name", ["visit", "visit-change"])
def test_a_stranger_finds_no_visit(patient, as_stranger, name):
    visit = make_visit(patient, starts_at=TEN)
    address = reverse(f"staff:{name}", args=[visit.pk])
    assert as_stranger.get(address).status_code == 404
    assert as_stranger.post(address, moved(visit)).status_code in (404, 405)
    visit.refresh_from_db()
    assert visit.starts_at == TEN


@pytest.mark.parametrize("verb", ["confirm", "cancel", "undo", "reopen", "enter_in_error"])
def test_a_stranger_moves_no_visit(patient, as_stranger, verb):
    visit = make_visit(patient)
    assert do(as_stranger, visit, verb).status_code == 404
    visit.refresh_from_db()
    assert visit.status == "booked"
    assert not AuditEntry.objects.exists()


def test_a_stranger_writes_no_summary(patient, as_stranger):
    visit = make_visit(patient, "completed")
    assert as_stranger.post(reverse("staff:visit-summary", args=[visit.pk]), {"text": "x"}).status_code == 404
    assert not VisitSummary.objects.exists()


def test_a_visitor_is_asked_to_sign_in(patient, client):
    visit = make_visit(patient)
    assert client.get(reverse("staff:visits")).status_code == 302
    assert do(client, visit, "confirm").redirect_chain
    visit.refresh_from_db()
    assert visit.status == "booked"
