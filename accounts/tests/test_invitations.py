"""Invitations: who sends them, what the link does and does not do, and that it works once."""

import re
from datetime import timedelta

import pytest
from django.core import mail

from accounts import invitations, tokens
from accounts.models import AuditEntry, Invitation, Membership, User
from clinic.errors import ClinicError, Refused
from tests.cast import PASSWORD, acting, client_of

pytestmark = pytest.mark.django_db
NEW = {"new_password1": "quite a long password", "new_password2": "quite a long password"}


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def offer(clinic, **changed):
    place = {"email": "Nora@new.example", "name": "Nora New", "slug": "nora", "role": "specialist", **changed}
    return invitations.invite(clinic=clinic, **place)


def page(secret):
    return f"/join/{secret}/"


@pytest.fixture
def offered(clinic, admin):
    """A place that the admin has offered to Nora, and the secret of its link."""
    with acting(admin):
        return offer(clinic)


def test_an_admin_invites_and_only_a_digest_is_kept(clinic, admin, offered):
    invitation, secret = offered

    assert (invitation.email, invitation.created_by, invitation.role) == ("nora@new.example", admin.user, "specialist")
    assert secret not in repr(Invitation.objects.values().get())
    assert invitation.expires_at - tokens.real_now() <= timedelta(days=7)
    assert actions() == ["invitation.created"]


@pytest.mark.parametrize("who", ["specialist", "front_desk", "stranger"])
def test_others_invite_nobody_and_change_no_invitation(clinic, who, request, offered):
    member = request.getfixturevalue(who)
    with acting(member):
        for call in (lambda: offer(clinic, email="x@y.example", slug="x"), lambda: invitations.renew(offered[0])):
            with pytest.raises(Refused):
                call()
        with pytest.raises(Refused):
            invitations.revoke(offered[0])

    assert Invitation.objects.get().digest == offered[0].digest
    assert invitations.what_became(Invitation.objects.get()) == ""


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"email": "nowhere"}, "email"),
        ({"role": "pilot"}, "role"),
        ({"slug": "no slug"}, "slug"),
        ({"slug": "felix"}, "slug"),
        ({"name": " "}, "name"),
        ({"email": "felix@north.example", "role": "front_desk"}, "email"),
    ],
)
def test_a_wrong_invitation_is_refused(clinic, admin, front_desk, wrong, path):
    with acting(admin), pytest.raises(ClinicError) as refusal:
        offer(clinic, **wrong)

    assert refusal.value.path == path
    assert not Invitation.objects.exists()


def test_an_address_is_invited_once_at_a_time(clinic, other_clinic, offered):
    with pytest.raises(ClinicError):
        offer(clinic, email="NORA@new.example", slug="nora-2")

    assert offer(other_clinic)[0].clinic == other_clinic
    invitations.revoke(offered[0])
    assert offer(clinic)[0].pk != offered[0].pk


def test_the_mail_carries_the_link_and_the_language_of_the_clinic(offered, settings):
    invitation, secret = offered

    assert invitations.send(invitation, secret)

    message = mail.outbox[0]
    assert (message.to, message.subject) == (["nora@new.example"], "North Clinic invites you to work with them")
    assert f"{settings.PUBLIC_URL}/join/{secret}/" in message.body
    assert "good for 7 days" in message.body


