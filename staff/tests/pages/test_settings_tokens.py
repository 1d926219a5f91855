"""The settings of the API's tokens: made and shown once, rotated, revoked."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from accounts.models import ApiToken
from staff.tests.pages.test_settings import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(as_admin, fresh):
    """The admin's browser, where the password was given a moment ago."""
    return fresh(as_admin)


@pytest.fixture
def token(clinic):
    return tokens.create_token(clinic=clinic, name="Portal", scopes=["read"])[0]


def test_a_token_is_made_and_shown_once(settled, clinic, client):
    made = settled.post(at("settings-token-new"), {"name": "Portal", "scopes": ["read", "events"], "days": "30"})

    secret = re.search(r"cat_[\w-]{20,}", made.content.decode())[0]
    assert "no-store" in made["Cache-Control"]
    token = ApiToken.objects.get()
    assert (token.clinic, token.scopes, tokens.find_token(secret)) == (clinic, ["read", "events"], token)
    assert token.expires_at - tokens.real_now() <= timedelta(days=30)
    html = settled.get(at("settings-tokens")).content.decode()
    assert secret not in html
    assert f"{token.hint}…" in html
    assert client.get("/api/v1/patients/", headers={"authorization": f"Bearer {secret}"}).status_code == 200


@pytest.mark.parametrize("wrong", [{"days": "366"}, {"days": "0"}, {"scopes": ["all"]}, {"name": ""}])
def test_a_wrong_token_is_not_made(settled, wrong):
    assert (
        settled.post(at("settings-token-new"), {"name": "x", "scopes": ["read"], "days": "9", **wrong})
        .context["form"]
        .errors
    )
    assert not ApiToken.objects.exists()


def test_a_token_is_rotated_and_revoked(settled, token):
    made = settled.post(at("settings-token", token.pk, "rotate"))
    successor = tokens.find_token(re.search(r"cat_[\w-]{20,}", made.content.decode())[0])
    assert (successor.replaces, successor.name) == (token, "Portal")

    settled.post(at("settings-token", successor.pk, "revoke"))
    successor.refresh_from_db()
    assert successor.revoked_at is not None
    refused = settled.post(at("settings-token", successor.pk, "rotate"), follow=True)
    assert "no longer good" in refused.content.decode()
    assert settled.post(at("settings-token", token.pk, "shred")).status_code == 404


def test_the_list_of_tokens_takes_as_many_queries_for_many(settled, clinic, token):
    def count():
        with CaptureQueriesContext(connection) as seen:
            assert settled.get(at("settings-tokens")).status_code == 200
        return len(seen)

    few = count()
    for number in range(5):
        tokens.create_token(clinic=clinic, name=f"Program {number}", scopes=["read"])

    assert count() == few <= 7
