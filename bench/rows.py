"""The lines of the result table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is what is promised; `value` and `reference` are this machine's."""

    name: str
    value: float
    unit: str
    reference: float | None
    ratio: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the line for bench/results.json."""
        return asdict(self)
