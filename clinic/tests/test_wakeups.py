"""Wake-ups, at a real Valkey."""

import base64
import json
import os
import signal
import threading
import time

import pytest

from clinic import wakeups
from clinic.celery import app


@pytest.fixture
def publisher(valkey):
    """A publisher whose thread and connection are of this test alone."""
    return wakeups.Publisher()


@pytest.fixture
def elsewhere(private_valkey, monkeypatch):
    """Point the app at a Valkey that the test may break."""
    address = private_valkey.url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    monkeypatch.setattr(app.conf, "broker_url", address)
    return private_valkey


def test_a_wake_up_is_a_drain_message_of_its_lane_that_expires_in_five_seconds(publisher, valkey):
    publisher.wake("deliver")
    assert publisher.wait_idle(5)

    assert valkey.llen("engine") == 0
    (message,) = valkey.lrange("deliver", 0, -1)
    content = json.loads(message)
    assert content["headers"]["task"] == "messaging.tasks.drain"
    assert content["properties"]["expiration"] == "5000"
    assert json.loads(base64.b64decode(content["body"]))[:2] == [[], {}]


def test_what_nobody_listens_to_is_not_sent(publisher, valkey, monkeypatch):
    monkeypatch.setattr(wakeups, "publisher", publisher)
    with wakeups.unheard():
        wakeups.wake("deliver")
        with pytest.raises(KeyError):
            wakeups.wake("nothing")
    wakeups.wake("engine")
    assert publisher.wait_idle(5)

    assert (valkey.llen("deliver"), valkey.llen("engine")) == (0, 1)


def test_a_sweep_is_woken_among_the_workers_of_the_engine(publisher, valkey):
    publisher.wake("sweep")
    assert publisher.wait_idle(5)

    (message,) = valkey.lrange("engine", 0, -1)
    assert json.loads(message)["headers"]["task"] == "automations.tasks.sweep"


def test_many_wake_ups_at_once_become_one_message(publisher, valkey):
    publisher.wake("engine")
    publisher.wait_idle(5)
    with publisher._changed:  # as if it were publishing
        for _ in range(1000):
            publisher._waiting.add("engine")
        publisher._changed.notify()
    assert publisher.wait_idle(5)

    assert valkey.llen("engine") == 2


def test_a_queue_that_nobody_reads_stays_short(publisher, valkey):
    for _ in range(100):
        publisher.wake("engine")
        publisher.wait_idle(5)

    assert valkey.llen("engine") == wakeups.ENOUGH_WAITING


def test_waking_returns_at_once_and_raises_nothing_while_the_broker_is_dead(elsewhere):
    elsewhere.kill()
    publisher = wakeups.Publisher()

    started = time.monotonic()
    for _ in range(1000):
        publisher.wake("engine")
        publisher.wake("deliver")
    assert time.monotonic() - started < 0.5

    assert publisher.wait_idle(10)
    assert publisher.published == 0
    assert publisher.dropped >= 1


def test_waking_returns_at_once_while_the_broker_hangs(elsewhere):
    publisher = wakeups.Publisher()
    publisher.wake("engine")
    assert publisher.wait_idle(5)
    os.kill(elsewhere.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        for _ in range(1000):
            publisher.wake("engine")
        assert time.monotonic() - started < 0.5
        assert publisher.wait_idle(10)
        assert publisher.dropped >= 1
    finally:
        os.kill(elsewhere.pid, signal.SIGCONT)


def test_a_broker_that_comes_back_empty_gets_wake_ups_again(elsewhere):
    publisher = wakeups.Publisher()
    publisher.wake("engine")
    assert publisher.wait_idle(5)
    elsewhere.kill()
    publisher.wake("engine")
    assert publisher.wait_idle(10)
    elsewhere.start()

    publisher.wake("engine")
    assert publisher.wait_idle(10)

    with elsewhere.client() as client:
        assert client.llen("engine") == 1


def test_an_emptied_broker_gets_wake_ups_again(publisher, valkey):
    publisher.wake("engine")
    assert publisher.wait_idle(5)
    valkey.flushdb()

    publisher.wake("engine")
    assert publisher.wait_idle(5)

    assert valkey.llen("engine") == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_publisher_of_its_own(valkey):
    wakeups.wake("engine")
    assert wakeups.publisher.wait_idle(5)
    child = os.fork()
    if child == 0:
        wakeups.wake("deliver")
        os._exit(0 if wakeups.publisher.wait_idle(5) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert valkey.llen("engine") == 1
    assert valkey.llen("deliver") == 1


def test_waking_from_many_threads_starts_one_thread(publisher, valkey):
    before = set(threading.enumerate())
    threads = [threading.Thread(target=publisher.wake, args=["engine"]) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert publisher.wait_idle(5)
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["wake-ups"]


def test_a_lane_that_does_not_exist_is_refused():
    with pytest.raises(KeyError, match="engines"):
        wakeups.wake("engines")
