"""What stands above the endpoints in the description of the API: enough to begin without another page."""

from __future__ import annotations

from typing import Any

from django.conf import settings

INTRODUCTION = """\
Patients, appointments, forms and rules of one clinic: the token's.

**A token** belongs to one clinic, has scopes (`read`, `write`, `rules`, `events`) and is printed once:
`python manage.py apitoken create --clinic north --name "Booking system" --scopes read,write,rules,events`, or on the
staff's pages under Settings. Send it as `Authorization: Bearer …`. Every operation says which scope it needs.

**The first rule in five minutes** (`docs/api.md` has the same as commands to copy):

1. `POST automations/rules/` with `{"slug": "prepare-visit", "name": "Prepare a confirmed visit", "mode": "on",
   "trigger_event": "appointment.confirmed", "actions": [{"type": "create_task", "title": "Prepare the room",
   "assign_to": "front_desk"}]}`. The answer's `sentence` says what the rule does.
2. `POST services/` with `{"slug": "first-visit", "name": "First visit", "minutes": 45}`.
3. `POST patients/` with `{"external_id": "A-17", "given_name": "Ana", "family_name": "Pop"}`.
4. `POST appointments/` with `{"patient": {"external_id": "A-17"}, "service": "first-visit",
   "starts_at": "…T09:00:00Z"}`, then `POST appointments/{id}/confirm/`.
5. A moment later `GET automations/runs/?rule=prepare-visit` shows the values that the rule saw, and
   `GET automations/steps/?rule=prepare-visit` what it does. No run?
   `GET automations/explain/?rule=prepare-visit&patient_external_id=A-17` says why.

What triggers, facts and actions there are: `GET automations/catalog/`.

**Errors** are problem documents (RFC 9457): `errors` has a JSON Pointer, a stable `code` and a remedy for each wrong
place. 400 no JSON; 422 a wrong value or an unknown name, parameters included; 404 nothing of that name at this clinic;
409 not in this state.

**Sending twice.** A POST with an `Idempotency-Key` can be sent again for 24 hours: the first answer comes again with
`Idempotent-Replayed: true`, and nothing happens a second time. That answer may be a refusal: 4xx is kept too, so use a
new key for a request that you have mended. 5xx is not kept.

**Two editors.** Reading a rule gives an `ETag`; its PATCH needs it as `If-Match` (428 without, 412 if it has changed).
Other resources have no ETag and refuse `If-Match`.

**Many records.** `POST patients/bulk/` and `appointments/bulk/` are silent: rules hear of their changes only with
`?fire=true` (`fire` is false unless said).

**What stops a rule.** A rule that leaves out `settings.stop_on` gets its trigger's own: after `appointment.completed`,
say, `appointment.reopened` takes back what is still planned. Reading shows the list; `[]` stops for nothing.

**Rates.** %(caller)s requests a minute for each token, %(clinic)s for each clinic; beyond that 429, and `Retry-After`
says when to go on.

Times are RFC 3339 with an offset. An `id` is an opaque text; slugs hold a letter, so digits are always an id.
"""


def introduce(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Put the introduction above the endpoints (a postprocessing hook of drf-spectacular)."""
    rates = {"caller": settings.API_RATE_PER_CALLER, "clinic": settings.API_RATE_PER_CLINIC}
    result["info"]["description"] = INTRODUCTION % {name: f"{rate:,}" for name, rate in rates.items()}
    return result
