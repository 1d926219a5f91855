"""A clinic that is run over the API alone, by a program on the other side of a real connection."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import requests
from django.core.management import call_command

from automations import recipes

SECONDS = 30


class Integrator:
    """Speaks JSON to a running server with a token; what is refused stops the story."""

    def __init__(self, base: str, token: str) -> None:
        self.base = f"{base}/api/v1/"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def _send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        if method == "POST":
            headers["Idempotency-Key"] = uuid4().hex
        answer = self.session.request(method, self.base + path, json=body, headers=headers, timeout=SECONDS)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def get(self, path: str, **filters: Any) -> Any:
        """Read."""
        answer = self.session.get(self.base + path, params=filters, timeout=SECONDS)
        assert answer.ok, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def rows(self, path: str, **filters: Any) -> list[Any]:
        """Read the first page of a list, oldest first."""
        return list(reversed(self.get(path, limit=200, **filters)["results"]))

    def post(self, path: str, body: Any = None) -> Any:
        """Create, or do something."""
        return self._send("POST", path, {} if body is None else body).json()

    def put(self, path: str, body: Any) -> Any:
        """Write as a whole."""
        return self._send("PUT", path, body).json()

    def patch(self, path: str, body: Any) -> Any:
        """Change."""
        return self._send("PATCH", path, body).json()

    def edit_rule(self, slug: str, body: Any) -> Any:
        """Edit a rule's draft as it was just read."""
        path = f"automations/rules/{slug}/"
        tag = self.session.get(self.base + path, timeout=SECONDS).headers["ETag"]
        return self._send("PATCH", path, body, **{"If-Match": tag}).json()

    # --- what rules need ---

    def make_form(self, spec: Any) -> None:
        """Make a form with its wording."""
        self.post("form-templates/", {key: spec[key] for key in ("slug", "name", "kind")} | spec["versions"][0])

    def make_template(self, spec: Any) -> None:
        """Make a message template with its bodies."""
        bodies = [{"language": language, **body} for language, body in spec["bodies"].items()]
        self.post("message-templates/", {**spec, "bodies": bodies})

    def make_service(self, spec: Any) -> None:
        """Make a service."""
        self.post("services/", spec)

    def shipped(self, slug: str) -> dict[str, Any]:
        """Make all that a shipped rule needs, and return its JSON."""
        wanted = recipes.recipe(slug)
        makers = {"form_template": self.make_form, "message_template": self.make_template, "service": self.make_service}
        for kind, specs in wanted.needs.items():
            for spec in specs:
                makers[kind](spec)
        return {"slug": wanted.slug, "name": wanted.name, "description": wanted.description, **wanted.document}

    def publish(self, rule: Any) -> Any:
        """Make a rule as a draft, publish it, and return it as it is read."""
        made = self.post("automations/rules/", rule)
        assert made["mode"] == "draft"
        self.post(f"automations/rules/{made['slug']}/publish/")
        return self.get(f"automations/rules/{made['slug']}/")

    # --- what is read back ---

    def steps(self, rule: str, patient: str) -> list[tuple[str, str, str | None]]:
        """Return the steps of a rule for a patient as (action id, state, reason), as they are due."""
        rows = self.get("automations/steps/", rule=rule, patient=patient)["results"]
        return [(one["action"]["id"], one["state"], (one["reason"] or {}).get("code")) for one in rows]

    def runs(self, rule: str, patient: str) -> list[Any]:
        """Return the runs of a rule for a patient, oldest first."""
        return self.rows("automations/runs/", rule=rule, patient=patient)

    def forms(self, patient: str) -> list[tuple[str, str]]:
        """Return the forms that a patient was asked for, with their states."""
        return [(one["form"], one["status"]) for one in self.rows("form-requests/", patient=patient)]

    def messages(self, patient: str) -> list[tuple[str, str]]:
        """Return the templates of the messages about a patient, with their states."""
        return [(one["template"], one["state"]) for one in self.rows("deliveries/", patient=patient) if one["template"]]


def tick(at: Any = None) -> None:
    """Do what workers would, up to a moment."""
    call_command("tick", **({"at": at.isoformat()} if at else {}), verbosity=0)
