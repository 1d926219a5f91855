"""Clinics and staff: what is done, what is refused, and that a refusal changes nothing."""

from datetime import time

import pytest

from accounts import selectors, services
from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry, Clinic, Membership, User
from clinic.errors import ClinicError, Refused


def person(membership):
    return Actor("user", user_id=membership.user_id, clinic_id=membership.clinic_id)


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# --- clinics ---


def test_a_new_clinic_has_no_quiet_hours_and_a_minutes_undo_time(db):
    clinic = services.create_clinic(slug="east", name="East", time_zone="Europe/Bucharest")

    clinic.refresh_from_db()
    assert (clinic.quiet_start, clinic.quiet_end, clinic.closed_weekdays) == (None, None, [])
    assert (clinic.undo_seconds, clinic.week_start, clinic.age_of_consent) == (60, 0, 16)
    assert actions() == ["clinic.created"]


def test_a_new_clinic_has_no_caps_and_half_a_days_grace(db):
    clinic = services.create_clinic(slug="east", name="East", time_zone="Europe/Bucharest")

    clinic.refresh_from_db()
    caps = [name for name in services.CLINIC_SETTINGS if name.startswith("cap_")]
    assert {name: getattr(clinic, name) for name in caps} == dict.fromkeys(caps)
    assert (len(caps), clinic.adherence_grace_hours) == (6, 12)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"cap_survey_day": 0}, "cap_survey_day"),
        ({"cap_total_week": -1}, "cap_total_week"),
        ({"adherence_grace_hours": 73}, "adherence_grace_hours"),
        ({"slug": "not a slug"}, "slug"),
        ({"slug": "north"}, "slug"),
        ({"name": ""}, "name"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"quiet_start": time(21)}, "quiet_end"),
        ({"quiet_end": time(8)}, "quiet_start"),
        ({"quiet_start": time(8), "quiet_end": time(8)}, "quiet_end"),
        ({"undo_seconds": 601}, "undo_seconds"),
        ({"week_start": 7}, "week_start"),
        ({"phone": "call Ana"}, "phone"),
        ({"phone": "+4"}, "phone"),
        ({"closed_weekdays": [0, 1, 2, 3, 4, 5, 6]}, "closed_weekdays"),
        ({"closed_weekdays": [6, 6]}, "closed_weekdays"),
        ({"closed_weekdays": [9]}, "closed_weekdays"),
        ({"rules_epoch": 5}, "rules_epoch"),
    ],
)
def test_a_wrong_setting_is_named_and_no_clinic_opens(clinic, wrong, path):
    fields = {"slug": "east", "name": "East", "time_zone": "Europe/Bucharest", **wrong}

    with pytest.raises(ClinicError) as refusal:
        services.create_clinic(**fields)

    assert refusal.value.path == path
    assert Clinic.objects.count() == 1
    assert actions() == []


def test_only_the_platform_opens_clinics(clinic, admin, operator):
    fields = {"slug": "east", "name": "East", "time_zone": "Europe/Bucharest"}
    with acting_as(person(admin)), pytest.raises(Refused):
        services.create_clinic(**fields)
    assert not Clinic.objects.filter(slug="east").exists()

    with acting_as(Actor("user", user_id=operator.pk)):
        services.create_clinic(**fields)
    assert Clinic.objects.filter(slug="east").exists()


def test_quiet_hours_may_cross_midnight(clinic, admin):
    with acting_as(person(admin)):
        services.update_clinic(clinic, quiet_start=time(21), quiet_end=time(8))

    clinic.refresh_from_db()
    assert (clinic.quiet_start, clinic.quiet_end) == (time(21), time(8))
    assert AuditEntry.objects.get().detail == {"fields": ["quiet_end", "quiet_start"]}


@pytest.mark.parametrize("who", ["specialist", "front_desk", "stranger"])
def test_others_do_not_change_the_clinic(clinic, who, request):
    with acting_as(person(request.getfixturevalue(who))), pytest.raises(Refused):
        services.update_clinic(clinic, undo_seconds=0)

    clinic.refresh_from_db()
    assert clinic.undo_seconds == 60


# --- staff ---


