"""How much load and how much destruction one run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of the same story.

    `seconds` is how long the writers take over the stream. `hasty` shortens the product's leases and pauses (app.py),
    so that a small run is over soon; the full run keeps them as they are shipped.
    """

    name: str
    events: int
    patients: int
    seconds: float
    kills: int
    inside: int
    valkey: int
    postgres: int
    engines: int = 2
    delivers: int = 2
    freezes: tuple[str, ...] = ()
    hasty: bool = False
    lives: int = 4
    drain_seconds: float = 300

    @property
    def cancels(self) -> int:
        """Return how many of the events are cancels: a sixth."""
        return round(self.events / 6)


FULL = Scale(
    "full",
    events=5_000,
    patients=250,
    seconds=270,
    kills=50,
    inside=25,
    valkey=5,
    postgres=3,
    freezes=("engine", "deliver", "engine"),
    lives=60,
)
MEDIUM = Scale("medium", events=1_200, patients=120, seconds=60, kills=10, inside=5, valkey=2, postgres=1)
SMALL = Scale(
    "small",
    events=180,
    patients=40,
    seconds=6,
    kills=2,
    inside=1,
    valkey=1,
    postgres=0,
    delivers=1,
    hasty=True,
    drain_seconds=60,
)
