"""The admin page of API tokens."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts import tokens
from accounts.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_admin(as_admin, fresh):
    """A browser where the password was given a moment ago: what lets somebody in asks for it."""
    return fresh(as_admin)


ADD = {"name": "Booking", "scopes": ["read", "write"], "days": "30"}


def test_an_admin_makes_a_token_and_sees_it_once(as_admin, clinic):
    page = as_admin.post(reverse("admin:accounts_apitoken_add"), ADD, follow=True).content.decode()
    token = ApiToken.objects.get()
    [secret] = re.findall(r"cat_[\w-]+", page.replace(token.hint + "…", ""))[:1]
    assert (token.clinic, token.scopes, token.digest) == (clinic, ["read", "write"], tokens.digest_of(secret))
    again = as_admin.get(reverse("admin:accounts_apitoken_change", args=[token.pk])).content.decode()
    assert secret not in again


@pytest.mark.parametrize("wrong", [{"days": "366"}, {"scopes": []}, {"name": ""}])
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(as_admin, wrong):
    page = as_admin.post(reverse("admin:accounts_apitoken_add"), {**ADD, **wrong})
    assert page.status_code == 200
    assert set(page.context["adminform"].form.errors) == set(wrong)
    assert ApiToken.objects.count() == 0


def test_it_is_rotated_and_revoked_by_its_buttons(as_admin, clinic):
    token, _secret = tokens.create_token(clinic=clinic, name="x", scopes=["read"])
    path = reverse("admin:accounts_apitoken_change", args=[token.pk])
    page = as_admin.post(path, {"accounts_apitoken_rotate": "1"}, follow=True).content.decode()
    assert "cat_" in page
    assert ApiToken.objects.get(replaces=token).scopes == ["read"]
    as_admin.post(path, {"accounts_apitoken_revoke": "1"})
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_others_neither_see_nor_make_tokens(as_front_desk, as_specialist, as_stranger, clinic):
    token, _secret = tokens.create_token(clinic=clinic, name="x", scopes=["read"])
    for browser in (as_front_desk, as_specialist):
        assert browser.get(reverse("admin:accounts_apitoken_changelist")).status_code == 403
        assert browser.post(reverse("admin:accounts_apitoken_add"), ADD).status_code == 403
    path = reverse("admin:accounts_apitoken_change", args=[token.pk])
    assert as_stranger.post(path, {"accounts_apitoken_revoke": "1"}).status_code == 302
    token.refresh_from_db()
    assert (ApiToken.objects.count(), token.revoked_at) == (1, None)
