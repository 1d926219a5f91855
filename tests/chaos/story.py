"""The whole run: load and destruction at once, then calm until everything is done."""

from __future__ import annotations

import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from clinic.embedded.process import wait_until
from tests.chaos import breaking
from tests.chaos.house import Hand, House
from tests.chaos.scale import Scale

FROZEN_SECONDS = {"engine": 36.0, "deliver": 58.0}
"""Longer than the leases: 30 s in the engine, four times EMAIL_TIMEOUT and 30 s of a delivery."""
LEFT = """
SELECT (SELECT count(*) FROM automations_event WHERE state = 'new'),
       (SELECT count(*) FROM automations_step WHERE state IN ('pending', 'held')),
       (SELECT count(*) FROM messaging_delivery WHERE state IN ('queued', 'retry', 'sending'))
"""
WAITING = """
SELECT r.slug, s.action, s.state, s.due_at, s.waiting_for, count(*) FROM automations_step s
  JOIN automations_rule r ON r.id = s.rule_id WHERE s.state IN ('pending', 'held') GROUP BY 1, 2, 3, 4, 5 LIMIT 20
"""
DEADLOCKS = "SELECT coalesce(sum(deadlocks), 0)::int FROM pg_stat_database"
CONFLICT = re.compile(r'duplicate key value violates unique constraint "(\w+)"')


@dataclass
class Report:
    """What was done to the house, and how it ended."""

    scale: Scale
    directory: Path
    counts: Counter[str] = field(default_factory=Counter)
    deadlocks: int = 0
    conflicts: Counter[str] = field(default_factory=Counter)
    stream_seconds: float = 0
    drain_seconds: float = 0
    seconds: float = 0


