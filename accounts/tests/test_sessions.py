"""How long a session lasts, and that knowing it does not mean writing a row for each page."""

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from accounts import sessions
from accounts.models import AuditEntry

pytestmark = pytest.mark.django_db
MINUTE, HOUR = 60, 3600


@pytest.fixture
def pass_time(monkeypatch):
    """Let the machine's clock run ahead, as far as sessions look at it."""
    start, ahead = sessions.time.time(), [0]

    class Clock:
        @staticmethod
        def time():
            return start + ahead[0]

    monkeypatch.setattr(sessions, "time", Clock)
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


def test_half_an_hour_without_a_click_signs_out_and_the_page_says_why(as_front_desk, pass_time):
    pass_time(29 * MINUTE)
    assert as_front_desk.get("/staff/").status_code == 200
    pass_time(29 * MINUTE)
    assert as_front_desk.get("/staff/").status_code == 200
    pass_time(30 * MINUTE)

    answer = as_front_desk.get("/staff/", follow=True)

    assert answer.redirect_chain == [("/accounts/login/?next=/staff/", 302)]
    assert "nothing was clicked" in answer.content.decode()
    assert "nothing was clicked" not in as_front_desk.get("/accounts/login/").content.decode()


def test_twelve_hours_are_the_most_whatever_is_clicked(as_front_desk, pass_time):
    for _ in range(12 * 3 - 1):
        pass_time(20 * MINUTE)
        assert as_front_desk.get("/staff/").status_code == 200
    pass_time(20 * MINUTE)

    assert "signed in for long" in as_front_desk.get("/staff/", follow=True).content.decode()


def test_both_limits_are_settings(as_front_desk, pass_time, settings):
    settings.SESSION_IDLE_MINUTES, settings.SESSION_ABSOLUTE_HOURS = 5, 1
    pass_time(4 * MINUTE)
    assert as_front_desk.get("/staff/").status_code == 200
    pass_time(5 * MINUTE)
    assert as_front_desk.get("/staff/").status_code == 302


def test_the_admin_and_the_api_end_with_the_session(as_admin, pass_time):
    pass_time(31 * MINUTE)

    assert as_admin.get("/api/v1/patients/").status_code in (401, 403)
    assert as_admin.get("/admin/").status_code == 302


def test_a_part_of_a_page_that_is_asked_for_too_late_reloads_the_page(as_front_desk, pass_time):
    pass_time(31 * MINUTE)

    answer = as_front_desk.get("/staff/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Refresh"]) == (200, "true")
    assert answer.content == b""
    assert not AuditEntry.objects.exists()


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(as_front_desk, pass_time, monkeypatch):
    monkeypatch.setattr(resolve("/staff/settings/").func, "in_background", True, raising=False)
    for _ in range(3):
        pass_time(9 * MINUTE)
        assert as_front_desk.get("/staff/settings/").status_code == 200
    pass_time(4 * MINUTE)

    assert as_front_desk.get("/staff/settings/").status_code == 302


def test_a_session_is_written_once_a_minute_at_most(as_front_desk, pass_time):
    def writes():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert as_front_desk.get("/staff/").status_code == 200
        return [one["sql"] for one in seen if one["sql"].startswith('UPDATE "django_session"')]

    assert writes() == []
    pass_time(58)
    assert writes() == []
    pass_time(2)
    assert len(writes()) == 1
    assert writes() == []


def test_a_session_from_before_these_limits_begins_when_it_is_seen(as_front_desk, pass_time):
    session = as_front_desk.session
    del session[sessions.BEGAN], session[sessions.SEEN]
    session.save()

    assert as_front_desk.get("/staff/").status_code == 200
    pass_time(12 * HOUR)
    assert as_front_desk.get("/staff/").status_code == 302


def test_a_patients_page_has_no_such_session(client, db):
    client.get("/accounts/login/")

    assert Session.objects.count() == 0
