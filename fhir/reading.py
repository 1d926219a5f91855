"""Read FHIR files that nobody vouches for: one resource at a time, each with the place it was found at.

NDJSON (a resource a line), a Bundle or a single resource; plain or gzip, told by the first bytes. What cannot be read
is yielded as a problem and the reading goes on. Limits: MAX_LINE bytes a line, MAX_DOCUMENT bytes a Bundle, MAX_DEPTH
levels, MAX_RESOURCES resources an import. Source: https://hl7.org/fhir/R4/json.html and https://hl7.org/fhir/uv/bulkdata/
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

MAX_LINE = 5 * 1024 * 1024
MAX_DOCUMENT = 256 * 1024 * 1024
MAX_DEPTH = 50
MAX_RESOURCES = 2_000_000
CHUNK = 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
PLACE_IN_FILE = re.compile(r"(:\d+)?( entry\[\d+\])?$")


class BadResource(Exception):
    """Something in a file that cannot be used. `path` is where in the resource, if it is one place."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


class UnreadableFile(Exception):
    """A file that cannot be used at all; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Found:
    """A resource, or the problem that stands in its place."""

    place: str
    resource: dict[str, Any] | None
    problem: str = ""
    full_url: str = ""


def read(path: Path) -> Iterator[Found]:
    """Yield what a file holds, in its order. Raises UnreadableFile."""
    with _opened(path) as stream:
        head = stream.readline(MAX_LINE + 1)
        while head and not head.strip(BOM + b" \t\r\n"):
            head = stream.readline(MAX_LINE + 1)
    if not head:
        raise UnreadableFile(_("%(file)s is empty.") % {"file": path.name})
    yield from _lines(path) if _is_ndjson(path, head) else _document(path)


def _is_ndjson(path: Path, head: bytes) -> bool:
    """Tell whether the file holds a resource a line: by its name, or because its first line is a whole one."""
    if ".ndjson" in path.name.lower() or ".jsonl" in path.name.lower():
        return True
    try:
        parse(head)
    except BadResource:
        return False
    return True


def _lines(path: Path) -> Iterator[Found]:
    with _opened(path) as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            place = f"{path.name}:{number}"
            if len(line) > MAX_LINE:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(CHUNK)
                limit = MAX_LINE // 1024 // 1024
                yield Found(place, None, _("The line is longer than %(limit)d MB.") % {"limit": limit})
            elif line.strip(BOM + b" \t\r\n"):
                yield from _resources(place, line)


def _document(path: Path) -> Iterator[Found]:
    with _opened(path) as stream:
        data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise UnreadableFile(
            _("%(file)s is larger than %(limit)d MB. Give it as NDJSON, a resource a line.")
            % {"file": path.name, "limit": MAX_DOCUMENT // 1024 // 1024}
        )
    yield from _resources(path.name, data)


def _resources(place: str, data: bytes) -> Iterator[Found]:
    """Yield the resource, or those of a Bundle."""
    try:
        resource = parse(data)
        if resource.get("resourceType") != "Bundle":
            yield Found(place, resource)
            return
        entries = resource.get("entry", [])
        if not isinstance(entries, list):
            raise BadResource(_("must be a list"), "entry")
    except BadResource as bad:
        yield Found(place, None, f"{bad.path}: {bad.reason}" if bad.path else bad.reason)
        return
    for number, entry in enumerate(entries):
        yield _entry(f"{place} entry[{number}]", entry)


def file_of(place: str) -> str:
    """Return the file in which a place lies."""
    return PLACE_IN_FILE.sub("", place)


def _entry(place: str, entry: Any) -> Found:
    inner = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(inner, dict):
        return Found(place, None, _("The entry holds no resource."))
    if inner.get("resourceType") == "Bundle":
        return Found(place, None, _("A Bundle inside a Bundle is not read. Give it as a file of its own."))
    url = entry.get("fullUrl")
    return Found(place, inner, full_url=url if isinstance(url, str) else "")


def parse(data: bytes) -> dict[str, Any]:
    """Parse one JSON object. Raises BadResource for anything else, too deep nesting, NUL and broken characters."""
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadResource(_("Not UTF-8 at byte %(at)d.") % {"at": error.start}) from None
    except json.JSONDecodeError as error:
        where = _("line %(line)d column %(column)d") % {"line": error.lineno, "column": error.colno}
        raise BadResource(_("Not JSON: %(what)s at %(where)s.") % {"what": error.msg, "where": where}) from None
    except RecursionError:
        raise BadResource(_("Nested deeper than %(limit)d levels.") % {"limit": MAX_DEPTH}) from None
    except ValueError:
        raise BadResource(_("Holds a number that is no JSON number, or has too many digits.")) from None
    if not isinstance(value, dict):
        raise BadResource(_("Not a resource: a JSON object is expected."))
    _check(value)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check(value: dict[str, Any]) -> None:
    """Walk the whole value without recursion; refuse depth and what a text column cannot hold."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            _check_text(one)
        elif isinstance(one, (dict, list)):
            # A Bundle's entries are resources of their own: their depth is counted with the envelope's three levels.
            if depth > MAX_DEPTH:
                raise BadResource(_("Nested deeper than %(limit)d levels.") % {"limit": MAX_DEPTH})
            waiting += [(inner, depth + 1) for inner in (one.values() if isinstance(one, dict) else one)]


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= ch <= "\udfff" for ch in text):
        raise BadResource(_("Holds half a character (a lone surrogate)."))
    if "\0" in text:
        raise BadResource(_("Holds a NUL character."))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacking it if it is packed. Raises UnreadableFile, also while it is read."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == GZIP_MAGIC
            plain.seek(0)
            if not packed:
                yield plain
                return
            with gzip.open(plain) as unpacked:
                yield unpacked  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(_("%(file)s is a damaged gzip file. Copy it again.") % {"file": path.name}) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableFile(_("%(file)s cannot be read: %(why)s.") % {"file": path, "why": reason}) from error