def test_a_new_person_gets_a_login_and_a_role(clinic, admin):
    with acting_as(person(admin)):
        member = services.add_membership(
            clinic=clinic,
            role="specialist",
            slug="dr-pop",
            name="Dr. Paul Pop",
            email="Pop@north.example",
            password="a long enough password",
        )

    user = User.objects.get(username="pop@north.example")
    assert (member.user, member.role, member.is_active) == (user, "specialist", True)
    assert (user.first_name, user.last_name, user.is_staff) == ("Dr.", "Paul Pop", True)
    assert user.check_password("a long enough password")
    assert not user.is_platform_operator
    assert not user.is_superuser
    assert actions() == ["membership.created"]


def test_without_a_password_nobody_can_sign_in_yet(clinic):
    member = services.add_membership(clinic=clinic, role="specialist", slug="x", name="X", email="x@north.example")

    assert not member.user.has_usable_password()


def test_a_person_who_works_elsewhere_keeps_their_login(clinic, stranger):
    password = stranger.user.password

    member = services.add_membership(
        clinic=clinic, role="specialist", slug="stan", name="Stan", email="STAN@south.example"
    )

    assert member.user == stranger.user
    assert User.objects.get(pk=stranger.user_id).password == password
    with pytest.raises(ClinicError) as refusal:
        services.add_membership(
            clinic=clinic,
            role="front_desk",
            slug="stan2",
            name="Stan",
            email="stan@south.example",
            password="taken over!",
        )
    assert refusal.value.path == "password"
    assert User.objects.get(pk=stranger.user_id).password == password


def test_a_person_is_known_by_their_address_whatever_their_login_is_called(clinic):
    root = User.objects.create_superuser("root", "Root@platform.example", "a long enough password")

    member = services.add_membership(
        clinic=clinic, role="clinic_admin", slug="root", name="Root", email="root@PLATFORM.example"
    )

    assert member.user == root


@pytest.mark.parametrize("role", ["clinic_admin", "front_desk"])
def test_an_admin_draws_nobody_of_another_clinic_in(clinic, admin, stranger, role):
    fields = {"clinic": clinic, "role": role, "slug": "stan", "name": "Stan", "email": "stan@south.example"}

    with acting_as(person(admin)), pytest.raises(Refused) as refusal:
        services.add_membership(**fields)
    assert (refusal.value.code, refusal.value.path) == ("works_elsewhere", "email")
    assert list(Membership.objects.filter(user=stranger.user)) == [stranger]

    Membership.objects.create(clinic=stranger.clinic, user=admin.user, role="clinic_admin", slug="ann", name="Ann")
    with acting_as(person(admin)):
        assert services.add_membership(**fields).user == stranger.user


def test_an_admin_draws_no_operator_in_and_operators_add_anybody(clinic, admin, operator, stranger):
    fields = {"clinic": clinic, "role": "specialist", "slug": "new", "name": "New"}

    with acting_as(person(admin)), pytest.raises(Refused):
        services.add_membership(**fields, email=operator.username)
    with acting_as(Actor("user", user_id=operator.pk)):
        assert services.add_membership(**fields, email="stan@south.example").user == stranger.user


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"email": "nowhere"}, "email"),
        ({"slug": "felix"}, "slug"),
        ({"slug": "no slug"}, "slug"),
        ({"role": "pilot"}, "role"),
        ({"email": "felix@north.example", "role": "front_desk"}, "role"),
        ({"password": "123"}, "password"),
    ],
)
def test_a_wrong_person_is_refused_and_no_login_is_left_behind(clinic, front_desk, wrong, path):
    fields = {"role": "specialist", "slug": "new", "name": "New", "email": "new@north.example", **wrong}

    with pytest.raises(ClinicError) as refusal:
        services.add_membership(clinic=clinic, **fields)

    assert refusal.value.path == path
    assert Membership.objects.count() == 1
    assert User.objects.count() == 1


def test_a_clinic_keeps_an_admin(clinic, admin):
    for change in ({"is_active": False}, {"role": "front_desk"}):
        with pytest.raises(Refused) as refusal:
            services.update_membership(admin, **change)
        assert refusal.value.code == "last_admin"

    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == ("clinic_admin", True)
    assert actions() == []


def test_a_slug_stays(admin):
    with pytest.raises(ClinicError) as refusal:
        services.update_membership(admin, slug="other")

    assert refusal.value.path == "slug"


def test_who_works_here(clinic, admin, specialist, front_desk, stranger):
    front_desk.is_active = False
    front_desk.save()

    assert list(selectors.members(clinic)) == [admin, specialist]
    assert list(selectors.clinic_admins(clinic)) == [admin]
