"""Book a visit, confirm it, watch the rule that answers, and read its trace. Python's standard library is enough.

    python manage.py apitoken create --clinic north --name "Booking system" --scopes read,write,rules,events
    python docs/examples/book_and_watch.py --url http://127.0.0.1:8000 --token …

Run again, it does not repeat itself: the rule, the service and the patient are found by their names.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

RULE = {
    "slug": "example-prepare-visit",
    "name": "Example: prepare a confirmed visit",
    "mode": "on",
    "trigger_event": "appointment.confirmed",
    "conditions": {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]},
    "actions": [
        {"type": "create_task", "title": "Prepare the room", "assign_to": "front_desk"},
        {
            "type": "create_task",
            "title": "Call to remind",
            "assign_to": "front_desk",
            "timing": {
                "mode": "relative",
                "amount": 24,
                "unit": "hours",
                "direction": "before",
                "anchor": "appointment.starts_at",
            },
        },
    ],
}


class Problem(Exception):
    """The API refused: its problem+json says where and why."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        lines = [f"  {one['path'] or '/'}: {one['message']}" for one in body.get("errors") or []]
        super().__init__("\n".join([f"{status} {body.get('title')}: {body.get('detail')}", *lines]))
        self.status = status
        self.body = body


class Api:
    """Speak to one clinic with its token."""

    def __init__(self, url: str, token: str) -> None:
        self.base = url.rstrip("/") + "/api/v1/"
        self.token = token

    def get(self, path: str, **filters: Any) -> Any:
        """Read one thing, or one page of a list."""
        query = "?" + urllib.parse.urlencode(filters) if filters else ""
        return self._ask("GET", self.base + path + query)

    def every(self, path: str, **filters: Any) -> Iterator[Any]:
        """Walk a list to its end, page after page."""
        page = self.get(path, **filters)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self._ask("GET", page["next"])

    def post(self, path: str, body: Any, key: str | None = None) -> Any:
        """Write. The key makes it safe to ask again after a lost answer: the first answer comes back, nothing twice."""
        return self._ask("POST", self.base + path, body, key or str(uuid.uuid4()))

    def _ask(self, method: str, url: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        data = None
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
            data = json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise Problem(error.code, _json(error.read())) from None


def _json(raw: bytes) -> dict[str, Any]:
    try:
        return json.loads(raw)
    except ValueError:
        return {"title": "no JSON", "detail": raw[:200].decode(errors="replace")}


def there_or_made(api: Api, path: str, name: str, body: dict[str, Any]) -> Any:
    """Read what has this slug, or make it."""
    try:
        return api.get(f"{path}{name}/")
    except Problem as problem:
        if problem.status != 404:
            raise
    return api.post(path, body)


def patient_of(api: Api) -> Any:
    """Read the example's patient by our own number, or register her."""
    found = next(api.every("patients/", external_id="EXAMPLE-1"), None)
    ana = {"external_id": "EXAMPLE-1", "given_name": "Ana", "family_name": "Example", "birth_date": "1957-03-02"}
    return found or api.post("patients/", ana)


def first_run(api: Api, rule: str, patient: str, event: str, seconds: float) -> Any:
    """Wait until the rule has answered the event; rules run a moment after the change that they hear of."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for run in api.get("automations/runs/", rule=rule, patient=patient)["results"]:
            if run["event"] == event:
                return run
        time.sleep(0.2)
    raise SystemExit(f"No run of {rule} within {seconds:.0f} s. Are the workers running?")


def show(run: Any, steps: list[Any]) -> None:
    """Print the trace: what was asked and seen, and what follows when."""
    print(f"{run['rule']} version {run['rule_version']}: {run['outcome']}")
    for line in run["verdict"]["items"]:
        print(f"  {line['field']} {line['op']} {line['value']}: was {line['actual']}, {line['result']}")
    for step in steps:
        print(f"  {step['action']['id']} {step['action']['type']}: {step['state']}, due {step['due_at']}")


def main() -> None:
    """Tell the story once."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--url", default="http://127.0.0.1:8000")
    options.add_argument("--token", required=True)
    options.add_argument("--seconds", type=float, default=30, help="how long to wait for the run")
    given = options.parse_args()
    api = Api(given.url, given.token)

    rule = there_or_made(api, "automations/rules/", str(RULE["slug"]), RULE)
    print(rule["sentence"])
    service = there_or_made(
        api, "services/", "example-visit", {"slug": "example-visit", "name": "Example visit", "minutes": 30}
    )
    patient = patient_of(api)
    starts_at = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="seconds")
    visit = api.post("appointments/", {"patient": patient["id"], "service": service["slug"], "starts_at": starts_at})
    api.post(f"appointments/{visit['id']}/confirm/", {})
    event = next(
        event
        for event in api.every("automations/events/", patient=patient["id"], trigger_event="appointment.confirmed")
        if event["subject"]["id"] == visit["id"]
    )
    run = first_run(api, rule["slug"], patient["id"], event["id"], given.seconds)
    show(run, list(api.every("automations/steps/", run=run["id"])))


if __name__ == "__main__":
    try:
        main()
    except Problem as refused:
        sys.exit(str(refused))
