"""`manage.py demo`, as a person starts, stops and kills it."""

import json
import os
import signal
import socket
import time

import pytest

from clinic.embedded import in_use
from clinic.embedded.process import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_it_answers_and_says_where_its_mail_lies(running_demo):
    assert json.loads(running_demo.get("/healthz/ready")[1])["ready"] is True
    status, page = running_demo.get("/accounts/login/")
    assert status == 200
    assert b'src="http' not in page  # nothing from another machine
    assert b'href="http' not in page
    names = " ".join(" ".join(process.cmdline()) for process in running_demo.processes())
    for part in ("gunicorn", "-Q engine", "-Q deliver", "postgres -D", "valkey-server"):
        assert part in names
    assert f"Mail that would have been sent: http://127.0.0.1:{running_demo.port}/mail/" in running_demo.said()


def test_it_has_a_past(running_demo):
    assert "Living through the demo's history (once)" in running_demo.said_first
    status, page = running_demo.get("/mail/")
    assert status == 200
    assert b"Welcome to Harbour Clinic" in page


def test_a_killed_child_is_started_again(running_demo):
    children = [one for one in running_demo.processes() if one.ppid() == running_demo.process.pid]
    (worker,) = [one for one in children if "-Q engine" in " ".join(one.cmdline())]
    time.sleep(2.5)
    worker.kill()
    assert wait_until(lambda: "engine ended with code -9; starting it again" in running_demo.said(), 90)


def test_a_command_beside_it_uses_its_ports_and_writes_no_logs(running_demo, monkeypatch):
    monkeypatch.delitem(running_demo.environment, "PORT")
    asked = "from django.conf import settings as s; print(s.PORT, s.EMAIL_PORT, s.PUBLIC_URL)"
    shown = running_demo.manage("shell", "-v", "0", "-c", asked).stdout
    port = running_demo.port
    assert shown.split() == [str(port), str(port + 25), f"http://127.0.0.1:{port}"]
    ticked = running_demo.manage("tick")
    assert (ticked.returncode, ticked.stderr) == (0, "")
    assert ticked.stdout.endswith("done\n")


def test_it_refuses_to_be_reset_or_started_while_it_runs(running_demo):
    assert running_demo.manage("showmigrations").returncode == 0
    refused = running_demo.manage("reset")
    again = running_demo.manage("demo")
    assert refused.returncode == 1
    assert "in use" in refused.stderr
    assert again.returncode == 1
    assert "The demo runs already in this checkout" in again.stderr
    assert running_demo.get("/healthz/ready")[0] == 200


def test_after_sigkill_nothing_stays_and_the_next_start_recovers(running_demo, monkeypatch):
    running_demo.process.kill()
    running_demo.process.wait()

    running_demo.start()  # at once: it waits for what the killed one left

    assert running_demo.get("/healthz/ready")[0] == 200
    running_demo.process.kill()
    running_demo.process.wait()
    assert running_demo.gone()
    monkeypatch.delitem(running_demo.environment, "PORT")
    shown = running_demo.manage("shell", "-v", "0", "-c", "from django.conf import settings as s; print(s.PORT)").stdout
    assert shown.strip() == "8000"  # what a killed demo wrote down counts no more


def test_it_stops_leaves_nothing_behind_and_keeps_its_data_until_it_is_reset(running_demo):
    running_demo.process.send_signal(signal.SIGTERM)
    assert running_demo.process.wait(40) == 0
    assert running_demo.processes() == []
    assert not in_use(running_demo.directory)

    # the second start keeps the data and takes seconds
    assert running_demo.start() < 60  # seconds, while other tests run beside it; eight on a quiet machine
    assert "Living through" not in running_demo.said()
    os.killpg(running_demo.process.pid, signal.SIGINT)  # as Ctrl-C does: to every process of the group
    assert running_demo.process.wait(40) == 0
    assert running_demo.processes() == []

    assert running_demo.manage("reset").returncode == 0
    assert not (running_demo.directory / "postgres").exists()


def test_commands_work_without_it_and_stop_what_they_started(demo):
    asked = "from django.db import connection as c; print('tables', len(c.introspection.table_names()))"
    shown = demo.manage("shell", "-v", "0", "-c", asked)
    assert (shown.returncode, shown.stdout) == (0, "tables 0\n"), shown.stderr
    assert demo.processes() == []


def test_a_taken_port_is_named(demo):
    with socket.socket() as other:
        other.bind(("127.0.0.1", demo.port))
        other.listen()
        refused = demo.manage("demo")

    assert refused.returncode == 1
    assert f"Port {demo.port} is taken by another program." in refused.stderr
    assert demo.processes() == []


def test_it_refuses_to_be_the_demo_of_a_production(demo):
    demo.environment |= {"CLINIC_MODE": "production", "SECRET_KEY": "k" * 50, "PUBLIC_URL": "https://clinic.example"}

    refused = demo.manage("demo")

    assert refused.returncode == 1
    assert "does not run in production mode" in refused.stderr
