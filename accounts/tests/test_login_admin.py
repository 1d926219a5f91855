"""The admin pages of logins: rights, scope, and what a refusal leaves behind."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, Membership, Pause, User
from tests.cast import PASSWORD, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_admin(as_admin, fresh):
    """A browser where the password was given a moment ago: what lets somebody in asks for it."""
    return fresh(as_admin)


@pytest.fixture
def as_operator(as_operator, fresh):
    """A browser where the password was given a moment ago: what lets somebody in asks for it."""
    return fresh(as_operator)


def listing(name):
    return reverse(f"admin:accounts_{name}_changelist")


def change(row):
    return reverse(f"admin:accounts_{row._meta.model_name}_change", args=[row.pk])


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def user_form(user, **changed):
    return {"first_name": "A", "last_name": "B", "email": user.email, "is_active": "on", **changed}


def test_an_admin_changes_a_login_of_their_own_clinic(specialist, as_admin):
    as_admin.post(change(specialist.user), user_form(specialist.user, is_platform_operator="on", is_superuser="on"))

    user = User.objects.get(pk=specialist.user_id)
    assert user.first_name == "A"
    assert not user.is_platform_operator
    assert not user.is_superuser


def test_an_admin_cannot_touch_a_login_that_opens_another_clinic_too(clinic, stranger, as_admin):
    Membership.objects.create(clinic=clinic, user=stranger.user, role="specialist", slug="stan", name="Stan")
    password = stranger.user.password

    assert as_admin.post(change(stranger.user), user_form(stranger.user)).status_code == 403
    set_password = reverse("admin:auth_user_password_change", args=[stranger.user_id])
    new = {"password1": "a brand new password", "password2": "a brand new password", "usable_password": "true"}
    assert as_admin.post(set_password, new).status_code == 403

    user = User.objects.get(pk=stranger.user_id)
    assert (user.first_name, user.password) == ("", password)


def test_an_admin_does_not_see_logins_elsewhere(stranger, as_admin):
    assert "stan@south.example" not in as_admin.get(listing("user")).content.decode()


def test_setting_a_password_is_recorded(specialist, as_admin):
    set_password = reverse("admin:auth_user_password_change", args=[specialist.user_id])
    new = {"password1": "a brand new password", "password2": "a brand new password", "usable_password": "true"}

    assert as_admin.post(set_password, new).status_code == 302

    assert User.objects.get(pk=specialist.user_id).check_password("a brand new password")
    assert "user.password_set" in actions()


@pytest.mark.parametrize("who", ["as_specialist", "as_front_desk"])
def test_others_see_no_logins_no_pauses_to_make_and_no_audit(who, request):
    browser = request.getfixturevalue(who)

    assert browser.get(listing("user")).status_code == 403
    assert browser.get(listing("auditentry")).status_code == 403
    assert browser.post(reverse("admin:accounts_pause_add"), {"why": "x"}).status_code == 403
    assert not Pause.objects.exists()


def test_an_operator_adds_a_login(as_operator):
    form = {
        "username": "new@x.example",
        "password1": "a brand new password",
        "password2": "a brand new password",
        "usable_password": "true",
    }

    assert as_operator.post(reverse("admin:accounts_user_add"), form).status_code == 302
    assert User.objects.filter(username="new@x.example").exists()


def test_what_lets_somebody_in_asks_for_the_password_and_then_goes_on(specialist, admin):
    browser = client_of(admin.user)
    where = browser.post(change(specialist.user), user_form(specialist.user))["Location"]
    assert where.startswith("/accounts/reauthenticate/")
    assert User.objects.get(pk=specialist.user_id).first_name == ""

    browser.post(where, {"password": PASSWORD, "next": change(specialist.user)})

    assert User.objects.get(pk=specialist.user_id).first_name == "A"


def test_a_password_that_is_being_set_waits_in_no_session(specialist, admin):
    browser = client_of(admin.user)
    set_password = reverse("admin:auth_user_password_change", args=[specialist.user_id])
    new = {"password1": "a brand new password", "password2": "a brand new password", "usable_password": "true"}

    assert browser.get(set_password).status_code == 302
    where = browser.post(set_password, new)["Location"]

    assert "a brand new password" not in str(dict(browser.session))
    browser.post(where, {"password": PASSWORD, "next": set_password})
    assert User.objects.get(pk=specialist.user_id).check_password(PASSWORD)
    assert "Nothing was saved" in browser.get(set_password).content.decode()
