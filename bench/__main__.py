"""`make bench`: measure, print the table, write bench/results.json. `--quick` is a tenth of the work."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clinic.embedded import Postgres, Valkey

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local" / "bench"
NAMES = (
    "events_per_second",
    "commit_to_effect",
    "save_cost",
    "many_rules",
    "poison",
    "asking",
    "segments",
    "api_lists",
    "patient_search",
    "bulk_lines_per_second",
)


def main() -> None:
    """Start servers of our own, run the experiments, stop the servers."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--only", choices=NAMES, action="append", help="run this experiment only (may be repeated)")
    options = parser.parse_args()
    LOCAL.mkdir(parents=True, exist_ok=True)
    postgres = Postgres(LOCAL / "pg", settings={"track_commit_timestamp": "on", "shared_buffers": "512MB"}).start()
    valkey = Valkey(LOCAL / "vk").start()
    os.environ.update(
        CLINIC_MODE="test",
        DJANGO_SETTINGS_MODULE="bench.settings",
        TEST_DATABASE_URL=postgres.url,
        TEST_REDIS_URL=valkey.url,
    )
    try:
        rows = measure(options.only or NAMES, 10 if options.quick else 1)
    finally:
        valkey.stop()
        postgres.stop()
    report(rows)
    if not options.quick:
        keep(rows)


def measure(names: Sequence[str], divide: int) -> list[Any]:
    """Run the experiments on a fresh schema."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from bench import asking, bulk, experiments, finding, reading, segments

    sizes = {
        "events_per_second": 20_000,
        "commit_to_effect": 600,
        "save_cost": 600,
        "many_rules": 2_000,
        "poison": 2_000,
        "asking": 20_000,
        "segments": 100_000,
        "api_lists": 100_000,
        "patient_search": 100_000,
        "bulk_lines_per_second": 10_000,
    }
    homes = (experiments, asking, segments, reading, finding, bulk)
    calls = {name: next(getattr(home, name) for home in homes if hasattr(home, name)) for name in names}
    rows = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += calls[name](max(sizes[name] // divide, 100))
    return rows


def report(rows: list[Any]) -> None:
    """Print the table."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'name':32}{'ratio':>8}{'ours':>12}{'reference':>12}  unit")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        reference = "" if row.reference is None else f"{row.reference:.2f}"
        print(f"{row.name:32}{ratio:>8}{row.value:>12.2f}{reference:>12}  {row.unit}")


def keep(rows: list[Any]) -> None:
    """Write the rows into bench/results.json, in the place of older ones of the same name."""
    path = ROOT / "bench" / "results.json"
    kept = {row["name"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    kept.update({row.name: row.as_json() for row in rows})
    path.write_text(json.dumps(list(kept.values()), indent=1) + "\n")


if __name__ == "__main__":
    main()
