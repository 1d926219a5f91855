"""Lanes of due work: which of them the engine's tick sweeps."""

import pytest

from clinic import lanes
from clinic.lanes import Lane


@pytest.fixture
def drained(monkeypatch):
    """Stand-ins for the lanes; what each drained is noted here."""
    done: list[str] = []

    def lane(name: str, *, sweep: bool, breaks: bool = False) -> Lane:
        def drain() -> int:
            done.append(name)
            if breaks:
                raise ZeroDivisionError
            return 2

        return Lane(name, drain, lambda: None, sweep=sweep)

    known = [lane("engine", sweep=False), lane("broken", sweep=True, breaks=True), lane("dates", sweep=True)]
    monkeypatch.setattr(lanes, "_lanes", {one.name: one for one in known})
    return done


def test_a_sweep_drains_the_sweeping_lanes_only_and_one_that_breaks_keeps_no_other_back(drained):
    assert lanes.sweep() == 2
    assert drained == ["broken", "dates"]
