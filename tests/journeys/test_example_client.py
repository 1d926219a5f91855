"""The example client of the documentation, as a reader runs it: its own process, a running server and workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.tokens import create_token
from appointments.models import Appointment
from automations import ticking
from automations.models import Rule, Run
from clinic.embedded.process import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
EXAMPLE = Path(settings.BASE_DIR) / "docs" / "examples" / "book_and_watch.py"


def told(base: str, token: str) -> tuple[int, str, str]:
    """Run the example to its end, doing meanwhile what workers do; return its code, output and errors."""
    command = [sys.executable, "-I", str(EXAMPLE), "--url", base, "--token", token, "--seconds", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: ticking.drain_all() is not None and process.poll() is not None, 90)
        out, err = process.communicate()
    return process.returncode, out, err


@pytest.fixture
def token(clinic: Any) -> str:
    """A token with the scopes that the example asks for."""
    return create_token(clinic=clinic, name="Example", scopes=["read", "write", "rules", "events"])[1]


def test_it_books_confirms_and_reads_the_trace(live_server, token):
    code, out, err = told(live_server.url, token)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("When Appointment confirmed, only if Age is at least 65, then: 1. ")
    assert lines[1] == "example-prepare-visit version 1: matched"
    assert lines[2].startswith("  patient.age gte 65: was ")
    assert lines[2].endswith(", True")
    assert [line.split(", ")[0] for line in lines[3:]] == ["  a1 create_task: done", "  a2 create_task: pending"]


def test_run_again_it_finds_what_it_made(live_server, token):
    assert [told(live_server.url, token)[0] for _ in range(2)] == [0, 0]
    assert (Rule.objects.count(), Appointment.objects.count(), Run.objects.count()) == (1, 2, 2)


def test_what_the_api_refuses_is_said_with_its_place(live_server, clinic):
    reader = create_token(clinic=clinic, name="Reader", scopes=["read"])[1]
    code, out, err = told(live_server.url, reader)
    assert (code, out) == (1, "")
    assert err.startswith("403 Forbidden: This token lacks the scope “rules”.")
