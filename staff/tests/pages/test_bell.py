"""The bell: its number, its poll that costs next to nothing, and the list behind it."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, Membership
from clinic.clock import now
from messaging.models import Notification
from tests.cast import client_of, make_member

BELL = "/staff/bell/"


@pytest.fixture
def tell(patient):
    """Return a function that tells a member of the staff something about Maria."""

    def tell(member, title="Look here", **changes):
        about = changes.pop("patient", patient)
        return Notification.objects.create(clinic=about.clinic, patient=about, recipient=member, title=title, **changes)

    return tell


def seen(client):
    """Return what the bell of a page shows now."""
    return client.get(BELL).context["seen"]


def test_the_poll_tells_how_many_are_unread(tell, front_desk, as_front_desk):
    tell(front_desk)
    newest = tell(front_desk)

    response = as_front_desk.get(BELL, {"seen": "0-0"})

    assert response.status_code == 200
    assert "2 unread notifications" in response.content.decode()
    assert response.context["seen"] == f"2-{newest.pk}"


def test_nothing_new_is_no_content(tell, front_desk, as_front_desk):
    note = tell(front_desk)
    response = as_front_desk.get(BELL, {"seen": f"1-{note.pk}"})
    assert (response.status_code, response.content) == (204, b"")


def test_one_read_and_another_one_new_is_something_new(tell, front_desk, as_front_desk):
    first = tell(front_desk)
    shown = seen(as_front_desk)
    Notification.objects.filter(pk=first.pk).update(read_at=now())
    tell(front_desk)
    assert as_front_desk.get(BELL, {"seen": shown}).status_code == 200


def test_what_may_not_be_seen_is_not_counted(tell, front_desk, specialist, as_front_desk):
    tell(front_desk, read_at=now())
    tell(front_desk, visible_at=now() + timedelta(hours=1))
    tell(front_desk, withdrawn_at=now())
    tell(front_desk, listed_in=tell(front_desk, is_list=True))
    tell(specialist)
    assert seen(as_front_desk).startswith("1-")


def test_the_bell_counts_every_clinic_of_a_person(tell, front_desk, other_clinic, stranger_patient, as_front_desk):
    there = Membership.objects.create(clinic=other_clinic, user=front_desk.user, role="front_desk", slug="f", name="F")
    tell(front_desk)
    tell(there, patient=stranger_patient)
    assert seen(as_front_desk).startswith("2-")
    Membership.objects.filter(pk=there.pk).update(is_active=False)
    assert seen(as_front_desk).startswith("1-")


def test_more_than_99_are_written_shorter(tell, front_desk, as_front_desk):
    for _number in range(100):
        tell(front_desk)
    assert ">99+<" in as_front_desk.get(BELL).content.decode()


@pytest.mark.parametrize("count", [1, 12])
def test_the_poll_takes_three_queries(tell, front_desk, as_front_desk, django_assert_num_queries, count):
    for _number in range(count):
        tell(front_desk)
    with django_assert_num_queries(3):
        as_front_desk.get(BELL, {"seen": "0-0"})


def test_signed_out_the_page_stops_asking(client, db):
    response = client.get(BELL)
    assert (response.status_code, response["HX-Reswap"]) == (286, "none")


def test_the_poll_is_for_staff(operator):
    assert client_of(operator).get(BELL).status_code == 403


def test_every_page_shows_the_number(tell, front_desk, as_front_desk):
    tell(front_desk)
    html = as_front_desk.get("/staff/notifications/").content.decode()
    assert 'hx-trigger="every 15s"' in html
    assert '<span class="badge rounded-pill text-bg-danger bell-number" aria-hidden="true">1</span>' in html


def test_the_list_shows_ones_own_newest_first(tell, front_desk, specialist, as_front_desk):
    tell(front_desk, "Older", visible_at=now() - timedelta(hours=1))
    tell(front_desk, "Newer", body="Call her.")
    tell(specialist, "Not yours")

    html = as_front_desk.get("/staff/notifications/").content.decode()

    assert html.index("Newer") < html.index("Older")
    assert "Call her." in html
    assert "Not yours" not in html


def test_unread_ones_alone(tell, front_desk, as_front_desk):
    tell(front_desk, "Old hat", read_at=now())
    html = as_front_desk.get("/staff/notifications/", {"show": "unread"}).content.decode()
    assert "Old hat" not in html
    assert "You have read everything." in html


def test_an_empty_list_offers_one_thing_to_do(as_front_desk, front_desk):
    html = as_front_desk.get("/staff/notifications/").content.decode()
    assert "Nobody has told you anything yet." in html
    assert html.count("btn-primary") == 1


def test_opening_one_marks_it_and_goes_where_it_leads(tell, front_desk, as_front_desk, patient):
    note = tell(front_desk)
    response = as_front_desk.post(reverse("staff:notification-open", args=[note.pk]))
    assert response["Location"] == reverse("staff:patient-summary", args=[patient.pk])
    assert Notification.objects.get(pk=note.pk).read_at is not None
    assert AuditEntry.objects.filter(action="notification.marked_read", object_id=str(note.pk)).count() == 1


def test_a_strangers_and_a_colleagues_click_find_nothing(tell, front_desk, as_stranger, as_specialist):
    note = tell(front_desk)
    address = reverse("staff:notification-open", args=[note.pk])
    assert as_stranger.post(address).status_code == 404
    assert as_specialist.post(address).status_code == 404
    as_specialist.post(reverse("staff:notifications-read"))
    assert Notification.objects.get(pk=note.pk).read_at is None


def test_reading_one_stays_on_the_list(tell, front_desk, as_front_desk):
    note = tell(front_desk)
    address = reverse("staff:notification-read", args=[note.pk])
    response = as_front_desk.post(address, {"next": "/staff/notifications/?show=unread"})
    assert response["Location"] == "/staff/notifications/?show=unread"
    assert Notification.objects.get(pk=note.pk).read_at is not None


def test_all_that_was_shown_is_marked_and_nothing_newer(tell, front_desk, as_front_desk):
    entry = tell(front_desk, listed_in=tell(front_desk, is_list=True))
    until = as_front_desk.get("/staff/notifications/").context["until"]
    newer = tell(front_desk, "Newer", visible_at=until + timedelta(microseconds=1))

    response = as_front_desk.post(reverse("staff:notifications-read"), {"until": until.isoformat()}, follow=True)

    assert "2 notifications marked as read." in response.content.decode()
    assert list(Notification.objects.filter(read_at=None)) == [newer]
    assert Notification.objects.get(pk=entry.pk).read_at is not None
    [row] = AuditEntry.objects.filter(action="notification.all_marked_read")
    assert (row.actor_id, row.detail) == (front_desk.user_id, {"count": 2})


@pytest.mark.parametrize("until", ["", "yesterday", "2026-11-24T12:00:00", "\x00"])
def test_a_moment_that_nobody_can_read_means_now(tell, front_desk, as_front_desk, until):
    tell(front_desk)
    as_front_desk.post(reverse("staff:notifications-read"), {"until": until})
    assert not Notification.objects.filter(read_at=None).exists()


def test_that_a_list_was_read_is_recorded(tell, front_desk, as_front_desk, patient):
    tell(front_desk)
    as_front_desk.get("/staff/notifications/")
    [row] = AuditEntry.objects.filter(action="notification.listed")
    assert (row.actor_id, row.detail) == (front_desk.user_id, {"patients": [patient.pk]})


def test_the_lists_queries_do_not_grow(tell, front_desk, as_front_desk, patient, django_assert_num_queries, clinic):
    tell(front_desk)
    with django_assert_num_queries(8):
        as_front_desk.get("/staff/notifications/")
    for number in range(10):
        head = tell(front_desk, f"One of many {number}")
        tell(front_desk, f"In a list {number}", listed_in=head)
    with django_assert_num_queries(8):
        as_front_desk.get("/staff/notifications/")


def test_somebody_without_a_clinic_is_told_so(operator):
    client = client_of(operator)
    assert client.get("/staff/notifications/").status_code == 403
    assert client.post(reverse("staff:notifications-read")).status_code == 403


def test_a_visitor_signs_in_first(client, db):
    response = client.get("/staff/notifications/")
    assert response["Location"] == f"{reverse('account_login')}?next=/staff/notifications/"


def test_reading_takes_a_click(tell, front_desk, as_front_desk):
    note = tell(front_desk)
    for address in (reverse("staff:notification-open", args=[note.pk]), reverse("staff:notifications-read")):
        assert as_front_desk.get(address).status_code == 405
    assert Notification.objects.get(pk=note.pk).read_at is None


def test_a_colleague_who_left_sees_nothing(tell, clinic):
    gone = make_member(clinic, "specialist", "gone", "Gone")
    tell(gone)
    client = client_of(gone.user)
    Membership.objects.filter(pk=gone.pk).update(is_active=False)
    assert client.get(BELL).status_code == 403
