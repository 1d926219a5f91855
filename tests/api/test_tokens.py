"""Tokens: who may make them, what they open, and when they stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts import tokens
from accounts.actor import Actor, acting_as
from accounts.models import ApiToken, AuditEntry
from clinic.errors import ClinicError, Refused
from patients.models import Patient
from tests.callers import Caller, caller_of

pytestmark = pytest.mark.django_db
ANA = {"given_name": "Ana", "family_name": "Pop"}


def codes(answer):
    return [one["code"] for one in answer.json()["errors"]]


def test_the_command_prints_the_token_alone_and_stores_only_its_digest(clinic, capsys):
    call_command("apitoken", "create", "--clinic", "north", "--name", "booking", "--scopes", "read,write")
    secret = capsys.readouterr().out.strip()
    token = ApiToken.objects.get()
    assert (token.scopes, token.digest) == (["read", "write"], tokens.digest_of(secret))
    assert secret not in str(list(ApiToken.objects.values()))
    assert Caller(secret).get("clinic/").json()["slug"] == "north"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--scopes", "everything"], "--scopes: "),
        (["--days", "366"], "--days: "),
        (["--clinic", "nowhere"], "--clinic: "),
    ],
)
def test_the_command_names_what_is_wrong(clinic, options, problem):
    with pytest.raises(CommandError, match=problem):
        call_command("apitoken", "create", "--clinic", "north", "--name", "x", *options)
    assert ApiToken.objects.count() == 0


def test_only_an_admin_makes_and_revokes_tokens(clinic, admin, front_desk):
    desk = Actor("user", user_id=front_desk.user_id)
    with acting_as(desk), pytest.raises(Refused):
        tokens.create_token(clinic=clinic, name="x", scopes=["read"])
    with acting_as(Actor("user", user_id=admin.user_id)):
        token, secret = tokens.create_token(clinic=clinic, name="x", scopes=["read"])
    assert token.created_by_id == admin.user_id
    with acting_as(desk), pytest.raises(Refused):
        tokens.revoke_token(token)
    assert Caller(secret).get("clinic/").status_code == 200


def test_a_token_makes_no_tokens(clinic):
    with acting_as(Actor("token", clinic_id=clinic.pk, token_id=1)), pytest.raises(Refused):
        tokens.create_token(clinic=clinic, name="x", scopes=["read"])
    assert ApiToken.objects.count() == 0


@pytest.mark.parametrize("bad", ["nothing", "truncated", "revoked", "expired", "garbage", "basic", "endless"])
def test_a_token_that_is_no_good_is_401_and_nothing_happens(clinic, bad):
    secret = caller_of(clinic).secret
    headers = {
        "nothing": "",
        "truncated": f"Bearer {secret[:-1]}",
        "garbage": "Bearer ă\udcff".encode("utf-8", "replace").decode("latin-1"),
        "basic": "Basic YTpi",
        "endless": "Bearer " + "x" * 5000,
    }
    if bad == "revoked":
        tokens.revoke_token(ApiToken.objects.get())
    if bad == "expired":
        ApiToken.objects.update(expires_at=tokens.real_now() - timedelta(seconds=1))
    answer = Caller().post("patients/", ANA, Authorization=headers.get(bad, f"Bearer {secret}"))
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert Patient.objects.count() == 0


def test_the_scope_decides_between_reading_and_writing(clinic):
    reader, writer = caller_of(clinic, "read"), caller_of(clinic, "write")
    refused = reader.post("patients/", ANA)
    assert (refused.status_code, codes(refused)) == (403, ["missing_scope"])
    assert writer.get("patients/").status_code == 403
    assert Patient.objects.count() == 0
    assert writer.post("patients/", ANA).status_code == 201
    assert reader.get("patients/").status_code == 200


def test_after_rotation_both_are_good_until_the_overlap_ends(clinic):
    old = caller_of(clinic, "read")
    new, secret = tokens.rotate_token(ApiToken.objects.get(), overlap=timedelta(hours=1))
    assert [old.get("clinic/").status_code, Caller(secret).get("clinic/").status_code] == [200, 200]
    assert new.scopes == ["read"]
    ApiToken.objects.exclude(pk=new.pk).update(expires_at=tokens.real_now())
    assert [old.get("clinic/").status_code, Caller(secret).get("clinic/").status_code] == [401, 200]


def test_a_token_that_ended_is_not_rotated(clinic):
    caller_of(clinic)
    token = tokens.revoke_token(ApiToken.objects.get())
    with pytest.raises(Refused):
        tokens.rotate_token(token)
    with pytest.raises(ClinicError, match=r"from 1 to 365"):
        tokens.create_token(clinic=clinic, name="x", scopes=["read"], days=366)


def test_when_it_was_last_used_is_noted_to_the_minute(api, django_assert_num_queries):
    api.get("clinic/")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(1):  # the token, with its clinic
        api.get("clinic/")
    assert ApiToken.objects.get().last_used_at == first


def test_who_called_is_in_the_audit_trail(api, clinic):
    api.post("patients/", ANA)
    entry = AuditEntry.objects.get(action="patient.registered")
    assert (entry.actor_kind, entry.actor_id, entry.clinic_id) == ("token", ApiToken.objects.get().pk, clinic.pk)


def test_too_many_requests_are_429_with_a_time_to_wait(api, valkey, settings):
    settings.API_RATE_PER_CALLER = 2
    assert [api.get("clinic/").status_code for _n in range(3)] == [200, 200, 429]
    answer = api.get("clinic/")
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_nobody_is_held_back_when_the_counts_are_away(api, settings, monkeypatch):
    from accounts.api import throttling

    settings.API_RATE_PER_CALLER = 0
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    throttling._client.cache_clear()
    monkeypatch.setattr(throttling, "counters", throttling.Counters())
    try:
        assert api.get("clinic/").status_code == 200
    finally:
        throttling._client.cache_clear()
