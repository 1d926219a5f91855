"""What every test can ask for."""

import gc

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


def _uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None
