"""Logs as JSON lines that hold ids, codes and counts, and never a word about a person.

A message of ours is a constant; what varies goes into `extra`, and only the keys of ALLOWED get through:

    logger.info("step done", extra={"step_id": step.id, "action": step.action})

Other libraries put what varies into the message itself (an address, a value that the database refused). Of their
records only the message before formatting is written, and of any exception only its type and the places it passed.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

# One text, so that a new name is a small difference.
_ALLOWED = """
    action action_id age_seconds attempt attempts batch cancelled clinic_id code command count
    delivery_id depth due duration_ms errors event_id event_ids expired failed hook kind lane
    lane_depth limit matched method mode model number outcome patient_id pid pool port request_id
    rule_id run_id run_ids skipped state status status_code step_id step_ids task trigger version
    waited_ms worker
"""
ALLOWED = frozenset(_ALLOWED.split())
LONGEST = 200


CODE = re.compile(r"[\w.:/@%+-]*")
ADDRESS = re.compile(r"[^\s<>\"',;:]+@[^\s<>\"',;:]+")


def _plain(value: Any) -> Any:
    """Return numbers, flags, codes (one word of ASCII, no address) and lists of them; of the rest the type's name."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        code = value.isascii() and CODE.fullmatch(value) and not ADDRESS.search(value)
        return value[:LONGEST] if code else "(text left out)"
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:LONGEST]]
    if isinstance(value, datetime):
        return value.isoformat()
    return type(value).__name__


def _message(record: logging.LogRecord) -> str:
    """Return the message before formatting, without addresses: its arguments are where patient data hides."""
    if not isinstance(record.msg, str):
        return type(record.msg).__name__
    return ADDRESS.sub("(address left out)", record.msg)[:LONGEST]


def _places(error: BaseException) -> list[str]:
    """Return where an exception passed, without its text and without the source lines."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _chain(error: BaseException | None) -> list[str]:
    names: list[str] = []
    while error is not None and len(names) < 10:
        names.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or error.__context__
    return names


class JsonFormatter(logging.Formatter):
    """Write one JSON object a record: time, level, logger, message, the allowed extras, where an error came from."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        for name in ALLOWED & record.__dict__.keys():
            line[name] = _plain(record.__dict__[name])
        line["process"] = record.process
        if record.exc_info and isinstance(record.exc_info[1], BaseException):
            line["error"] = _chain(record.exc_info[1])
            line["places"] = _places(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


class TerminalFormatter(logging.Formatter):
    """Write a record as a line for a person at a terminal: level, message and the allowed extras, no JSON."""

    def format(self, record: logging.LogRecord) -> str:
        extras = " ".join(
            f"{name}={_plain(record.__dict__[name])}" for name in sorted(ALLOWED & record.__dict__.keys())
        )
        error = record.exc_info[1] if record.exc_info else None
        why = f" ({', '.join(_chain(error))})" if isinstance(error, BaseException) else ""
        return f"{record.levelname.lower()}: {_message(record)}{why} {extras}".rstrip()


@contextmanager
def for_a_terminal() -> Iterator[None]:
    """Let a command that a person runs say warnings and errors in plain lines, and nothing of what goes well."""
    root = logging.getLogger()
    before = root.level, [(handler, handler.formatter) for handler in root.handlers]
    root.setLevel(max(root.level, logging.WARNING))
    for handler in root.handlers:
        if isinstance(handler.formatter, JsonFormatter):
            handler.setFormatter(TerminalFormatter())
    try:
        yield
    finally:
        root.setLevel(before[0])
        for handler, formatter in before[1]:
            handler.setFormatter(formatter)


def logging_config(level: str) -> dict[str, Any]:
    """Return LOGGING: everything to standard error, as JSON lines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "clinic.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            "django.db.backends": {"level": "WARNING"},  # at DEBUG it writes every statement with its values
            "celery.worker.strategy": {"level": "WARNING"},  # a line for each of many wake-ups a second
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