def test_a_mail_server_that_is_away_is_told(offered, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    assert not invitations.send(*offered)
    assert invitations.what_became(Invitation.objects.get()) == ""


def test_opening_the_link_changes_nothing_however_often(client, offered):
    for _ in range(3):
        answer = client.get(page(offered[1]))
        assert answer.status_code == 200
        assert "Nora New" in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
    client.head(page(offered[1]))

    assert not User.objects.filter(email="nora@new.example").exists()
    assert invitations.what_became(Invitation.objects.get()) == ""
    assert actions() == ["invitation.created"]


def test_somebody_new_chooses_a_password_and_signs_in(client, clinic, offered):
    answer = client.post(page(offered[1]), NEW)

    assert answer["Location"] == "/accounts/login/"
    member = Membership.objects.get(slug="nora")
    assert (member.clinic, member.role, member.name, member.is_active) == (clinic, "specialist", "Nora New", True)
    assert member.user.check_password("quite a long password")
    assert (member.user.is_platform_operator, member.user.is_superuser) == (False, False)
    client.post("/accounts/login/", {"login": "nora@new.example", "password": "quite a long password"})
    assert client.get("/staff/").status_code == 200
    entry = AuditEntry.objects.get(action="invitation.accepted")
    assert (entry.actor_id, entry.clinic_id, entry.ip) == (member.user_id, clinic.pk, "127.0.0.1")


def test_the_link_works_once(client, offered):
    client.post(page(offered[1]), NEW)
    again = client.post(page(offered[1]), NEW)

    assert again.status_code == 410
    assert "taken already" in again.content.decode()
    assert Membership.objects.filter(slug="nora").count() == 1


@pytest.mark.parametrize(
    "password", ["123", "password1", "nora@new.example", ""], ids=["short", "common", "like the address", "none"]
)
def test_a_weak_password_makes_no_account(client, offered, password):
    answer = client.post(page(offered[1]), {"new_password1": password, "new_password2": password})

    assert answer.status_code == 200
    assert not User.objects.filter(email="nora@new.example").exists()
    with pytest.raises(ClinicError) as refusal:
        invitations.accept(offered[0], password=password)
    assert refusal.value.path == "password"


def test_an_old_link_opens_nothing(client, offered):
    Invitation.objects.update(expires_at=tokens.real_now() - timedelta(seconds=1))

    assert client.get(page(offered[1])).status_code == 410
    assert "too old" in client.post(page(offered[1]), NEW).content.decode()
    assert not Membership.objects.filter(slug="nora").exists()


def test_a_link_that_was_taken_back_opens_nothing(client, offered):
    invitations.revoke(offered[0])
    invitations.revoke(offered[0])

    assert "taken it back" in client.post(page(offered[1]), NEW).content.decode()
    assert not Membership.objects.filter(slug="nora").exists()
    assert actions() == ["invitation.created", "invitation.revoked"]
    with pytest.raises(Refused):
        invitations.renew(offered[0])


def test_a_new_link_ends_the_old_one(client, offered):
    _again, secret = invitations.renew(offered[0])

    assert client.post(page(offered[1]), NEW).status_code == 404
    assert client.post(page(secret), NEW).status_code == 302
    with pytest.raises(Refused):
        invitations.accept(offered[0], password="quite a long password")


@pytest.mark.parametrize("secret", ["x", "a" * 300, "%00", "..%2f.."])
def test_a_made_up_link_is_not_found(client, db, secret):
    assert client.get(page(secret)).status_code in (400, 404)


def test_who_has_an_account_signs_in_first_and_keeps_the_password(client, clinic, stranger):
    _invitation, secret = offer(clinic, email="stan@south.example", slug="stan", name="Stan")
    html = client.get(page(secret)).content.decode()
    assert re.search(r'href="/accounts/login/\?next=/join/', html)
    client.post(page(secret), NEW)
    assert invitations.what_became(Invitation.objects.get()) == ""

    browser = client_of(stranger.user)
    assert browser.post(page(secret))["Location"] == "/staff/"

    assert Membership.objects.get(clinic=clinic).user == stranger.user
    assert User.objects.get(pk=stranger.user_id).check_password(PASSWORD)


def test_nobody_else_takes_the_place(clinic, stranger, as_front_desk, front_desk):
    invitation, secret = offer(clinic, email="stan@south.example", slug="stan", name="Stan")

    assert "is for stan@south.example" in as_front_desk.get(page(secret)).content.decode()
    as_front_desk.post(page(secret), NEW)
    with pytest.raises(Refused):
        invitations.accept(invitation, user=front_desk.user)

    assert list(Membership.objects.filter(clinic=clinic)) == [front_desk]


def test_who_comes_back_gets_the_place_back(clinic, specialist):
    specialist.is_active = False
    specialist.save()
    invitation, _secret = offer(
        clinic, email="dr-ionescu@north.example", slug="dr-ionescu", name="Dr. Ioana Ionescu-Pop"
    )

    assert invitations.accept(invitation, user=specialist.user) == specialist

    specialist.refresh_from_db()
    assert (specialist.is_active, specialist.name) == (True, "Dr. Ioana Ionescu-Pop")


def test_an_account_that_is_switched_off_takes_no_place(client, clinic, stranger):
    User.objects.filter(pk=stranger.user_id).update(is_active=False)
    _invitation, secret = offer(clinic, email="stan@south.example", slug="stan", name="Stan")

    client.post(page(secret), NEW)

    assert not Membership.objects.filter(clinic=clinic).exists()
