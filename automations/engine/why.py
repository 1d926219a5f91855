"""Find what stands in the way of a verdict: the fewest lines that would have to be otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .values import ConditionVerdict, Verdict


@dataclass(frozen=True, slots=True)
class Need:
    """One line in the way: a condition with what it saw, and whether it must hold or must not."""

    line: ConditionVerdict
    holds: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """Lines in the way: match "all" if each must be otherwise, "any" if one of them is enough."""

    match: str
    items: tuple[Need | Needs, ...] = ()

    def lines(self) -> Iterator[Need]:
        """Walk every line below, in reading order."""
        for item in self.items:
            if isinstance(item, Needs):
                yield from item.lines()
            else:
                yield item


def needs(verdict: Verdict) -> Needs:
    """Tell what would have to be otherwise for the verdict to be true; without items if it is."""
    if verdict.result is True:
        return Needs("all")
    found = _needs(verdict, True)
    return found if isinstance(found, Needs) else Needs("all", (found,))


def _needs(verdict: Verdict | ConditionVerdict, wanted: bool) -> Need | Needs:
    if isinstance(verdict, ConditionVerdict):
        return Need(verdict, wanted)
    # Each of "all" must hold for it to hold, and one must fail for it to fail; "any" is the other way round. "none" is
    # not "any": its items are wanted the other way.
    every = (verdict.match != "any") if wanted else (verdict.match == "any")
    below = wanted if verdict.match != "none" else not wanted
    if verdict.match == "none":
        every = wanted
    found = tuple(_needs(item, below) for item in verdict.items if item.result is not below)
    if len(found) == 1:
        return found[0]
    return Needs("all" if every else "any", found)
