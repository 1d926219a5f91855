"""All that a finished run left behind, read in plain SQL and from files; nothing here uses the product's own code."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

EFFECTS = {
    "task": "SELECT source_step_id AS step, id FROM worklist_task WHERE source_step_id IS NOT NULL",
    "notification": "SELECT source_step_id AS step, id FROM messaging_notification WHERE source_step_id IS NOT NULL",
    "form_request": "SELECT source_step_id AS step, id FROM forms_app_formrequest WHERE source_step_id IS NOT NULL",
    "delivery": "SELECT source_step_id AS step, id FROM messaging_delivery WHERE source_step_id IS NOT NULL",
}
COMMITTED = "coalesce(pg_xact_commit_timestamp(xmin), clock_timestamp()) AS committed"
ENDS = {"done", "cancelled", "skipped", "expired", "failed"}
Row = dict[str, Any]


def lines(path: Path) -> list[str]:
    """Return the lines of a file."""
    return path.read_text().splitlines()


class Record:
    """The rows of one finished run, and a place to count."""

    def __init__(self, connection: psycopg.Connection, directory: Path) -> None:
        self.world = json.loads((directory / "world.json").read_text())
        self.journal = [
            json.loads(line) for path in directory.glob("journal-*") for line in path.read_text().splitlines()
        ]
        self.lives: Counter[tuple[int, str]] = Counter(
            (one["patient"], one["trigger"]) for one in map(json.loads, lines(directory / "lives.jsonl"))
        )
        self.living = {patient for patient, _trigger in self.lives}
        self.mails: dict[str, int] = Counter(
            line.split()[1] for line in (directory / "mails.log").read_text().splitlines()
        )
        self.counts: Counter[str] = Counter()
        cursor = connection.cursor(row_factory=dict_row)

        def ask(query: str) -> list[Row]:
            return cursor.execute(query).fetchall()

        self.events = {r["id"]: r for r in ask("SELECT * FROM automations_event WHERE muted = ''")}
        self.matches = ask("SELECT * FROM chaos_match")
        self.runs = ask("SELECT * FROM automations_run")
        self.steps = {r["id"]: r for r in ask("SELECT * FROM automations_step")}
        self.deliveries = {r["id"]: r for r in ask("SELECT * FROM messaging_delivery")}
        self.notifications = ask("SELECT source_step_id AS step, recipient_id FROM messaging_notification")
        self.effects = {kind: self._by_step(ask(query)) for kind, query in EFFECTS.items()}
        self.requests = {r["id"]: r for r in ask("SELECT id, source_step_id, message_id FROM forms_app_formrequest")}
        self.attempts = ask("SELECT * FROM chaos_attempt")
        self.step_log = self._grouped(ask(f"SELECT *, {COMMITTED} FROM chaos_step ORDER BY n"), "step_id")
        self.delivery_log = self._grouped(ask(f"SELECT *, {COMMITTED} FROM chaos_delivery ORDER BY n"), "delivery_id")
        self.event_log = {r["event_id"]: r for r in ask(f"SELECT *, {COMMITTED} FROM chaos_event")}
        self.states = {r["id"]: r["status"] for r in ask("SELECT id, status FROM appointments_appointment")}

    @staticmethod
    def _by_step(rows: Any) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            found[row["step"]].append(row["id"])
        return found

    @staticmethod
    def _grouped(rows: Any, key: str) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            found[row[key]].append(row)
        return found
