"""The settings of who works at the clinic: invited, changed, gone; and a lost phone."""

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import invitations
from accounts.models import Invitation, Membership
from staff.tests.pages.test_settings import PLACE, actions, at
from tests.cast import client_of, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(as_admin, fresh):
    """The admin's browser, where the password was given a moment ago."""
    return fresh(as_admin)


@pytest.fixture
def offered(clinic):
    return invitations.invite(clinic=clinic, **PLACE)[0]


def test_an_admin_invites_by_mail(settled, clinic, admin):
    assert settled.post(at("settings-invite"), PLACE)["Location"] == at("settings-people")

    assert [message.to for message in mail.outbox] == [["nora@new.example"]]
    html = settled.get(at("settings-people")).content.decode()
    assert "Nora New" in html
    assert "on its way to nora@new.example" in html
    assert actions() == ["invitation.created"]


def test_a_wrong_invitation_is_told_at_its_field(settled, front_desk):
    html = settled.post(at("settings-invite"), PLACE | {"slug": "felix"}).content.decode()

    assert "Somebody here has this slug already" in html
    assert not Invitation.objects.exists()
    assert mail.outbox == []


def test_an_invitation_is_sent_again_with_a_new_link_or_taken_back(settled, offered):
    settled.post(at("settings-invitation", offered.pk, "resend"))
    assert len(mail.outbox) == 1
    assert Invitation.objects.get().digest != offered.digest

    settled.post(at("settings-invitation", offered.pk, "revoke"))
    assert Invitation.objects.get().revoked_at is not None
    html = settled.post(at("settings-invitation", offered.pk, "resend"), follow=True).content.decode()
    assert "This invitation is over" in html
    assert len(mail.outbox) == 1
    assert settled.post(at("settings-invitation", offered.pk, "shred")).status_code == 404


def test_a_role_is_changed_and_somebody_leaves(settled, specialist):
    settled.post(at("settings-person", specialist.pk), {"name": "Dr. Ionescu", "role": "front_desk"})

    specialist.refresh_from_db()
    assert (specialist.name, specialist.role, specialist.is_active) == ("Dr. Ionescu", "front_desk", False)
    assert client_of(specialist.user).get("/staff/").status_code == 403
    assert actions() == ["membership.updated"]


def test_the_last_admin_stays(settled, admin):
    html = settled.post(at("settings-person", admin.pk), {"name": "Ada Admin", "role": "clinic_admin"}).content.decode()

    assert "last admin" in html
    admin.refresh_from_db()
    assert admin.is_active


def test_a_lost_phone_is_taken_out(settled, specialist, admin, stranger, clinic):
    other = Membership.objects.create(clinic=clinic, user=stranger.user, role="specialist", slug="stan", name="Stan")
    for member in (specialist, admin, other):
        Authenticator.objects.create(user=member.user, type="totp", data={})

    for member in (specialist, admin, other):
        settled.post(at("settings-person-factor", member.pk))

    left = set(Authenticator.objects.values_list("user_id", flat=True))
    assert left == {admin.user_id, stranger.user_id}  # one's own, and that of somebody who works elsewhere too
    assert actions() == ["second_factor.taken_away"]


def test_the_list_of_people_takes_as_many_queries_for_many(settled, clinic):
    def count():
        with CaptureQueriesContext(connection) as seen:
            assert settled.get(at("settings-people")).status_code == 200
        return len(seen)

    few = count()
    for number in range(5):
        make_member(clinic, "specialist", f"s{number}", f"S {number}")
        invitations.invite(clinic=clinic, **PLACE | {"email": f"n{number}@new.example", "slug": f"n{number}"})

    assert count() == few <= 7
