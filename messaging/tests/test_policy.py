"""What follows an attempt, and how errors of other backends than ours are read."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from types import SimpleNamespace

import pytest
import requests
from anymail.exceptions import AnymailRequestsAPIError

from messaging.policy import MOST_ATTEMPTS, Outcome, Past, Result, decide, pause_after
from messaging.transport import by_code, judge_other


@pytest.mark.parametrize(("attempts", "longest"), [(1, 30), (2, 60), (5, 480), (10, 14_400), (500, 14_400)])
def test_the_pause_doubles_up_to_four_hours_and_is_a_matter_of_chance_from_zero(attempts, longest):
    assert pause_after(attempts, lambda: 1.0) == timedelta(seconds=longest)
    assert pause_after(attempts, lambda: 0.0) == timedelta(0)


@pytest.mark.parametrize(
    ("result", "past", "state", "reason"),
    [
        (Result.SENT, Past("survey", 1), "sent", ""),
        (Result.SENT, Past("survey", 1, called_off=True), "sent", ""),
        (Result.TEMPORARY, Past("survey", 1), "retry", "temporary"),
        (Result.UNREACHABLE, Past("survey", MOST_ATTEMPTS), "failed", "gave_up"),
        (Result.TEMPORARY, Past("clinical", 2, called_off=True), "withdrawn", "stopped"),
        (Result.TEMPORARY, Past("clinical", 2, maybe_left=True, called_off=True), "unknown", "stopped"),
        (Result.TEMPORARY, Past("clinical", MOST_ATTEMPTS, maybe_left=True), "unknown", "gave_up"),
        (Result.REFUSED, Past("clinical", 1), "failed", "refused"),
        (Result.REFUSED, Past("clinical", 2, maybe_left=True), "unknown", "refused"),
        (Result.UNKNOWN, Past("clinical", 1), "retry", "unknown"),
        (Result.UNKNOWN, Past("clinical", 2, unknown_before=1, maybe_left=True), "unknown", "unknown"),
        (Result.UNKNOWN, Past("transactional", 1, called_off=True), "unknown", "unknown"),
        (Result.UNKNOWN, Past("survey", 1), "unknown", "unknown"),
        (Result.UNKNOWN, Past("marketing", 1), "unknown", "unknown"),
    ],
)
def test_what_follows(result, past, state, reason):
    following = decide(Outcome(result), past, lambda: 0.5)
    assert (following.state, following.reason) == (state, reason)
    assert (following.pause is not None) == (state == "retry")


@pytest.mark.parametrize(
    ("code", "text", "result", "bounced"),
    [
        (550, "5.1.1 no such user", Result.REFUSED, True),
        (553, "5.1.3 bad address syntax", Result.REFUSED, True),
        (550, "5.7.1 denied", Result.REFUSED, False),
        (550, "no such user", Result.REFUSED, False),
        (450, "4.1.1 try later", Result.TEMPORARY, False),
    ],
)
def test_an_answer_about_the_address(code, text, result, bounced):
    outcome = by_code(code, text.encode(), about_address=True)
    assert (outcome.result, outcome.bounced, outcome.answer) == (result, bounced, f"{code} {text}")


def provider_error(status):
    response = requests.Response()
    response.status_code = status
    response._content = b"{}"
    return AnymailRequestsAPIError("no", response=response, backend=SimpleNamespace(esp_name="Test"))


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (provider_error(422), Result.REFUSED),
        (provider_error(429), Result.TEMPORARY),
        (provider_error(500), Result.UNKNOWN),
        (requests.ReadTimeout(), Result.UNKNOWN),
        (ConnectionRefusedError(), Result.UNREACHABLE),
        (smtplib.SMTPDataError(451, b"later"), Result.TEMPORARY),
        (smtplib.SMTPServerDisconnected("gone"), Result.UNKNOWN),
        (KeyError("x"), Result.UNKNOWN),
    ],
)
def test_another_backends_error_is_unknown_unless_it_clearly_says_no(error, result):
    assert judge_other(error).result is result
