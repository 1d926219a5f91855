"""What a line of a bulk request costs, beside one request a record."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Any

from django.conf import settings
from django.test import Client

from accounts.tokens import SCOPES, create_token
from appointments.models import Appointment
from bench import world
from bench.rows import Row

LINES_A_REQUEST = 10_000
TIMES = 3
ONE_BY_ONE = 20
"""Of so many lines one is sent by itself: the rate is what is compared."""

NDJSON = "application/x-ndjson"


def bulk_lines_per_second(lines: int) -> list[Row]:
    """Time patients, their appointments, then their completion, fired; and bookings one POST at a time."""
    settings.API_RATE_PER_CALLER = settings.API_RATE_PER_CLINIC = 10**9
    rates, singles = [], []
    for _turn in range(TIMES):
        world.empty()
        made, _kinds, _people = world.clinic(1)
        token = create_token(clinic=made, name="bench", scopes=SCOPES)[1]
        client = Client(headers={"Authorization": f"Bearer {token}"})
        began = time.monotonic()
        _send(client, "patients", [_patient(n) for n in range(lines)], "created")
        _send(client, "appointments", [_visit(n, "booked") for n in range(lines)], "created")
        _send(client, "appointments", [_visit(n, "completed") for n in range(lines)], "updated")
        rates.append(3 * lines / (time.monotonic() - began))
        singles.append(_one_by_one(client, lines, max(lines // ONE_BY_ONE, 20)))
    ours, usual = median(rates), median(singles)
    return [Row("bulk_lines_per_second", ours, "lines/s (goal 1,500); usual: a POST each", usual, ours / usual)]


def _patient(n: int) -> dict[str, Any]:
    born = f"{1930 + n % 70}-{1 + n % 12:02}-{1 + n % 28:02}"
    return {"external_id": f"P-{n}", "given_name": f"P{n}", "birth_date": born, "email": f"p{n}@x.example"}


def _visit(n: int, status: str) -> dict[str, Any]:
    start = f"2026-11-{1 + n % 20:02}T{8 + n % 9:02}:00:00+02:00"
    return {"external_id": f"V-{n}", "patient": f"P-{n}", "service": "s0", "starts_at": start, "status": status}


def _send(client: Client, noun: str, records: list[dict[str, Any]], outcome: str) -> None:
    for start in range(0, len(records), LINES_A_REQUEST):
        part = records[start : start + LINES_A_REQUEST]
        body = "".join(json.dumps(one) + "\n" for one in part)
        answer = client.post(f"/api/v1/{noun}/bulk/?fire=true", body, content_type=NDJSON)
        told = [json.loads(line)["outcome"] for line in answer.content.splitlines()]
        if told != [outcome] * len(part):
            raise AssertionError(f"{noun}: {answer.status_code}, {answer.content[:300]!r}")


def _one_by_one(client: Client, first: int, count: int) -> float:
    before = Appointment.objects.count()
    began = time.monotonic()
    for n in range(first, first + count):
        visit = {**_visit(n, "booked"), "patient": {"external_id": f"P-{n - first}"}}
        client.post("/api/v1/appointments/", json.dumps(visit), content_type="application/json")
    seconds = time.monotonic() - began
    if Appointment.objects.count() != before + count:
        raise AssertionError("Not every visit was booked.")
    return count / seconds
