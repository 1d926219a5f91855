"""What every page of the staff shares: where one sits, and that nobody is moved to another clinic unasked."""

import pytest
from django.urls import reverse

from tests.cast import client_of, make_member

pytestmark = pytest.mark.django_db
ADMINS_ONLY = "/staff/imports/"


@pytest.fixture
def two_clinics(clinic, other_clinic, specialist):
    """A specialist here who is clinic admin elsewhere."""
    there = make_member(other_clinic, "clinic_admin", "second", "Second")
    there.user = specialist.user
    there.save()
    return client_of(specialist.user), there


def test_a_page_for_admins_does_not_move_one_to_the_clinic_where_one_is_admin(two_clinics, other_clinic):
    client, _there = two_clinics

    answer = client.get(ADMINS_ONLY)

    assert answer.status_code == 403
    assert f"Change to {other_clinic}" in answer.content.decode()
    assert client.get(reverse("staff:home")).context["desk"].clinic != other_clinic


def test_a_post_there_does_nothing(two_clinics):
    client, _there = two_clinics

    assert client.post(ADMINS_ONLY, {"kind": "patients"}).status_code == 403
    assert "staff_membership" not in client.session


def test_who_changes_desks_is_let_in(two_clinics, other_clinic):
    client, there = two_clinics

    client.post(reverse("staff:desk"), {"membership": there.pk})

    assert client.get(ADMINS_ONLY).status_code == 200


def test_a_second_role_at_the_same_clinic_opens_its_pages(clinic, specialist):
    both = make_member(clinic, "clinic_admin", "second", "Second")
    both.user = specialist.user
    both.save()

    assert client_of(specialist.user).get(ADMINS_ONLY).status_code == 200
