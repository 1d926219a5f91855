"""A clinic that asks for a second factor: until it is set up nothing else can be done, nowhere."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from accounts import services
from accounts.actor import Actor, acting_as
from accounts.entrance import SecondFactorAdapter
from accounts.models import AuditEntry, Membership
from clinic.errors import Refused
from tests.cast import client_of

pytestmark = pytest.mark.django_db
SETUP = "/accounts/2fa/totp/activate/"


@pytest.fixture
def strict(clinic):
    """The clinic asks everybody for a second factor."""
    return services.update_clinic(clinic, require_mfa=True)


def give_factor(user):
    return Authenticator.objects.create(user=user, type="totp", data={"secret": SecondFactorAdapter().encrypt("ABC")})


def test_without_it_one_is_led_to_set_it_up(strict, as_front_desk):
    for address in ("/staff/", "/staff/settings/", "/admin/", "/accounts/2fa/", "/accounts/password/change/"):
        answer = as_front_desk.get(address)
        assert (answer.status_code, answer["Location"]) == (302, SETUP)
    answer = as_front_desk.get("/staff/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == SETUP


def test_without_it_nothing_is_done(strict, as_front_desk, as_admin, patient):
    api = {"content_type": "application/json"}
    answer = as_admin.post("/api/v1/patients/", {"given_name": "Eve", "family_name": "New"}, **api)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "second_factor_required"
    assert as_admin.get("/api/v1/patients/").status_code == 403
    assert as_admin.post(f"/admin/patients/patient/{patient.pk}/change/", {"given_name": "X"})["Location"] == SETUP

    assert list(type(patient).objects.all()) == [patient]
    assert [entry.action for entry in AuditEntry.objects.all()] == ["clinic.updated"]


def test_setting_it_up_signing_out_and_the_language_stay_open(strict, as_front_desk):
    assert as_front_desk.get(SETUP)["Location"].startswith("/accounts/reauthenticate/")
    assert as_front_desk.post("/i18n/setlang/", {"language": "ro", "next": SETUP})["Location"] == SETUP
    assert as_front_desk.get("/healthz/live").status_code == 200
    assert as_front_desk.post("/accounts/logout/")["Location"] == "/accounts/login/"


def test_with_it_everything_is_as_before(strict, front_desk, as_front_desk):
    give_factor(front_desk.user)

    assert as_front_desk.get("/staff/").status_code == 200
    assert as_front_desk.get("/api/v1/patients/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(strict, front_desk, as_front_desk):
    Authenticator.objects.create(user=front_desk.user, type="recovery_codes", data={"seed": "x", "used_mask": 0})

    assert as_front_desk.get("/staff/")["Location"] == SETUP


def test_another_clinics_people_are_left_alone(strict, as_stranger):
    assert as_stranger.get("/staff/").status_code == 200


def test_one_clinic_that_asks_is_enough(strict, stranger, as_stranger):
    Membership.objects.create(clinic=strict, user=stranger.user, role="specialist", slug="stan", name="Stan")

    assert as_stranger.get("/staff/")["Location"] == SETUP


def test_an_operator_sees_every_clinic_and_needs_it_too(clinic, operator, as_operator):
    assert as_operator.get("/admin/").status_code == 200
    services.update_clinic(clinic, require_mfa=True)
    assert as_operator.get("/admin/")["Location"] == SETUP

    give_factor(operator)
    assert as_operator.get("/admin/").status_code == 200


def test_programs_with_a_token_go_on(strict, api):
    assert api.get("/api/v1/patients/").status_code == 200


def test_it_cannot_be_switched_off_while_a_clinic_asks(strict, front_desk, as_front_desk, fresh):
    factor = give_factor(front_desk.user)

    page = fresh(as_front_desk).post("/accounts/2fa/totp/deactivate/")

    assert "so it stays on" in page.content.decode()
    assert Authenticator.objects.get() == factor


@pytest.mark.parametrize("who", ["specialist", "front_desk", "stranger"])
def test_only_the_clinics_admin_asks_for_it(clinic, who, request):
    member = request.getfixturevalue(who)
    with acting_as(Actor("user", user_id=member.user_id)), pytest.raises(Refused):
        services.update_clinic(clinic, require_mfa=True)

    clinic.refresh_from_db()
    assert not clinic.require_mfa
    assert client_of(member.user).get("/staff/").status_code == 200


def test_a_command_takes_it_away_when_nobody_else_can(admin, capsys):
    give_factor(admin.user)
    call_command("second_factor", "Ada@north.example")
    call_command("second_factor", "ada@north.example", "--take-away")
    call_command("second_factor", "ada@north.example", "--take-away")

    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "ada@north.example has a second factor.",
        "The second factor of ada@north.example is gone; a new one can be set up.",
        "ada@north.example has no second factor.",
    ]
    assert [(entry.action, entry.actor_kind) for entry in AuditEntry.objects.all()] == [
        ("second_factor.taken_away", "system")
    ]
    with pytest.raises(CommandError, match="Nobody signs in"):
        call_command("second_factor", "nobody@north.example")
