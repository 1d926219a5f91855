"""The settings: one's own account, the clinic, its people and its tokens; who may, and that the password is asked."""

import re
from datetime import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from accounts import invitations, tokens
from accounts.models import ApiToken, AuditEntry, Clinic, Invitation, Membership
from tests.cast import PASSWORD, client_of

pytestmark = pytest.mark.django_db

PLACE = {"email": "nora@new.example", "name": "Nora New", "slug": "nora", "role": "specialist"}
LISTS = ("settings-clinic", "settings-people", "settings-invite", "settings-tokens", "settings-token-new")


def at(name, *args):
    return reverse(f"staff:{name}", args=args)


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def form_of(page):
    """Return what a browser would post back of a page's form."""
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}
    shown = {name: form.fields[name].widget.format_value(value) for name, value in values.items() if value is not None}
    return {name: value for name, value in shown.items() if value not in (None, False, "", [""])}


@pytest.fixture
def settled(as_admin, fresh):
    """The admin's browser, where the password was given a moment ago."""
    return fresh(as_admin)


@pytest.fixture
def token(clinic):
    return tokens.create_token(clinic=clinic, name="Portal", scopes=["read"])[0]


@pytest.fixture
def offered(clinic):
    return invitations.invite(clinic=clinic, **PLACE)[0]


# --- whose pages these are ---


@pytest.mark.parametrize("who", ["specialist", "front_desk"])
def test_others_see_their_own_account_only(who, request, clinic, admin, token, offered):
    browser = client_of(request.getfixturevalue(who).user)
    html = browser.get(at("settings")).content.decode()
    assert "Your account" in html
    assert at("settings-tokens") not in html

    for name in LISTS:
        assert browser.get(at(name)).status_code == 403
        answer = browser.post(at(name), {"require_mfa": "on", **PLACE, "scopes": "read", "days": "9"})
        assert answer.status_code in (403, 405)
    for address in (
        at("settings-person", admin.pk),
        at("settings-person-factor", admin.pk),
        at("settings-token", token.pk, "revoke"),
        at("settings-token", token.pk, "rotate"),
        at("settings-invitation", offered.pk, "revoke"),
    ):
        assert browser.post(address, {"name": "X", "role": "front_desk"}).status_code == 403

    _nothing_changed(clinic, admin, token, offered)


def test_a_stranger_finds_none_of_it(as_stranger, fresh, clinic, admin, token, offered):
    browser = fresh(as_stranger)
    assert browser.get(at("settings-person", admin.pk)).status_code == 404
    for address in (
        at("settings-person", admin.pk),
        at("settings-person-factor", admin.pk),
        at("settings-token", token.pk, "revoke"),
        at("settings-token", token.pk, "rotate"),
        at("settings-invitation", offered.pk, "revoke"),
        at("settings-invitation", offered.pk, "resend"),
    ):
        assert browser.post(address, {"name": "X", "role": "front_desk"}).status_code == 404
    for name in ("settings-people", "settings-tokens"):
        html = browser.get(at(name)).content.decode()
        assert not re.search("Ada Admin|Nora|Portal", html)

    _nothing_changed(clinic, admin, token, offered)


def test_an_admin_there_who_is_front_desk_here_changes_nothing_here(clinic, stranger, as_stranger, fresh, token):
    here = Membership.objects.create(clinic=clinic, user=stranger.user, role="front_desk", slug="stan", name="Stan")

    browser = fresh(as_stranger)
    assert browser.post(at("settings-token", token.pk, "revoke")).status_code == 404
    assert browser.get(at("settings-person", here.pk)).status_code == 403

    token.refresh_from_db()
    assert token.revoked_at is None


def _nothing_changed(clinic, admin, token, offered):
    clinic.refresh_from_db()
    admin.refresh_from_db()
    assert (clinic.require_mfa, admin.name, admin.role) == (False, "Ada Admin", "clinic_admin")
    assert list(ApiToken.objects.values_list("pk", "revoked_at")) == [(token.pk, None)]
    assert list(Invitation.objects.values_list("pk", "digest", "revoked_at")) == [(offered.pk, offered.digest, None)]


def test_a_visitor_is_asked_to_sign_in(client, db):
    for name in ("settings", *LISTS):
        assert client.get(at(name))["Location"] == f"/accounts/login/?next={at(name)}"


# --- the password once more ---


def test_what_lets_people_in_asks_for_the_password_first(as_admin, admin, token, offered, specialist):
    for name in ("settings-invite", "settings-token-new"):
        assert as_admin.get(at(name))["Location"] == f"/accounts/reauthenticate/?next={at(name).replace('/', '%2F')}"
    for address in (
        at("settings-token", token.pk, "revoke"),
        at("settings-invitation", offered.pk, "resend"),
        at("settings-person", specialist.pk),
        at("settings-person-factor", specialist.pk),
        at("settings-sessions-end"),
    ):
        assert as_admin.post(address)["Location"].startswith("/accounts/reauthenticate/")

    token.refresh_from_db()
    assert token.revoked_at is None


