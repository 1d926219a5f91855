"""What a running demo says of itself to commands beside it: where it listens, so that links and mail lead there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clinic.embedded import locked

FILE = "demo.json"


def record(directory: Path, values: dict[str, Any]) -> None:
    """Write down where the demo of this directory listens; whole or not at all, for who reads meanwhile."""
    part = directory / f"{FILE}.part"
    part.write_text(json.dumps(values), encoding="utf-8")
    part.rename(directory / FILE)


def recorded(directory: Path) -> dict[str, Any]:
    """Return what the running demo wrote down; nothing while none runs, whatever one that was killed has left."""
    path = directory / FILE
    if not path.exists() or not locked(directory, "supervisor", against_sharing=False):
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
