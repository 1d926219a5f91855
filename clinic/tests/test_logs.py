"""Logs hold ids, codes and counts, and nothing about a person."""

import io
import json
import logging

import pytest
from django.db import IntegrityError, connection, transaction

from clinic.logs import JsonFormatter, TerminalFormatter, for_a_terminal

NAME, EMAIL = "Ana García-Núñez", "ana.garcia@example.org"


@pytest.fixture
def log():
    """A logger that writes as the product does, and a function that reads its lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("clinic.tests.logs")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.propagate = True


def test_what_is_allowed_gets_through(log):
    logger, lines = log
    logger.info("step done", extra={"step_id": 7, "action": "send_email", "event_ids": [1, 2], "duration_ms": 1.5})

    (line,) = lines()
    assert line["message"] == "step done"
    assert (line["step_id"], line["action"], line["event_ids"], line["duration_ms"]) == (7, "send_email", [1, 2], 1.5)
    assert line["level"] == "info"


def test_a_patients_name_and_email_get_through_nowhere(log):
    logger, lines = log
    logger.info("sent to %s", EMAIL)
    logger.info(f"could not deliver to {EMAIL}")
    logger.info(
        "sent",
        extra={
            "full_name": NAME,
            "email": EMAIL,
            "patient": NAME,
            "code": NAME,
            "state": f"x {EMAIL}",
            "step_id": EMAIL,
        },
    )
    logger.info({"patient": NAME})
    try:
        raise ValueError(f"{NAME} <{EMAIL}>")
    except ValueError as error:
        logger.exception("failed for %s", NAME)
        logger.error(error)
        try:
            raise RuntimeError(EMAIL) from error
        except RuntimeError:
            logger.exception("failed again")

    text = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) == 7
    for secret in (NAME, EMAIL, "García", "ana.garcia"):
        assert secret not in text


def test_an_error_keeps_its_types_and_places(log):
    logger, lines = log
    try:
        try:
            raise KeyError(EMAIL)
        except KeyError as error:
            raise ValueError(NAME) from error
    except ValueError:
        logger.exception("failed")

    (line,) = lines()
    assert line["error"] == ["builtins.ValueError", "builtins.KeyError"]
    assert line["places"][-1].endswith("test_an_error_keeps_its_types_and_places")


@pytest.mark.django_db
def test_what_the_database_refuses_is_not_quoted(log):
    logger, lines = log
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE people (email text UNIQUE)")
        cursor.execute("INSERT INTO people VALUES (%s)", [EMAIL])
        try:
            with transaction.atomic():
                cursor.execute("INSERT INTO people VALUES (%s)", [EMAIL])
        except IntegrityError:
            logger.exception("refused")

    assert EMAIL not in json.dumps(lines())
    assert lines()[0]["error"][0] == "django.db.utils.IntegrityError"


def test_the_whole_product_logs_through_the_formatter(settings):
    handlers = logging.getLogger().handlers
    ours = [handler for handler in handlers if isinstance(handler.formatter, JsonFormatter)]
    assert len(ours) == 1
    assert settings.LOGGING["root"]["handlers"] == ["stderr"]
    for name in ("django", "django.request", "django.server", "celery", "axes", "gunicorn.error"):
        found = [h for h in logging.getLogger(name).handlers if not isinstance(h, logging.NullHandler)]
        assert found == [], name


def test_at_a_terminal_only_warnings_and_errors_are_said_in_plain_lines_without_a_person(log):
    logger, _ = log
    handler = logger.handlers[-1]
    handler.setFormatter(TerminalFormatter())
    logger.warning("step failed for %s", EMAIL, extra={"step_id": 7, "action": "send_email", "name_of": NAME})
    try:
        raise ValueError(NAME)
    except ValueError:
        logger.exception("broken")
    assert handler.stream.getvalue().splitlines() == [
        "warning: step failed for %s action=send_email step_id=7",
        "error: broken (builtins.ValueError)",
    ]


def test_the_terminal_is_left_as_it_was():
    root = logging.getLogger()
    before = root.level, [handler.formatter for handler in root.handlers]
    with for_a_terminal():
        assert root.level >= logging.WARNING
        assert not any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers)
    assert (root.level, [handler.formatter for handler in root.handlers]) == before
