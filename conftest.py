"""What every test can ask for."""

import gc
from typing import Any

import pytest

from clinic.testing import PROOF

pytest_plugins = ["clinic.testing.fixtures", "tests.cast"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the slow files that use no database of the run or have one browser: else they are left at the end.

    The others stay in pytest-django's order, which puts those that empty the database last. Left out are those that
    `make proof` alone runs.
    """
    if left := [item for item in items if not PROOF and _of_the_proof_alone(item)]:
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
    slow = [item for item in items if item.get_closest_marker("slow")]
    first = {item.path for item in slow if _alone(item)}
    items.sort(key=lambda item: item.path not in first)


def pytest_collection_finish() -> None:
    """Let the garbage collector look no more at what lives until the end: the modules and seven thousand tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have counted: `record_property("counted", text)` also comes through from other processes."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    told = [text for one in reports if one.when == "call" for name, text in one.user_properties if name == "counted"]
    if told:
        terminalreporter.section("what was counted")
        for text in told:
            terminalreporter.write_line(text)


def _of_the_proof_alone(item: pytest.Item) -> bool:
    return any(mark.kwargs.get("only") for mark in item.iter_markers("proof"))


def _alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is None or item.get_closest_marker("browser") is not None
