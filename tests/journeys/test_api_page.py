"""The first five minutes of docs/api.md, command by command in a shell, against a running server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.tokens import SCOPES, create_token
from automations import ticking
from clinic.embedded.process import wait_until
from worklist.models import Task

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
PAGE = Path(settings.BASE_DIR) / "docs" / "api.md"


def test_a_reader_gets_from_a_token_to_a_trace(live_server: Any, clinic: Any, front_desk: Any, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    _token, secret = create_token(clinic=clinic, name="Reader", scopes=SCOPES)
    ran = tmp_path / "ran"
    # The tests do what workers do, and say when they have: then the reader looks.
    waits = 'sleep() { until [ -e "$RAN" ]; do command sleep 0.1; done; }\ntouch "$READY"\n'
    script = "\n".join(["set -euo pipefail", blocks[0], "echo", blocks[1], "echo", waits, blocks[2]])
    ready = tmp_path / "ready"
    shell = {
        "API": f"{live_server.url}/api/v1",
        "TOKEN": secret,
        "RAN": str(ran),
        "READY": str(ready),
        "PATH": "/usr/bin:/bin",
    }
    with subprocess.Popen(
        ["bash", "-c", script], env=shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: ready.exists() or process.poll() is not None, 60)
        ticking.drain_all()
        ran.touch()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, ""), out
    assert '"sentence":"When Appointment confirmed, only if Age is at least 65, then: 1. ' in out
    runs, steps = (json.loads(one) for one in re.findall(r'\{"next":null.*?\}\]\}', out))
    assert [(one["outcome"], one["verdict"]["result"]) for one in runs["results"]] == [("matched", True)]
    assert [(one["action"]["id"], one["state"]) for one in steps["results"]] == [("a1", "done"), ("a2", "pending")]
    assert list(Task.objects.values_list("title", flat=True)) == ["Prepare the room"]