class Story:
    """One run in one house."""

    def __init__(self, house: House, tell: Callable[[str], None]) -> None:
        self.house, self.scale = house, house.scale
        self.report = Report(house.scale, house.directory)
        self._tell = tell

    def note(self, text: str) -> None:
        """Write a line into chaos.log and to whoever reads along."""
        line = f"{datetime.now(UTC):%H:%M:%S.%f} {self.house.written():>5} events  {text}"
        with (self.house.directory / "chaos.log").open("a") as log:
            log.write(line + "\n")
        self._tell(line)

    def run(self) -> Report:
        """Write, break, and wait until nothing is left to do."""
        began = time.monotonic()
        self.house.write()
        self.break_things()
        assert wait_until(lambda: not self.house.writing(), 1_000), "The writers do not come to an end."
        self.report.stream_seconds = time.monotonic() - began
        self.note("the stream is over")
        self.calm()
        self.drain()
        self.report.drain_seconds = time.monotonic() - began - self.report.stream_seconds
        self.house.dismiss()
        self.count_errors()
        self.report.seconds = time.monotonic() - began
        return self.report

    # --- breaking ---

    def break_things(self) -> None:
        """Go through the disturbances, each when the stream has come so far."""
        plan = self.plan()
        for number, what in enumerate(plan):
            wanted = (number + 1) * self.scale.events / (len(plan) + 2)
            wait_until(lambda wanted=wanted: self.house.written() >= wanted or not self.house.writing(), 300)  # type: ignore[misc]
            self.thaw()
            kind, _, lane = what.partition(" ")
            getattr(self, kind)(lane)

    def plan(self) -> list[str]:
        """Return the disturbances in their order; the engine is killed more often than the delivery."""
        scale = self.scale
        plan = ["kill deliver" if n % 5 in (1, 3) else "kill engine" for n in range(scale.kills)]
        others = (
            ["valkey"] * scale.valkey + ["postgres"] * scale.postgres + [f"freeze {lane}" for lane in scale.freezes]
        )
        random.Random(scale.events).shuffle(others)
        for number, other in enumerate(others):
            plan.insert((2 * number + 1) * scale.kills // (2 * len(others)) + number, other)
        return plan

    def kill(self, lane: str) -> None:
        """Kill a worker; most of the time inside a transaction, else wherever it is."""
        done, inside = self.report.counts["kills"], self.report.counts["inside"]
        must = self.scale.inside + 1 - inside >= self.scale.kills - done
        hand, seen = breaking.kill(self.house, lambda: self.somebody(lane), True if must or done % 3 else None)
        self.report.counts["kills"] += 1
        self.report.counts["inside" if seen.inside else "outside"] += 1
        self.report.counts[f"kills {lane}"] += 1
        self.note(f"SIGKILL {self.report.counts['kills']:>2} {hand.name}: {seen}")

    def somebody(self, lane: str) -> Hand:
        """Return a worker of the lane, waiting for one to be ready."""
        found: list[Hand] = []

        def ready() -> bool:
            self.thaw()
            one = breaking.choose(self.house, lane)
            found.extend([one] if one else [])
            return bool(found)

        assert wait_until(ready, 120), f"No worker of {lane} is ready."
        return found[0]

    def valkey(self, _: str) -> None:
        """Kill and empty Valkey."""
        breaking.break_valkey(self.house)
        self.report.counts["valkey"] += 1
        self.note("Valkey killed and started again, empty")

    def postgres(self, _: str) -> None:
        """Stop PostgreSQL at once; its statistics go with it, so they are read before."""
        self.report.deadlocks += int(self.house.ask(DEADLOCKS)[0][0])
        seconds, unheard = breaking.break_postgres(self.house)
        self.report.counts["postgres"] += 1
        self.report.counts["unheard"] += unheard
        self.note(f"PostgreSQL stopped -m immediate, {unheard} commits unheard; away for {seconds:.1f} s")

    def freeze(self, lane: str) -> None:
        """Stop a worker for longer than its lease."""
        hand, what = breaking.freeze(self.house, lambda: self.somebody(lane))
        hand.frozen_until = time.monotonic() + FROZEN_SECONDS[lane]
        self.report.counts["frozen"] += 1
        self.note(f"SIGSTOP {hand.name} for {FROZEN_SECONDS[lane]:.0f} s: {what}")

    def thaw(self) -> None:
        """Let go on whoever stood still long enough."""
        for hand in self.house.hands:
            if hand.frozen_until and time.monotonic() > hand.frozen_until:
                hand.signal(signal.SIGCONT)
                hand.frozen_until = 0.0
                self.note(f"SIGCONT {hand.name}")

    # --- calm ---

    def calm(self) -> None:
        """Break nothing any more, and have every lane worked on."""

        def awake() -> bool:
            self.thaw()
            return not any(hand.frozen_until for hand in self.house.hands)

        assert wait_until(awake, 120)
        assert wait_until(lambda: all(hand.ready for hand in self.house.hands), 120), "The workers do not start."

    def drain(self) -> None:
        """Wait until no event, step or delivery is left to do."""
        until = time.monotonic() + self.scale.drain_seconds
        told = 0.0
        while True:
            left = self.house.ask(LEFT)[0]
            if not any(left):
                return
            assert time.monotonic() < until, f"Left over: {left[0]} events, {left[2]} deliveries, {self._waiting()}."
            if time.monotonic() > told:
                told = time.monotonic() + 10
                self.note(f"left: {left[0]} events, {left[1]} steps, {left[2]} deliveries")
            time.sleep(0.2)

    def _waiting(self) -> list[str]:
        """Name the steps that are left."""
        return [" ".join(map(str, row)) for row in self.house.ask(WAITING)]

    def count_errors(self) -> None:
        """Count what PostgreSQL itself complained about: deadlocks, and rows that were there already."""
        self.report.deadlocks += int(self.house.ask(DEADLOCKS)[0][0])
        log = self.house.postgres.log.read_text(errors="replace")
        self.report.deadlocks = max(self.report.deadlocks, log.count("deadlock detected"))
        self.report.conflicts.update(CONFLICT.findall(log))
