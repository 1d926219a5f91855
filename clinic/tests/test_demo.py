"""`manage.py demo`, as a person starts, stops and kills it."""

import json
import os
import signal
import socket
import time

import pytest

from clinic.embedded import in_use
from clinic.embedded.process import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_it_starts_answers_stops_and_leaves_nothing_behind(demo):
    demo.start()

    assert json.loads(demo.get("/healthz/ready")[1])["ready"] is True
    status, page = demo.get("/accounts/login/")
    assert status == 200
    assert b'src="http' not in page  # nothing from another machine
    assert b'href="http' not in page
    names = " ".join(" ".join(process.cmdline()) for process in demo.processes())
    for part in ("gunicorn", "-Q engine", "-Q deliver", "postgres -D", "valkey-server"):
        assert part in names

    demo.process.send_signal(signal.SIGTERM)

    assert demo.process.wait(40) == 0
    assert demo.processes() == []
    assert not in_use(demo.directory)

    # the second start keeps the data and takes seconds
    assert demo.start() < 60  # seconds, while other tests run beside it; three on a quiet machine
    os.killpg(demo.process.pid, signal.SIGINT)  # as Ctrl-C does: to every process of the group
    assert demo.process.wait(40) == 0
    assert demo.processes() == []


def test_it_has_a_past_and_says_where_its_mail_lies(demo):
    demo.environment |= {"DEMO_DAYS": "2"}
    demo.start()
    assert "Living through the demo's history (once)" in demo.said()
    assert f"Mail that would have been sent: http://127.0.0.1:{demo.port}/mail/" in demo.said()
    status, page = demo.get("/mail/")
    assert status == 200
    assert b"Welcome to Harbour Clinic" in page


def test_a_command_beside_it_uses_its_ports_and_writes_no_logs(seeded_demo):
    seeded_demo.start()
    del seeded_demo.environment["PORT"]
    asked = "from django.conf import settings as s; print(s.PORT, s.EMAIL_PORT, s.PUBLIC_URL)"
    shown = seeded_demo.manage("shell", "-v", "0", "-c", asked).stdout
    assert shown.split() == [str(seeded_demo.port), str(seeded_demo.port + 25), f"http://127.0.0.1:{seeded_demo.port}"]
    ticked = seeded_demo.manage("tick")
    assert (ticked.returncode, ticked.stderr) == (0, "")
    assert ticked.stdout.endswith("done\n")
    seeded_demo.process.kill()
    seeded_demo.process.wait()
    assert seeded_demo.gone()
    shown = seeded_demo.manage("shell", "-v", "0", "-c", "from django.conf import settings as s; print(s.PORT)").stdout
    assert shown.strip() == "8000"  # what a killed demo wrote down counts no more


def test_after_sigkill_nothing_stays_and_the_next_start_recovers(seeded_demo):
    seeded_demo.start()
    seeded_demo.process.kill()
    seeded_demo.process.wait()

    seeded_demo.start()  # at once: it waits for what the killed one left

    assert seeded_demo.get("/healthz/ready")[0] == 200
    seeded_demo.process.kill()
    seeded_demo.process.wait()
    assert seeded_demo.gone()


def test_a_killed_child_is_started_again(seeded_demo):
    seeded_demo.start()
    children = [one for one in seeded_demo.processes() if one.ppid() == seeded_demo.process.pid]
    (worker,) = [one for one in children if "-Q engine" in " ".join(one.cmdline())]
    time.sleep(2.5)
    worker.kill()

    assert wait_until(lambda: "engine ended with code -9; starting it again" in seeded_demo.said(), 15)
    seeded_demo.process.send_signal(signal.SIGTERM)
    assert seeded_demo.process.wait(40) == 0
    assert seeded_demo.processes() == []


def test_commands_work_and_reset_is_refused_while_it_runs(seeded_demo):
    seeded_demo.start()

    assert seeded_demo.manage("showmigrations").returncode == 0
    refused = seeded_demo.manage("reset")
    again = seeded_demo.manage("demo")

    assert refused.returncode == 1
    assert "in use" in refused.stderr
    assert again.returncode == 1
    assert "The demo runs already in this checkout" in again.stderr
    assert seeded_demo.get("/healthz/ready")[0] == 200
    seeded_demo.process.send_signal(signal.SIGTERM)
    seeded_demo.process.wait(40)
    assert seeded_demo.manage("reset").returncode == 0
    assert not (seeded_demo.directory / "postgres").exists()


def test_commands_work_without_it_and_stop_what_they_started(demo):
    migrated = demo.manage("migrate", "--verbosity", "0")
    shown = demo.manage("shell", "-c", "from accounts.models import User; print('users', User.objects.count())")

    assert (migrated.returncode, shown.returncode) == (0, 0), migrated.stderr + shown.stderr
    assert "users 0" in shown.stdout
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
