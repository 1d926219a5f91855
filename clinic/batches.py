"""Write many records in batches, each a transaction of its own; what cannot be written never undoes its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg.errors
from django.db import DataError, IntegrityError, OperationalError, transaction
from django.utils.translation import gettext as _

from clinic.errors import ClinicError

BATCH = 250
"""So many records hold their patients' locks for well under a quarter of a second."""

CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"
TRIES = 5


@dataclass(slots=True)
class Written:
    """What became of one record: an outcome, its row's id, and for a refusal the reason."""

    outcome: str
    pk: int | None = None
    error: ClinicError | None = None


@dataclass(slots=True)
class Planned:
    """What a batch is about to write, told record by record; `answers` are in the records' order."""

    answers: list[Any] = field(default_factory=list)
    new: list[Any] = field(default_factory=list)
    changed: list[Any] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)


Record = Mapping[str, Any]
WriteBatch = Callable[[Sequence[Record]], list[Written]]


def write_batches(records: Sequence[Record], write: WriteBatch, *, key: str = "external_id") -> Iterator[Written]:
    """Write all records in order and tell what became of each. A key that comes again begins a new batch.

    `write` runs inside a transaction, once or, if the database refuses, again with halves of its batch.
    """
    batch: list[Record] = []
    seen: set[Any] = set()
    for record in records:
        if len(batch) == BATCH or record[key] in seen:
            yield from _write(batch, write)
            batch, seen = [], set()
        batch.append(record)
        seen.add(record[key])
    if batch:
        yield from _write(batch, write)


def _write(batch: Sequence[Record], write: WriteBatch, tries: int = TRIES) -> list[Written]:
    try:
        with transaction.atomic():
            return write(batch)
    except OperationalError as error:
        passing = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
        if tries > 1 and isinstance(error.__cause__, passing):
            return _write(batch, write, tries - 1)
        raise
    except ClinicError as error:
        problem = error
    except (IntegrityError, DataError) as error:
        # Not a word of the database's: its message would show what others hold.
        unique = isinstance(error.__cause__, psycopg.errors.UniqueViolation)
        if unique and len(batch) == 1 and tries > 1:
            return _write(batch, write, tries - 1)  # somebody else wrote it meanwhile: now it is there
        code = "conflict" if unique else "invalid"
        problem = ClinicError(_("The database cannot keep this record."), code=code)
    if len(batch) == 1:
        return [Written(REFUSED, error=problem)]
    half = len(batch) // 2
    return [*_write(batch[:half], write), *_write(batch[half:], write)]
