"""Signing in: by email and password, with a second factor, locked after five misses; and what the trail keeps."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail
from django.core.cache import cache
from django.urls import NoReverseMatch, reverse

from accounts.entrance import SecondFactorAdapter
from accounts.models import AuditEntry, User
from accounts.urls import urlpatterns
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def code_of(secret):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def enter(client, email, password=PASSWORD, **more):
    return client.post(LOGIN, {"login": email, "password": password, **more})


def signed_in(client):
    return "_auth_user_id" in client.session


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.fixture
def secret(specialist):
    """The specialist has set up a second factor with this key."""
    found = generate_totp_secret()
    data = {"secret": SecondFactorAdapter().encrypt(found)}
    Authenticator.objects.create(user=specialist.user, type="totp", data=data)
    cache.clear()
    return found


@pytest.fixture
def locks(settings):
    """Locking out, as it is outside the tests."""
    settings.AXES_ENABLED = True


def test_one_signs_in_by_email_however_it_is_typed(client, specialist):
    answer = enter(client, " Dr-Ionescu@NORTH.example", next="/staff/settings/")

    assert (answer.status_code, answer["Location"]) == (302, "/staff/settings/")
    assert signed_in(client)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_kind, entry.actor_id) == ("session.begun", "user", specialist.user_id)
    assert (entry.clinic_id, entry.ip) == (specialist.clinic_id, "127.0.0.1")
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize(
    ("email", "password"),
    [("dr-ionescu@north.example", "wrong"), ("nobody@north.example", PASSWORD), ("dr-ionescu", PASSWORD), ("", "")],
)
def test_anything_else_signs_nobody_in(client, specialist, email, password):
    answer = enter(client, email, password)

    assert answer.status_code == 200
    assert not signed_in(client)
    assert actions() == []


def test_a_login_without_an_address_takes_it_from_its_name(client, db):
    User.objects.create_user("New@x.example", password=PASSWORD)

    enter(client, "new@x.example")

    assert signed_in(client)


def test_nobody_signs_up(client, db):
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert client.get("/accounts/signup/").status_code == 404


def test_the_page_leads_nowhere_else(client, specialist):
    answer = enter(client, "dr-ionescu@north.example", next="https://elsewhere.invalid/")

    assert answer["Location"] == "/staff/"


def test_who_works_at_no_clinic_is_led_to_the_administration(client, operator):
    assert enter(client, "olga@platform.example")["Location"] == "/admin/"


def test_an_account_that_is_switched_off_stays_outside(client, specialist):
    User.objects.filter(pk=specialist.user_id).update(is_active=False)

    answer = enter(client, "dr-ionescu@north.example")

    assert answer["Location"] == "/accounts/inactive/"
    assert not signed_in(client)
    assert "switched off" in client.get("/accounts/inactive/").content.decode()


def test_the_admin_is_entered_by_the_same_door(client, admin):
    assert client.get("/admin/").status_code == 302
    answer = client.post("/admin/login/?next=/admin/", {"username": "ada@north.example", "password": PASSWORD})

    assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert not signed_in(client)


def test_passwords_are_kept_as_argon2_outside_the_tests():
    from clinic.settings import PASSWORD_HASHERS

    assert PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.Argon2PasswordHasher"


# --- the second factor ---


def test_with_a_second_factor_the_password_alone_opens_nothing(client, specialist, secret):
    answer = enter(client, "dr-ionescu@north.example", next="/admin/")

    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert not signed_in(client)
    assert client.get("/admin/").status_code == 302
    assert client.get("/staff/").status_code == 302

    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert answer["Location"] == "/admin/"
    assert signed_in(client)
    assert actions() == ["session.begun"]


def test_a_wrong_code_opens_nothing(client, specialist, secret):
    enter(client, "dr-ionescu@north.example")
    wrong = f"{(int(code_of(secret)) + 7) % 1_000_000:06d}"

    assert "Incorrect code" in client.post("/accounts/2fa/authenticate/", {"code": wrong}).content.decode()
    assert not signed_in(client)


def test_a_code_opens_once(client, specialist, secret):
    code = code_of(secret)
    enter(client, "dr-ionescu@north.example")
    client.post("/accounts/2fa/authenticate/", {"code": code})
    client.post("/accounts/logout/")

    enter(client, "dr-ionescu@north.example")
    client.post("/accounts/2fa/authenticate/", {"code": code})

    assert not signed_in(client)


def test_the_key_is_stored_encrypted_and_read_with_an_older_key_too(secret, settings):
    stored = Authenticator.objects.get().data["secret"]
    assert secret not in stored

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, fifty characters long or even longer, yes"
    assert SecondFactorAdapter().decrypt(stored) == secret


def test_a_person_sets_it_up_and_gets_recovery_codes(client, specialist):
    enter(client, "dr-ionescu@north.example")
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    key = re.search(r'class="secret">([A-Z2-7]+)<', page)[1]

    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(key)}, follow=True)

    codes = re.findall(r"<li>(\d{8})</li>", answer.content.decode())
    assert len(codes) == 10
    client.post("/accounts/logout/")
    enter(client, "dr-ionescu@north.example")
    client.post("/accounts/2fa/authenticate/", {"code": codes[3]})
    assert signed_in(client)


@pytest.mark.django_db(transaction=True)
def test_setting_it_up_is_told_and_ends_the_sessions_elsewhere(client, specialist, client_factory):
    elsewhere = client_factory()
    enter(elsewhere, "dr-ionescu@north.example")
    enter(client, "dr-ionescu@north.example")
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    key = re.search(r'class="secret">([A-Z2-7]+)<', page)[1]

    client.post("/accounts/2fa/totp/activate/", {"code": code_of(key)})

    assert mail.outbox[0].to == ["dr-ionescu@north.example"]
    added = AuditEntry.objects.filter(action="second_factor.added").order_by("detail__type")
    assert [one.detail for one in added] == [{"type": "recovery_codes"}, {"type": "totp"}]
    assert client.get("/staff/").status_code == 200
    assert elsewhere.get("/staff/").status_code == 302


# --- five misses ---


def test_five_misses_lock_the_name_at_the_address_and_the_trail_says_so(client, specialist, front_desk, locks):
    for _ in range(4):
        assert enter(client, "dr-ionescu@north.example", "wrong").status_code == 200
    fifth = enter(client, "DR-ionescu@north.example", "wrong")
    right = enter(client, "dr-ionescu@north.example")

    for answer in (fifth, right):
        assert answer.status_code == 429
        assert "Locked for an hour" in answer.content.decode()
    assert not signed_in(client)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.clinic_id) == (
        "login.locked",
        str(specialist.user_id),
        specialist.clinic_id,
    )
    enter(client, "felix@north.example")
    assert signed_in(client)


def test_the_locked_name_gets_in_from_elsewhere(client, specialist, locks):
    for _ in range(5):
        enter(client, "dr-ionescu@north.example", "wrong")

    client.post(LOGIN, {"login": "dr-ionescu@north.example", "password": PASSWORD}, REMOTE_ADDR="10.1.2.3")

    assert signed_in(client)


def test_a_right_password_forgets_the_misses(client, specialist, locks):
    for _ in range(2):
        for _ in range(4):
            enter(client, "dr-ionescu@north.example", "wrong")
        enter(client, "dr-ionescu@north.example")
        assert signed_in(client)
        client.post("/accounts/logout/")


def test_wrong_codes_count_as_wrong_passwords(client, specialist, secret, locks):
    enter(client, "dr-ionescu@north.example")
    wrong = f"{(int(code_of(secret)) + 7) % 1_000_000:06d}"
    answers = [client.post("/accounts/2fa/authenticate/", {"code": wrong}).status_code for _ in range(5)]

    assert answers == [200, 200, 200, 200, 429]
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 429
    assert not signed_in(client)


def test_guessing_many_names_from_one_address_is_slowed_down(client, specialist, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/ip"}
    cache.clear()
    for number in range(3):
        enter(client, f"nobody{number}@north.example", "wrong")

    assert "Too many failed login attempts" in enter(client, "dr-ionescu@north.example").content.decode()
    assert not signed_in(client)


# --- a forgotten password ---


def test_a_forgotten_password_is_set_by_a_link_that_works_once(client, specialist, settings, client_factory):
    elsewhere = client_factory()
    enter(elsewhere, "dr-ionescu@north.example")
    client.post("/accounts/password/reset/", {"email": "dr-ionescu@north.example"}, headers={"host": "localhost"})

    link = re.search(rf"{re.escape(settings.PUBLIC_URL)}(/accounts/password/reset/key/\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    new = {"password1": "quite another password", "password2": "quite another password"}
    client.post(form.request["PATH_INFO"], new)

    assert User.objects.get(pk=specialist.user_id).check_password("quite another password")
    assert "user.password_changed" in actions()
    assert not signed_in(client)
    assert elsewhere.get("/staff/").status_code == 302
    assert "no longer good" in client_factory().get(link, follow=True).content.decode()


def test_asking_for_a_link_does_not_tell_who_has_an_account(client, specialist):
    known = client.post("/accounts/password/reset/", {"email": "dr-ionescu@north.example"}, follow=True)
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@north.example"}, follow=True)

    assert known.content == unknown.content
    assert [message.to for message in mail.outbox] == [["dr-ionescu@north.example"]]


def test_a_mail_server_that_is_away_fails_nobodys_click(client, specialist, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    answer = client.post("/accounts/password/reset/", {"email": "dr-ionescu@north.example"})

    assert answer["Location"] == "/accounts/password/reset/done/"


def test_the_code_that_set_it_up_is_spent(client, specialist):
    cache.clear()
    enter(client, "dr-ionescu@north.example")
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    code = code_of(re.search(r'class="secret">([A-Z2-7]+)<', page)[1])
    client.post("/accounts/2fa/totp/activate/", {"code": code})
    client.post("/accounts/logout/")

    enter(client, "dr-ionescu@north.example")
    answer = client.post("/accounts/2fa/authenticate/", {"code": code})

    assert answer.status_code == 200
    assert not signed_in(client)


@pytest.mark.parametrize("who", ["nobody", "newcomer", "with a second factor"])
def test_no_page_of_an_account_is_kept_by_a_cache(who, client, specialist, fresh, secret):
    if who != "nobody":
        client.force_login(specialist.user, backend="django.contrib.auth.backends.ModelBackend")
        fresh(client)
    if who == "newcomer":
        Authenticator.objects.all().delete()
    kinds = {"uidb36": "1", "key": "x-y", "secret": "x"}
    for one in urlpatterns:
        wanted = {name: kinds[name] for name in one.pattern.regex.groupindex}
        answer = client.get(reverse(one.name, kwargs=wanted))
        assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", ")), one.name
