"""Whatever a client sends, within the description or not: no 500, and no answer that the description does not have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.servers.basehttp import WSGIRequestHandler

from appointments.tests.builders import make_service, make_visit
from clinic.testing import rounds
from tests.callers import caller_of

HERE = Path(__file__).resolve().parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.proof
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.django_db(transaction=True)
def test_no_request_gets_an_answer_that_is_not_described(
    live_server, clinic, patient, specialist, settings, monkeypatch, tmp_path
):
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)  # else each answer waits for 40 ms
    settings.API_RATE_PER_CALLER = settings.API_RATE_PER_CLINIC = 10**9
    make_service(clinic)
    make_visit(patient, specialist=specialist)
    secret = caller_of(clinic).secret
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/v1/schema/",
        "--header", f"Authorization: Bearer {secret}",
        "--checks", CHECKS,
        "--phases", "fuzzing,stateful",
        "--max-examples", str(rounds(1, 45)),
        "--workers", "2",
        "--seed", "20261124",
        "--no-color",
        "--suppress-health-check", "all",
        "--generation-database", "none",
    ]  # fmt: skip
    path = {"PYTHONPATH": str(HERE.parent.parent)}  # what it keeps of a run goes to a directory of its own
    environment = {**os.environ, **path, "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks"}
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, timeout=2900
    )
    (tmp_path / "schemathesis.txt").write_text(run.stdout)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
    generated = re.search(r"(\d[\d,]*) generated", run.stdout)
    assert generated is not None, run.stdout[-2_000:]
    assert int(generated[1].replace(",", "")) >= rounds(130, 5_000)
