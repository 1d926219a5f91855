"""FHIR resources and files for the tests."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from fhir.batches import Report
from fhir.importing import import_files


def patient(pk: str = "p1", **changes: Any) -> dict[str, Any]:
    """A Patient with everything that is read; None removes an element."""
    given = {
        "resourceType": "Patient",
        "id": pk,
        "name": [
            {"use": "maiden", "family": "Pop", "given": ["Ana"]},
            {"use": "official", "family": "Marin", "given": ["Ana", "Maria"]},
        ],
        "birthDate": "1957-03-02",
        "gender": "female",
        "telecom": [
            {"system": "phone", "value": "+40 721 000 000", "use": "home"},
            {"system": "email", "value": "ana@patients.example"},
        ],
        "address": [{"use": "old", "city": "Cluj"}, {"city": "Iași"}],
        "communication": [
            {"language": {"coding": [{"code": "en"}]}},
            {"language": {"coding": [{"code": "ro"}]}, "preferred": True},
        ],
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def encounter(pk: str = "e1", of: str = "Patient/p1", **changes: Any) -> dict[str, Any]:
    """A finished Encounter of 45 minutes; None removes an element."""
    given = {
        "resourceType": "Encounter",
        "id": pk,
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"coding": [{"code": "185349003"}], "text": "Encounter for check up (procedure)"}],
        "subject": {"reference": of},
        "period": {"start": "2026-03-02T09:00:00+02:00", "end": "2026-03-02T09:45:00+02:00"},
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def ndjson(path: Path, *resources: Any) -> Path:
    """Write a file with a line a resource; bytes and text go in as they are. Packed if the name ends with .gz."""
    lines = [
        one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()
        for one in resources
    ]
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    """A collection Bundle."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]} | more


def run(clinic: Any, *paths: Path, fire: bool = False) -> Report:
    """Import files."""
    return import_files(clinic=clinic, paths=paths, fire=fire)


def command(*arguments: Any) -> None:
    """Run the command."""
    call_command("import_fhir", *(str(one) for one in arguments))
