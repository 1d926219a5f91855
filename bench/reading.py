"""What reading over the API costs where much has happened: how long all but the slowest twentieth of requests take."""

from __future__ import annotations

import sys
import time
from statistics import quantiles
from typing import Any

from django.test import Client

from accounts.tokens import SCOPES, create_token
from appointments.models import Appointment
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule, spec_to_json
from automations.matcher import match_batch
from automations.models import Event, Rule, Run, Step
from bench import sides, world
from bench.rows import Row

RULES = 50
TIMES = 60


def api_lists(visits: int) -> list[Row]:
    """Time the lists and details of a clinic with so many visits, each of them with an event, a run and a step."""
    made, patient = _world(visits)
    token = create_token(clinic=made, name="bench", scopes=SCOPES)[1]
    slowest: dict[str, float] = {}
    for path in _paths(patient):
        slowest[path] = p95(Client(headers={"Authorization": f"Bearer {token}"}), f"/api/v1/{path}")
        print(f"  {slowest[path]:8.1f} ms  {path}", file=sys.stderr, flush=True)
    return [Row("api_list_p95_ms", max(slowest.values()), "ms (goal 100), the slowest list", None, None)]


def _world(visits: int) -> tuple[Any, Any]:
    world.empty()
    made, kinds, people = world.clinic(RULES)
    documents = [world.rule(n, [world.service_is(n)]) for n in range(RULES)]
    world.publish(made, documents)
    for rule, document in zip(Rule.objects.order_by("pk"), documents, strict=True):
        Rule.objects.filter(pk=rule.pk).update(draft=spec_to_json(parse_rule(document, catalog)))
    sides.save_in_bulk(world.visits(made, kinds, people, visits))
    while match_batch():
        pass
    if Run.objects.count() < visits:
        raise AssertionError(f"{Run.objects.count()} of {visits} visits were answered.")
    world.analyze()
    return made, people[7]


def _paths(patient: Any) -> list[str]:
    """Return what is read: first pages of lists, filtered ones, a page far down, details, a patient's timeline."""
    event, run, step = (model.objects.order_by("pk")[1000].pk for model in (Event, Run, Step))
    visit = Appointment.objects.order_by("pk")[1000].pk
    return [
        "patients/",
        "appointments/",
        f"appointments/?patient={patient.pk}",
        f"appointments/{visit}/",
        "tasks/",
        "automations/rules/",
        "automations/rules/r7/",
        "automations/events/",
        f"automations/events/?patient={patient.pk}&trigger_event=appointment.completed",
        f"automations/events/{event}/",
        "automations/runs/",
        "automations/runs/?rule=r7",
        "automations/runs/?outcome=suppressed",
        f"automations/runs/?patient={patient.pk}",
        f"automations/runs/{run}/",
        "automations/steps/",
        "automations/steps/?state=done&rule=r7",
        "automations/steps/?state=pending",
        f"automations/steps/{step}/",
        f"patients/{patient.pk}/timeline/",
        f"patients/{patient.pk}/upcoming/",
        f"automations/explain/?rule=r7&patient={patient.pk}",
    ]


def p95(client: Client, address: str) -> float:
    """Return the 95th percentile in milliseconds; the first answer, which loads what later ones find, is left out."""
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        answer = client.get(address)
        taken.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise AssertionError(f"{address}: {answer.status_code} {answer.content[:300]!r}")
    return quantiles(taken[1:], n=20)[-1]
