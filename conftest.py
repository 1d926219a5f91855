"""What every test can ask for."""

import gc
from typing import Any

import pytest

pytest_plugins = ["clinic.testing.fixtures", "tests.cast"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is slow and needs no database of the tests: else one process works on it when all have ended.

    The others stay in pytest-django's order, which puts those that empty the database last.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None or _uses_database(item))


def pytest_collection_finish() -> None:
    """Let the garbage collector look no more at what lives until the end: the modules and seven thousand tests."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have counted: `record_property("counted", text)` also comes through from other processes."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    told = [text for one in reports if one.when == "call" for name, text in one.user_properties if name == "counted"]
    if told:
        terminalreporter.section("what was counted")
        for text in told:
            terminalreporter.write_line(text)


def _uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None
