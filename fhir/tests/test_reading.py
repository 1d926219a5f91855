"""Reading files that may hold anything."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fhir import reading
from fhir.reading import Found, UnreadableFile, read
from fhir.tests.builders import bundle, ndjson, patient


def kinds(path: Path) -> list[tuple[str, str | None, str]]:
    return [(found.place, (found.resource or {}).get("id"), found.problem) for found in read(path)]


def id_of(found: Found) -> Any:
    assert found.resource is not None
    return found.resource["id"]


def problem(path: Path) -> str:
    (found,) = read(path)
    assert found.resource is None
    return found.problem


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz", "a.txt", "a.json"])
def test_a_resource_a_line_packed_or_plain_whatever_the_name(tmp_path, name):
    path = ndjson(tmp_path / name, patient("p1"), "", patient("p2"))
    assert kinds(path) == [(f"{name}:1", "p1", ""), (f"{name}:3", "p2", "")]


def test_packing_is_told_by_the_first_bytes_not_by_the_name(tmp_path):
    path = tmp_path / "patients.ndjson"
    path.write_bytes(gzip.compress(json.dumps(patient()).encode()))
    assert kinds(path) == [("patients.ndjson:1", "p1", "")]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["b.json", "b.json.gz"])
def test_a_bundle_on_one_line_or_on_many(tmp_path, name, indent):
    data = json.dumps(bundle(patient("p1"), patient("p2")), indent=indent).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    place = f"{name}:1" if indent is None else name
    assert kinds(path) == [(f"{place} entry[0]", "p1", ""), (f"{place} entry[1]", "p2", "")]


def test_a_single_resource_in_readable_json(tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(patient(), indent=4))
    assert kinds(path) == [("one.json", "p1", "")]


def test_a_byte_order_mark_is_no_harm(tmp_path):
    path = tmp_path / "bom.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(patient()).encode())
    assert kinds(path) == [("bom.ndjson:1", "p1", "")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "Not JSON"),
        ("[]", "a JSON object is expected"),
        ("17", "a JSON object is expected"),
        ('{"id": NaN}', "no JSON number"),
        ('{"id": ' + "9" * 5000 + "}", "too many digits"),
        ('{"id": "a\\u0000b"}', "NUL"),
        ('{"id": "\\ud800"}', "lone surrogate"),
        (b'{"id": "\xff"}', "Not UTF-8 at byte 8"),
        ('{"a": ' * 60 + "1" + "}" * 60, "Nested deeper than 50"),
        ("[" * 200_000, "Nested deeper than 50"),
    ],
)
def test_a_bad_line_is_named_and_its_neighbours_are_read(tmp_path, line, words):
    path = ndjson(tmp_path / "x.ndjson", patient("p1"), line, patient("p2"))
    first, bad, last = read(path)
    assert (id_of(first), id_of(last), bad.place) == ("p1", "p2", "x.ndjson:2")
    assert bad.resource is None
    assert words in bad.problem


def test_a_line_that_is_too_long_is_skipped_without_being_held(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_LINE", 1024 * 1024)
    path = ndjson(tmp_path / "x.ndjson", '{"a": "' + "x" * 3_000_000 + '"}', patient("p2"))
    long, last = read(path)
    assert (long.place, long.problem) == ("x.ndjson:1", "The line is longer than 1 MB.")
    assert (last.place, id_of(last)) == ("x.ndjson:2", "p2")


def test_a_document_that_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_DOCUMENT", 1024 * 1024)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b"{\n" + b" " * 5_000_000 + b"}"))
    with pytest.raises(UnreadableFile, match="larger than 1 MB"):
        list(read(path))


@pytest.mark.parametrize("entry", [None, 1, "x", {}, {"resource": []}, {"resource": {"resourceType": "Bundle"}}])
def test_an_entry_that_is_no_resource_is_named(tmp_path, entry):
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle(patient()) | {"entry": [entry, {"resource": patient()}]}))
    bad, good = read(path)
    assert bad.place == "b.json:1 entry[0]"
    assert bad.problem
    assert id_of(good) == "p1"


def test_entries_that_are_no_list_are_named(tmp_path):
    path = ndjson(tmp_path / "b.ndjson", bundle() | {"entry": {"0": 1}})
    assert problem(path) == "entry: must be a list"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (gzip.compress(b"{}" * 1000, mtime=0)[:30], "damaged gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
    ],
)
def test_a_file_of_no_use_says_why(tmp_path, content, words):
    path = tmp_path / "f.ndjson"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=words):
        list(read(path))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        list(read(tmp_path / "none.ndjson"))
    with pytest.raises(UnreadableFile, match="cannot be read"):
        list(read(tmp_path))
