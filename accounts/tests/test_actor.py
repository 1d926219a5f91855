"""Who acts, and what that lets them do."""

import pytest

from accounts.actor import SYSTEM, Actor, acting_as, current
from accounts.permissions import Role, allowed, membership_at, require
from clinic.errors import Refused


def person(membership):
    return Actor("user", user_id=membership.user_id, clinic_id=membership.clinic_id)


def test_without_anybody_named_the_house_itself_acts():
    assert current() == SYSTEM


def test_an_actor_acts_only_inside_the_block():
    with acting_as(Actor("user", user_id=5)):
        assert current().user_id == 5
    assert current() == SYSTEM


def test_an_unknown_kind_of_actor_is_refused():
    with pytest.raises(ValueError, match="'robot' is no kind of actor"):
        Actor("robot")


@pytest.mark.parametrize(("kind", "expected"), [("user", 1), ("token", 2), ("patient", 3), ("system", None)])
def test_the_id_is_that_of_the_kind(kind, expected):
    assert Actor(kind, user_id=1, token_id=2, patient_id=3).id == expected


def test_the_house_may_do_everything(clinic):
    require(clinic, Role.CLINIC_ADMIN)


def test_a_person_may_do_what_their_role_may(clinic, admin, front_desk):
    assert allowed(clinic, Role.CLINIC_ADMIN, actor=person(admin))
    assert not allowed(clinic, Role.CLINIC_ADMIN, actor=person(front_desk))
    assert allowed(clinic, actor=person(front_desk))


def test_a_stranger_may_do_nothing_here(clinic, stranger):
    with acting_as(person(stranger)), pytest.raises(Refused) as refusal:
        require(clinic)
    assert refusal.value.code == "forbidden"


def test_a_person_who_left_may_do_nothing(clinic, admin):
    admin.is_active = False
    admin.save()

    assert not allowed(clinic, actor=person(admin))


def test_a_blocked_login_may_do_nothing(clinic, admin):
    admin.user.is_active = False
    admin.user.save()

    assert not allowed(clinic, Role.CLINIC_ADMIN, actor=person(admin))


def test_an_operator_may_act_at_every_clinic(clinic, other_clinic, operator):
    actor = Actor("user", user_id=operator.pk)

    assert allowed(clinic, Role.CLINIC_ADMIN, actor=actor)
    assert allowed(other_clinic, Role.CLINIC_ADMIN, actor=actor)


def test_a_token_acts_at_its_own_clinic_only(clinic, other_clinic):
    token = Actor("token", token_id=1, clinic_id=clinic.pk)

    assert allowed(clinic, Role.CLINIC_ADMIN, actor=token)
    assert not allowed(other_clinic, actor=token)


@pytest.mark.parametrize("kind", ["patient", "anonymous"])
def test_patients_and_visitors_hold_no_role(clinic, kind):
    assert not allowed(clinic, actor=Actor(kind, patient_id=1))


def test_the_membership_that_acts_is_found(clinic, other_clinic, specialist):
    assert membership_at(clinic, actor=person(specialist)) == specialist
    assert membership_at(other_clinic, actor=person(specialist)) is None
    assert membership_at(clinic) is None
