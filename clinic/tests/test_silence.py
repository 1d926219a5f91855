"""What is settled when a silent block ends."""

import pytest

from clinic import changes
from clinic.changes import after_silence, muted_reason, silently
from clinic.db import lock_patients


@pytest.fixture
def settled(monkeypatch):
    """Return the list of what `muted_reason` was each time something was settled."""
    seen: list[str] = []
    monkeypatch.setattr(changes, "_after_silence", [])
    settle = lambda: seen.append(muted_reason())  # noqa: E731
    after_silence(settle)
    after_silence(settle)
    return seen


def test_it_is_settled_once_when_the_block_has_ended_and_nothing_is_muted_any_more(settled):
    with silently("import"):
        assert settled == []
    assert settled == [""]


def test_a_block_inside_another_settles_nothing_itself(settled):
    with silently("import"):
        with silently("one line"):
            pass
        assert settled == []
        assert muted_reason() == "import"
    assert settled == [""]


def test_a_block_that_failed_settles_nothing(settled):
    with pytest.raises(ZeroDivisionError), silently("import"):
        raise ZeroDivisionError
    assert settled == []
    assert muted_reason() == ""


def test_what_is_pending_is_settled_before_a_silent_write_and_not_before_one_that_is_heard(monkeypatch, db, patient):
    seen: list[list[int]] = []
    monkeypatch.setattr(changes, "_before_silent_writes", [])
    changes.before_silent_writes(seen.append)
    lock_patients([patient.pk])
    assert seen == []
    with silently("import"):
        lock_patients([patient.pk, None])
        lock_patients([])
    assert seen == [[patient.pk]]


def test_what_follows_from_earlier_writes_is_muted_as_they_were(settled):
    with silently("import"), changes.muted_as(""):
        assert muted_reason() == ""
    with changes.muted_as("import"):
        assert muted_reason() == "import"
    assert settled == [""]  # of the silent block alone
