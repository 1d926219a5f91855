"""A real Celery worker with beat, and a broker that comes and goes."""

import json
import os

import psutil
import pytest

from clinic.embedded.process import wait_until

APP = """
import os
from clinic.celery import app

@app.task(name="recording.note")
def note(letter):
    with open(os.environ["NOTES"], "a") as file:
        file.write(letter)

app.conf.beat_schedule = {
    "note": {"task": "recording.note", "args": ["t"], "schedule": 1.0, "options": {"expires": 5, "queue": "engine"}}
}
"""


class Recording:
    """A worker whose tasks each write a letter into a file: t for a tick."""

    def __init__(self, worker, notes, environment):
        self.worker, self.notes, self.environment = worker, notes, environment

    def count(self) -> int:
        return len(self.notes.read_text())

    def ticks_on(self, seconds: float = 60) -> bool:
        before = self.count()
        return wait_until(lambda: self.count() >= before + 2, seconds)


@pytest.fixture
def recording(start_worker, tmp_path, private_valkey, settings):
    """A running worker with beat at a Valkey that the test may break."""
    (tmp_path / "recording_app.py").write_text(APP)
    notes = tmp_path / "notes"
    notes.touch()
    path = f"{tmp_path}{os.pathsep}{settings.BASE_DIR}"
    environment = {
        "app": "recording_app", "NOTES": str(notes), "PYTHONPATH": path, "TEST_REDIS_URL": private_valkey.url
    }  # fmt: skip
    return Recording(start_worker("engine", **environment), notes, environment)


@pytest.mark.slow
def test_ticks_go_on_after_the_broker_was_killed_and_came_back_empty(recording, private_valkey):
    assert recording.ticks_on()
    for _ in range(2):
        private_valkey.kill()
        private_valkey.start()
        assert recording.ticks_on()


@pytest.mark.slow
def test_ticks_go_on_after_the_broker_was_emptied(recording, private_valkey):
    assert recording.ticks_on()
    with private_valkey.client() as client:
        client.flushall()

    assert recording.ticks_on()


MALFORMED = {
    "body": "W1tdLCB7fSwge31d",
    "content-encoding": "utf-8",
    "content-type": "application/json",
    "headers": {"task": "recording.note", "id": "x", "lang": "py", "timelimit": "a", "argsrepr": "()"},
    "properties": {"delivery_tag": "x", "delivery_info": {"exchange": "", "routing_key": "engine"}, "priority": 0,
                   "body_encoding": "base64", "correlation_id": "x"},
}  # fmt: skip


@pytest.mark.slow
def test_a_message_that_ends_a_worker_does_not_end_the_next_one(recording, private_valkey, start_worker):
    assert recording.ticks_on()
    with private_valkey.client() as client:
        client.lpush("engine", json.dumps(MALFORMED))
        assert wait_until(lambda: recording.worker.process.poll() is not None, 60)
        recording.worker.stop()
        assert client.llen("engine") > 0
    again = start_worker("engine", **recording.environment)
    assert Recording(again, recording.notes, recording.environment).ticks_on()


@pytest.mark.slow
def test_a_stopped_worker_leaves_no_message_behind_and_no_process(recording, private_valkey):
    assert recording.ticks_on()
    family = recording.worker.family()
    assert len(family) >= 3  # the main process, one of the pool, beat

    recording.worker.stop()

    assert recording.worker.process.returncode == 0
    assert wait_until(lambda: not any(alive(process) for process in family), 60)
    with private_valkey.client() as client:
        assert client.llen("engine") <= 1


@pytest.mark.slow
def test_pool_and_beat_die_with_a_killed_worker(recording):
    family = recording.worker.family()

    recording.worker.process.kill()
    recording.worker.process.wait()

    assert wait_until(lambda: not any(alive(process) for process in family), 60)


@pytest.mark.slow
def test_a_paused_worker_does_nothing_until_it_is_resumed(recording):
    assert recording.ticks_on()
    recording.worker.pause()
    before = recording.count()
    assert not wait_until(lambda: recording.count() > before, 2)

    recording.worker.resume()

    assert recording.ticks_on()


def test_the_worker_logs_json_and_nothing_of_celerys_own(engine_worker):
    lines = [line for line in engine_worker.text().splitlines() if " ready." in line]

    assert len(lines) == 1
    assert lines[0].startswith('{"at": ')


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
