"""What asking costs: a back-test over stored events, and why a rule did not run for a patient."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from automations import lifecycle
from automations.backtest import backtest
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule, spec_to_json
from automations.explain import explain
from automations.matcher import match_batch
from automations.models import Event, Rule
from bench import sides, world
from bench.rows import Row

TIMES = 3
WINDOW = {"amount": 3, "unit": "months"}


def draft() -> dict[str, object]:
    """Return a rule that asks an age, a service and a count of visits that no published rule asks for."""
    conditions: list[world.Condition] = [
        {"field": "patient.age", "op": "gte", "value": 40},
        {"field": "appointment.service", "op": "is_any_of", "value": [f"s{n}" for n in range(50)]},
        {"field": "patient.appointment_count", "op": "gte", "value": 1, "window": WINDOW},
    ]
    return world.rule(1, conditions)


def asking(events: int) -> list[Row]:
    """Time a back-test over `events` stored events, and explaining a rule to a patient among them."""
    world.empty()
    made, kinds, people = world.clinic(100)
    world.publish(made, [world.rule(0, [{"field": "patient.age", "op": "gt", "value": 200}])])
    sides.save_in_bulk(world.visits(made, kinds, people, events))
    while match_batch():
        pass
    answered = Event.objects.filter(trigger="appointment.completed", state=Event.State.MATCHED).count()
    if answered != events:
        raise AssertionError(f"{answered} of {events} events were answered.")
    rule = Rule(clinic=made, slug="draft", name="Draft", draft=spec_to_json(parse_rule(draft(), catalog)))
    rule.save()
    tested = _seconds(lambda: backtest(rule))
    published = lifecycle.publish(rule)
    explained = _seconds(lambda: explain(published, people[7], conditions=draft()["conditions"]))
    return [
        Row(f"backtest_{events}", tested, "s (goal 5)", None, None),
        Row("explain", 1000 * explained, "ms (goal 300)", None, None),
    ]


def _seconds(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return median(taken)
