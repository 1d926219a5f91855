"""Liveness and readiness."""

from datetime import timedelta

import pytest
from django.db import connection

from clinic import health
from clinic.clock import now


@pytest.fixture
def backlogs(monkeypatch):
    """An empty registry for this test."""
    registry: dict[str, health.Backlog] = {}
    monkeypatch.setattr(health, "_backlogs", registry)
    return registry


def test_a_living_process_says_so_without_asking_the_database(client, django_assert_num_queries):
    answer = client.get("/healthz/live")

    assert (answer.status_code, answer.json()) == (200, {"live": True})


@pytest.mark.django_db
def test_ready_with_nothing_to_do(client, broker, backlogs):
    answer = client.get("/healthz/ready")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "failing": [], "oldest_due_seconds": 0.0, "backlog": {}}
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_the_age_is_that_of_the_oldest_due_work_of_all_backlogs(client, broker, backlogs):
    current = now()
    health.register_backlog("steps", lambda: current - timedelta(seconds=20))
    health.register_backlog("deliveries", lambda: current - timedelta(seconds=90))
    health.register_backlog("events", lambda: None)

    answer = client.get("/healthz/ready")

    assert answer.status_code == 200
    assert answer.json()["oldest_due_seconds"] == pytest.approx(90, abs=5)
    assert set(answer.json()["backlog"]) == {"steps", "deliveries"}


@pytest.mark.django_db
def test_work_that_waits_too_long_is_named(client, broker, backlogs, settings):
    settings.HEALTH_MAX_BACKLOG_SECONDS = 60
    late = now() - timedelta(seconds=61)
    health.register_backlog("steps", lambda: late)

    answer = client.get("/healthz/ready")

    assert answer.status_code == 503
    assert answer.json()["failing"] == ["backlog"]


@pytest.mark.django_db
def test_a_dead_broker_is_named(client, backlogs, private_valkey, settings):
    settings.REDIS_URL = private_valkey.url
    private_valkey.kill()

    answer = client.get("/healthz/ready")

    assert answer.status_code == 503
    assert answer.json()["failing"] == ["broker"]


@pytest.mark.django_db
def test_a_failing_database_is_named(client, broker, backlogs):
    def broken():
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing_of_this_name")

    health.register_backlog("steps", broken)

    answer = client.get("/healthz/ready")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "failing": ["database"], "oldest_due_seconds": None, "backlog": {}}


@pytest.mark.django_db
def test_a_backlog_that_takes_too_long_to_ask_does_not_hang_the_probe(client, broker, backlogs, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 1)

    def slow():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    health.register_backlog("steps", slow)

    assert client.get("/healthz/ready").json()["failing"] == ["database"]


def test_two_backlogs_cannot_have_one_name(backlogs):
    health.register_backlog("steps", now)
    health.register_backlog("steps", now)  # the same again, as an app registry reloaded in a test does

    with pytest.raises(ValueError, match="steps"):
        health.register_backlog("steps", lambda: None)


def test_probes_only_read(client):
    assert client.post("/healthz/ready").status_code == 405
