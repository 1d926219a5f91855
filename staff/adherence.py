"""The chart of a plan's adherence: closed weeks as bars of an SVG, drawn on the server; its table says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treatments.models import TreatmentPlan, WeeklyAdherence
from treatments.selectors import weeks_of

WEEKS = 16
LOW = 50
"""Weeks below this many percent are marked: where the shipped rule about adherence speaks up, too."""
WIDTH, HEIGHT = 440, 200
LEFT, RIGHT, TOP, BOTTOM = 36, 12, 20, 28
GAP = 6
LABELS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One week: where its bar stands, and what is written above and below it."""

    week: WeeklyAdherence
    x: float
    y: float
    width: float
    height: float
    middle: float
    label_y: float
    low: bool
    labelled: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The newest weeks, oldest first, and the lines of the scale as (percent, y)."""

    bars: tuple[Bar, ...]
    scale: tuple[tuple[int, float], ...]
    low_y: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    threshold: int = LOW
    foot: int = HEIGHT - 8

    @property
    def low_count(self) -> int:
        """Count the weeks that are marked."""
        return sum(bar.low for bar in self.bars)


def chart_of(plan: TreatmentPlan) -> Chart | None:
    """Draw the last weeks of a plan; None if none has been evaluated yet. One query."""
    rows: list[WeeklyAdherence] = list(weeks_of(plan)[:WEEKS])
    return draw(rows[::-1]) if rows else None


def draw(weeks: Sequence[WeeklyAdherence]) -> Chart:
    """Draw weeks, oldest first."""
    room = (WIDTH - LEFT - RIGHT) / max(len(weeks), LABELS)
    every = -(-len(weeks) // LABELS)
    return Chart(
        bars=tuple(
            _bar(week, LEFT + n * room, room, (len(weeks) - 1 - n) % every == 0) for n, week in enumerate(weeks)
        ),
        scale=tuple((percent, _y(percent)) for percent in (0, 50, 100)),
        low_y=_y(LOW),
    )


def _bar(week: WeeklyAdherence, x: float, room: float, labelled: bool) -> Bar:
    top = _y(week.percent)
    return Bar(
        week=week,
        x=round(x + GAP / 2, 1),
        y=top,
        width=round(room - GAP, 1),
        height=round(max(_y(0) - top, 1.5), 1),
        middle=round(x + room / 2, 1),
        label_y=round(top - 4, 1),
        low=week.percent < LOW,
        labelled=labelled,
    )


def _y(percent: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - percent / 100), 1)
