"""How things are broken, and what each breaking says it met.

A worker is stopped before it is killed: what the database then says of its connection stays true until the kill,
because a stopped process cannot go on. So "inside a transaction" is seen, not guessed.
"""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from clinic.embedded.process import wait_until
from tests.chaos.house import Hand, House

CATCH_SECONDS = 12.0
SEEN = """
SELECT state, coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0), query
  FROM pg_stat_activity WHERE application_name = %(name)s AND backend_type = 'client backend'
 ORDER BY xact_start NULLS LAST
"""
LEASED = {
    "engine": """
SELECT (SELECT count(*) FROM automations_event WHERE state = 'new'
         AND lease_until BETWEEN %(at)s + interval '29 s' AND %(at)s + interval '30 s')
     + (SELECT count(*) FROM automations_step WHERE state = 'pending'
         AND lease_until BETWEEN %(at)s + interval '29 s' AND %(at)s + interval '30 s')
""",
    "deliver": """
SELECT count(*) FROM messaging_delivery WHERE state = 'sending'
   AND lease_until BETWEEN %(at)s + interval '49 s' AND %(at)s + interval '50 s'
""",
}
UNHEARD = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
TABLE = re.compile(r'(?i)\b(?:from|update|into|copy)\s+"?(\w+)')
INSIDE = ("active", "idle in transaction", "idle in transaction (aborted)")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database said of a stopped worker's connection."""

    state: str
    seconds: float
    words: str

    @property
    def inside(self) -> bool:
        """Tell whether a transaction was open."""
        return self.state in INSIDE

    def __str__(self) -> str:
        if not self.inside:
            return f"outside a transaction ({self.state})"
        return f"inside a transaction ({self.state}, open for {1000 * self.seconds:.0f} ms, after {self.words})"


def observe(house: House, hand: Hand) -> Seen:
    """Say what a stopped worker's connection is doing, once the server is through with what it was last asked."""
    seen = Seen("no connection", 0, "")
    for _ in range(10):
        rows = house.ask(SEEN, {"name": hand.name})
        if not rows:
            return seen
        state, seconds, query = rows[0]
        verb = query.split(None, 1)[0].upper() if query.strip() else "?"
        table = TABLE.search(query)
        seen = Seen(state, float(seconds), f"{verb} {table.group(1)}" if table else verb)
        if state != "active":
            return seen
        time.sleep(0.003)
    return seen


def catch(house: House, able: Callable[[], Hand], wanted: bool | None) -> tuple[Hand, Seen]:
    """Stop a worker inside a transaction (True), outside (False) or wherever it is (None), and leave it stopped."""
    until = time.monotonic() + CATCH_SECONDS
    while True:
        hand = able()
        hand.signal(signal.SIGSTOP)
        seen = observe(house, hand)
        if wanted is None or seen.inside is wanted or time.monotonic() > until:
            return hand, seen
        hand.signal(signal.SIGCONT)
        time.sleep(random.uniform(0.002, 0.03))


def choose(house: House, lane: str) -> Hand | None:
    """Return a worker of the lane that is on duty, if there is one."""
    able = [hand for hand in house.hands if hand.lane == lane and hand.ready and not hand.frozen_until]
    return random.choice(able) if able else None


def kill(house: House, able: Callable[[], Hand], inside: bool | None) -> tuple[Hand, Seen]:
    """Kill a worker with SIGKILL, its pool and its beat, and hire another."""
    hand, seen = catch(house, able, inside)
    hand.kill()
    house.hands.remove(hand)
    house.hire(hand.lane)
    return hand, seen


def freeze(house: House, able: Callable[[], Hand]) -> tuple[Hand, str]:
    """Stop a worker that holds leases and no lock, so that others take over while it stands still.

    Whatever was claimed in the second before and is still not done a while later is its own.
    """
    until = time.monotonic() + CATCH_SECONDS
    while True:
        hand, seen = catch(house, able, False)
        stopped_at = house.ask("SELECT clock_timestamp()")[0][0]
        time.sleep(0.6)  # the others finish what they hold
        held = int(house.ask(LEASED[hand.lane], {"at": stopped_at})[0][0]) if seen.state == "idle" else 0
        if held or time.monotonic() > until:
            return hand, f"{seen}, {held} leases held"
        hand.signal(signal.SIGCONT)
        time.sleep(random.uniform(0.002, 0.03))


def break_valkey(house: House) -> None:
    """Kill Valkey with SIGKILL and start it again, empty."""
    house.valkey.kill()
    time.sleep(random.uniform(0.1, 1.0))
    house.valkey.start()


def break_postgres(house: House) -> tuple[float, int]:
    """Stop PostgreSQL as `pg_ctl stop -m immediate` does, and start it again.

    First its commits are made to wait for a standby that does not exist: what they wrote is on disk, and their clients
    never hear of it. Return the seconds it was away, and how many commits that were.
    """
    house.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    house.ask("SELECT pg_reload_conf()")
    wait_until(lambda: bool(house.ask(UNHEARD + " AND application_name LIKE 'writer-%'")[0][0]), 3)
    unheard = int(house.ask(UNHEARD)[0][0])
    began = time.monotonic()
    house.postgres.stop("immediate")
    settings = house.postgres.data / "postgresql.auto.conf"
    settings.write_text("".join(line for line in settings.read_text().splitlines(True) if "standby" not in line))
    house.postgres.start()
    return time.monotonic() - began, unheard
