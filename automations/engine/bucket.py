"""Match a set of rules against an event at the price of their distinct conditions.

Every rule is a conjunction of clauses: a condition, or a group. Equal clauses are one. Each clause knows, as bits of
an int,
the rules that need it; a clause that does not hold strikes them all with one OR. What is left matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from typing import Any

from .operators import At
from .predicates import CHUNK, Bits, Predicate, Table, make_table

# A clause over predicate numbers: an int is a condition; a group is (match, items).
Clause = int | tuple[str, tuple[Any, ...]]
MAX_REMEMBERED = 50_000
DIGITS = bytes.maketrans(b"01", b"\x00\x01")


@dataclass(frozen=True, slots=True)
class Raised:
    """A predicate could not be asked."""

    message: str


@dataclass(slots=True)
class Asked:
    """An event being matched, with the answers so far: a predicate is asked once, whoever needs it."""

    facts: Mapping[str, Any]
    at: At
    answers: dict[int, bool | Raised | None]

    def ask(self, number: int, predicate: Predicate) -> bool | Raised | None:
        """Ask a predicate, or remember its answer."""
        if number not in self.answers:
            try:
                self.answers[number] = predicate.ask(self.facts, self.at)
            except Exception as error:  # reported with every rule that needs it; the other rules go on
                self.answers[number] = Raised(f"{type(error).__name__}: {error}")
        return self.answers[number]


@dataclass(frozen=True, slots=True)
class Node:
    """A group over bits: its direct conditions as one int, its groups as nodes."""

    match: str
    bits: int
    nodes: tuple[Node, ...]

    def holds(self, true: int, false: int) -> bool:
        """Tell whether the group is true."""
        if self.match == "any":
            return bool(true & self.bits) or any(one.holds(true, false) for one in self.nodes)
        if self.match == "all":
            return true & self.bits == self.bits and all(one.holds(true, false) for one in self.nodes)
        return false & self.bits == self.bits and all(one.fails(true, false) for one in self.nodes)

    def fails(self, true: int, false: int) -> bool:
        """Tell whether the group is false (not: unknown)."""
        if self.match == "any":
            return false & self.bits == self.bits and all(one.fails(true, false) for one in self.nodes)
        if self.match == "all":
            return bool(false & self.bits) or any(one.fails(true, false) for one in self.nodes)
        return bool(true & self.bits) or any(one.holds(true, false) for one in self.nodes)


def conditions_of(clause: Clause) -> Iterator[int]:
    """Walk the predicate numbers of a clause."""
    if isinstance(clause, int):
        yield clause
    else:
        for item in clause[1]:
            yield from conditions_of(item)


class Bucket:
    """Rules that are asked together: (position among all rules, clauses)."""

    def __init__(self, rules: Sequence[tuple[int, Sequence[Clause]]], predicates: Sequence[Predicate]) -> None:
        self._positions = [position for position, _clauses in rules]
        self._everyone = (1 << len(rules)) - 1
        self._predicates = predicates
        needed: dict[Clause, int] = {}
        users: dict[int, int] = {}
        for place, (_position, clauses) in enumerate(rules):
            for clause in clauses:
                needed[clause] = needed.get(clause, 0) | 1 << place
                for number in conditions_of(clause):
                    users[number] = users.get(number, 0) | 1 << place
        self._users = users
        self._remembered: dict[Bits, list[int]] = {}
        self._held = 0
        self._tables: list[tuple[str, Table, int]] = []
        self._single: list[tuple[int, int]] = []
        bits = self._lay_out(list(users))
        self._leaves = {bits[clause]: mask for clause, mask in needed.items() if isinstance(clause, int)}
        self._wanted = sum(self._leaves)
        nodes = [(_node(clause, bits), mask) for clause, mask in needed.items() if not isinstance(clause, int)]
        # Most groups are a plain "any of these conditions": one AND each, without a call.
        self._anys = [(node.bits, mask) for node, mask in nodes if node.match == "any" and not node.nodes]
        self._nodes = [(node, mask) for node, mask in nodes if node.match != "any" or node.nodes]

    def _lay_out(self, numbers: Sequence[int]) -> dict[int, int]:
        """Give each predicate its bit: those of one fact side by side in a table, the others singly."""
        by_fact: dict[tuple[str, str], list[int]] = {}
        single: list[int] = []
        for number in numbers:
            condition = self._predicates[number].condition
            if condition is not None and self._predicates[number].in_table:
                by_fact.setdefault((condition.type, condition.key), []).append(number)
            else:
                single.append(number)
        bits: dict[int, int] = {}
        for (kind, key), members in by_fact.items():
            for start in range(0, len(members), CHUNK):
                chunk = members[start : start + CHUNK]
                try:
                    table = make_table(kind, [self._predicates[number] for number in chunk])
                except Exception:  # one malformed condition among them: each is asked singly, and answers for itself
                    single += chunk
                    continue
                base = len(bits)
                self._tables.append((key, table, base))
                bits.update({number: 1 << base + at for at, number in enumerate(chunk)})
        for number in single:
            self._single.append((1 << len(bits), number))
            bits[number] = 1 << len(bits)
        return bits

    def match(self, asked: Asked) -> tuple[list[int], list[tuple[int, str]]]:
        """Give the positions of the rules that match, and (position, message) of those that could not be asked."""
        answers, raised = self._ask_all(asked)
        if raised:
            return self._match_around(answers, raised)
        found = self._remembered.get(answers)
        if found is None:
            found = self._remember(answers, [self._positions[place] for place in places(self._left(answers))])
        return found, []

    def _match_around(self, answers: Bits, raised: list[tuple[int, str]]) -> tuple[list[int], list[tuple[int, str]]]:
        """Match the rules that need none of the predicates that could not be asked, and report the others."""
        broken = 0
        errors: list[tuple[int, str]] = []
        for number, message in raised:
            fresh = self._users[number] & ~broken
            broken |= fresh
            errors.extend((self._positions[place], message) for place in places(fresh))
        return [self._positions[place] for place in places(self._left(answers) & ~broken)], errors

    def _left(self, answers: Bits) -> int:
        """Strike every rule that needs a clause which does not hold; give the others."""
        true, false = answers
        struck = 0
        missing = self._wanted & ~true
        while missing:
            bit = missing & -missing
            struck |= self._leaves[bit]
            missing ^= bit
        for bits, mask in self._anys:
            if not true & bits:
                struck |= mask
        for node, mask in self._nodes:
            if not node.holds(true, false):
                struck |= mask
        return self._everyone & ~struck

    def _remember(self, answers: Bits, found: list[int]) -> list[int]:
        """Keep what these answers came to: most events of a clinic answer alike. Bounded by what it holds, not by
        time."""
        self._held += len(found) + 8
        if self._held > MAX_REMEMBERED:
            self._remembered.clear()
            self._held = len(found) + 8
        self._remembered[answers] = found
        return found

    def _ask_all(self, asked: Asked) -> tuple[Bits, list[tuple[int, str]]]:
        true = false = 0
        facts = asked.facts
        for key, table, base in self._tables:
            yes, no = table.look_up(facts.get(key))
            true |= yes << base
            false |= no << base
        raised: list[tuple[int, str]] = []
        for bit, number in self._single:
            answer = asked.ask(number, self._predicates[number])
            if answer is True:
                true |= bit
            elif answer is False:
                false |= bit
            elif isinstance(answer, Raised):
                raised.append((number, answer.message))
        return (true, false), raised


def _node(clause: tuple[str, tuple[Any, ...]], bits: Mapping[int, int]) -> Node:
    match, items = clause
    direct = 0
    for item in items:
        direct |= bits[item] if isinstance(item, int) else 0
    return Node(match, direct, tuple(_node(item, bits) for item in items if not isinstance(item, int)))


def places(mask: int) -> Iterator[int]:
    """List the bits that are set, from the lowest; many at once are read from the digits, few one by one."""
    if mask.bit_count() > 64:
        yield from compress(count(), f"{mask:b}"[::-1].encode().translate(DIGITS))
        return
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit
