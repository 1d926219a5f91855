"""Walks abreast: many clinics in one database, in each of which one thing is done before time passes for all of them.

What a clinic's walk meets is its own; what the engine takes in one batch is of all of them, and nothing may get across.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from accounts.models import Pause
from automations import ticking
from automations.models import Run, Step
from clinic import clock
from clinic.lanes import lanes
from messaging.models import Delivery
from tests.walks import laws
from tests.walks.ground import ABREAST, begin
from tests.walks.walker import Deed, Walk, deeds

ROUNDS = 52
"""The steps of a walk, its beginning among them; one of fewer than fifty is not counted."""
ENOUGH = 50
SPANS = {
    "minutes": timedelta(minutes=20),
    "hours": timedelta(hours=7),
    "days": timedelta(days=1, hours=2),
    "week": timedelta(days=8),
}
"""How long to wait: long enough to leave what its name says."""
NEXT = [*[""] * 18, *["engine"] * 6, "work", "work", "minutes", "minutes", "hours", "hours", "days", "week"]
"""What follows a round: mostly the next one; or the turn of the workers that match and execute, while nobody sends and
messages gather; or that of all, at once or after some time in which no worker ran."""


class Walks(RuleBasedStateMachine):
    """Each step is one thing done in every clinic; `laws` hold when everything has come to its end."""

    hits: Counter[str] = Counter()

    @initialize(
        caps=st.tuples(*[st.booleans()] * ABREAST),
        quiet=st.tuples(*[st.booleans()] * ABREAST),
    )
    def open_the_clinics(self, caps: tuple[bool, ...], quiet: tuple[bool, ...]) -> None:
        grounds = begin(caps, quiet)
        self.notes = laws.Notes()
        self.walks = [Walk(ground, self.notes, self.hits) for ground in grounds]
        self.rounds = 0

    @rule(done=st.tuples(*[st.one_of(*deeds.values())] * ABREAST), then=st.sampled_from(NEXT))
    def go_on(self, done: tuple[Deed, ...], then: str) -> None:
        for walk, what in zip(self.walks, done, strict=True):
            walk.do(what)
        self.rounds += 1
        if then in SPANS:
            clock.advance_by(SPANS[then])
        if then == "engine":
            for lane in lanes():
                if lane.name != "deliver":
                    lane.drain()
        elif then:
            ticking.drain_all()
            self.hits["do work"] += 1
        laws.what_waits_is_as_those_want_it_who_tell_by_it()

    def teardown(self) -> None:
        """Let everything come to its end, and judge."""
        if not hasattr(self, "walks"):
            return
        Pause.objects.filter(ended_at=None).update(ended_at=clock.now())
        ticking.drain_all()
        laws.judge(self.notes)
        if self.rounds >= ENOUGH:
            self.hits["walks"] += ABREAST
        for trigger in Run.objects.filter(outcome="matched").values_list("event__trigger", flat=True):
            self.hits[f"run {trigger}"] += 1
        for model, name in ((Step, "step"), (Delivery, "delivery")):
            for state in model.objects.values_list("state", "reason"):
                self.hits[" ".join((name, *state)).strip()] += 1