def test_what_was_begun_goes_on_after_the_password(as_admin, admin, token):
    where = as_admin.post(at("settings-token", token.pk, "revoke"))["Location"]
    wrong = as_admin.post(where, {"password": "wrong", "next": at("settings-token", token.pk, "revoke")})
    assert wrong.status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is None

    as_admin.post(where, {"password": PASSWORD, "next": at("settings-token", token.pk, "revoke")})

    token.refresh_from_db()
    assert token.revoked_at is not None


# --- one's own account ---


def test_the_overview_tells_about_the_second_factor_and_the_sessions(client, specialist):
    client.post("/accounts/login/", {"login": "dr-ionescu@north.example", "password": PASSWORD})

    html = client.get(at("settings")).content.decode()

    assert "dr-ionescu@north.example" in html
    assert "Your password alone is enough" in html
    assert "127.0.0.1" in html


def test_one_signs_out_everywhere_else(client, specialist):
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.post("/accounts/login/", {"login": "dr-ionescu@north.example", "password": PASSWORD})

    client.post(at("settings-sessions-end"))

    assert client.get("/staff/").status_code == 200
    assert elsewhere.get("/staff/").status_code == 302


# --- the clinic ---


def test_an_admin_changes_the_clinic(settled, clinic):
    page = settled.get(at("settings-clinic"))
    form = form_of(page) | {
        "name": "North Clinic",
        "phone": "+40 21 555 0100",
        "closed_weekdays": ["5", "6"],
        "quiet_start": "21:00",
        "quiet_end": "08:00",
        "cap_total_week": "6",
    }

    assert settled.post(at("settings-clinic"), form)["Location"] == at("settings-clinic")

    clinic.refresh_from_db()
    assert (clinic.phone, clinic.closed_weekdays, clinic.cap_total_week) == ("+40 21 555 0100", [5, 6], 6)
    assert (clinic.quiet_start, clinic.quiet_end) == (time(21), time(8))
    fields = ["cap_total_week", "closed_weekdays", "phone", "quiet_end", "quiet_start"]
    assert AuditEntry.objects.get().detail == {"fields": fields}


def test_saving_what_is_there_changes_nothing(settled, clinic):
    settled.post(at("settings-clinic"), form_of(settled.get(at("settings-clinic"))))

    assert actions() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time_zone": "Europe/Atlantis"}, "Select a valid choice"),
        ({"quiet_start": "21:00"}, "Give both ends"),
        ({"undo_seconds": "601"}, "at most 600"),
        ({"phone": "ask Ana"}, "Write the number in digits"),
        ({"closed_weekdays": list("0123456")}, "At least one day"),
        ({"cap_total_day": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_told_and_nothing_is_saved(settled, clinic, wrong, said):
    form = form_of(settled.get(at("settings-clinic"))) | {"name": "Other", **wrong}

    html = settled.post(at("settings-clinic"), form).content.decode()

    assert said in html
    assert Clinic.objects.get(pk=clinic.pk).name == "North Clinic"
    assert "Other" not in re.search("<title>(.*?)</title>", html, re.DOTALL)[1]
    assert actions() == []


def test_asking_everybody_for_a_second_factor_takes_the_password_and_holds_at_once(as_admin, clinic, fresh):
    form = form_of(as_admin.get(at("settings-clinic"))) | {"require_mfa": "on"}
    assert as_admin.post(at("settings-clinic"), form)["Location"].startswith("/accounts/reauthenticate/")
    assert not Clinic.objects.get(pk=clinic.pk).require_mfa

    fresh(as_admin).post(at("settings-clinic"), form)

    assert Clinic.objects.get(pk=clinic.pk).require_mfa
    assert as_admin.get("/staff/")["Location"] == "/accounts/2fa/totp/activate/"


# --- what they cost ---


def test_the_overview_takes_as_many_queries_for_many_sessions(settled, admin):
    def count():
        with CaptureQueriesContext(connection) as seen:
            assert settled.get(at("settings")).status_code == 200
        return len(seen)

    few = count()
    for _ in range(4):
        Client().post("/accounts/login/", {"login": "ada@north.example", "password": PASSWORD})

    assert count() == few <= 9
    assert settled.get(at("settings")).content.decode().count("127.0.0.1") == 4


def test_what_pages_ask_by_themselves_keeps_nobody_signed_in():
    for address in (reverse("staff:bell"), reverse("staff:job-progress", args=[1])):
        assert resolve(address).func.in_background


def test_staff_are_spoken_to_in_a_language_that_is_whole(as_front_desk):
    for address in ("/staff/settings/", "/accounts/2fa/", "/staff/"):
        for language, shown in (("ar", 'lang="en" dir="ltr"'), ("es-MX", 'lang="en"'), ("ro-MD", 'lang="ro"')):
            answer = as_front_desk.get(address, headers={"Accept-Language": language}, follow=True)
            assert shown in answer.content.decode()
    page = as_front_desk.get("/staff/settings/").content.decode()
    assert re.findall(r'<option value="(\w+)"', page) == ["en", "ro"]


def test_patients_are_spoken_to_in_theirs(client, clinic):
    answer = client.get("/portal/sign-in/", headers={"Accept-Language": "ar"})
    assert 'lang="ar" dir="rtl"' in answer.content.decode()
