"""Write many items in batches: each in a transaction of its own, a bad one alone, so that it undoes no neighbour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, IntegrityError, transaction

from clinic.errors import ClinicError
from fhir.gathering import Problem

BATCH = 500
CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"
Item = tuple[str, Any]
"""A place (file:line) and what was mapped from it."""

Answer = tuple[str, str]
"""An outcome, and for REFUSED the reason."""

WriteBatch = Callable[[Sequence[Item]], list[Answer]]


@dataclass(slots=True)
class Report:
    """What an import did: outcomes by kind of record, and what was left out and why."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)

    def count(self, noun: str, outcome: str) -> int:
        """Return how many records of a kind ended so."""
        return self.counts.get(noun, Counter())[outcome]


def write_batches(
    noun: str, items: Sequence[Item], write: WriteBatch, report: Report, progress: Callable[..., Iterable[Any]]
) -> None:
    """Write all items, counting the outcomes and collecting the refusals in the report."""
    counts = report.counts.setdefault(noun, Counter())
    bar = iter(progress(range(len(items)), desc=noun, total=len(items)))
    for batch in _chunks(items):
        for (place, _data), (outcome, reason) in zip(batch, _write(batch, write), strict=True):
            counts[outcome] += 1
            if outcome == REFUSED:
                report.problems.append(Problem(place, f"{noun}: {reason}"))
            next(bar, None)
    next(bar, None)


def _write(batch: Sequence[Item], write: WriteBatch) -> list[Answer]:
    """Write a batch in one transaction; if the database refuses it, each item alone: only the bad one is lost."""
    try:
        with transaction.atomic():
            return write(batch)
    except ClinicError as error:
        reason = error.message
    except (IntegrityError, DataError) as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        # The first line of PostgreSQL's message names columns and constraints; the detail would show a patient's data.
        reason = getattr(diagnosis, "message_primary", None) or type(error).__name__
    if len(batch) == 1:
        return [(REFUSED, reason)]
    return [answer for item in batch for answer in _write([item], write)]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
