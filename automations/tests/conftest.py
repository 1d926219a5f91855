"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from automations.engine.values import StepContext
from automations.tests.builders import Jot


@pytest.fixture
def told(monkeypatch: Any) -> list[StepContext]:
    """Every context that an action of these tests was asked to perform, in order."""
    contexts: list[StepContext] = []
    real = Jot.perform

    def perform(self: Jot, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        contexts.extend(steps)
        return real(self, steps)

    monkeypatch.setattr(Jot, "perform", perform)
    return contexts
