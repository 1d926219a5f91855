"""The measurements. Each returns rows of the result table; only ratios within one run mean anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from django.db import connection

from appointments.models import Appointment
from automations.executor import execute_batch
from automations.matcher import match_batch
from automations.models import RuleVersion
from bench import sides, world
from bench.rows import Row
from worklist.models import Task

TIMES = 3


def hundred_rules() -> list[dict[str, Any]]:
    """Return 100 rules of which each visit matches one: its service, an age, a count of visits in three months."""
    return [
        world.rule(
            n,
            [
                world.service_is(n),
                {"field": "patient.age", "op": "gte", "value": 18},
                {
                    "field": "patient.appointment_count",
                    "op": "gte",
                    "value": 0,
                    "window": {"amount": 3, "unit": "months"},
                },
            ],
        )
        for n in range(100)
    ]


def prepare(events: int) -> list[Appointment]:
    """Empty the database and make the visits and the hundred rules."""
    world.empty()
    made, kinds, people = world.clinic(100)
    world.publish(made, hundred_rules())
    return world.visits(made, kinds, people, events)


def events_per_second(events: int) -> list[Row]:
    """Time from the first save to the last effect, reference and ours by turns; medians of three."""
    seconds: dict[str, list[float]] = {"reference": [], "ours": [], "single": [], "drain": []}
    for turn in range(TIMES):
        seconds["reference"].append(_reference(prepare(events)))
        seconds["ours"].append(_ours(prepare(events), sides.save_in_bulk))
        seconds["drain"].append(_drain(prepare(events)))
        if turn == 0:
            seconds["single"].append(_ours(prepare(events), sides.save_one_by_one))
    rate = {side: events / median(times) for side, times in seconds.items()}
    usual = rate["reference"]
    return [
        Row("events_per_second", rate["ours"], "events/s, saved in batches of 500", usual, rate["ours"] / usual),
        Row(
            "events_per_second_single_saves",
            rate["single"],
            "events/s, saved one by one",
            usual,
            rate["single"] / usual,
        ),
        Row("drain_alone", rate["drain"], "events/s, already saved", usual, rate["drain"] / usual),
    ]


def _reference(visits: list[Appointment]) -> float:
    with sides.reference():
        began = time.monotonic()
        for visit in visits:
            sides.save_plainly(visit)
        sides.wait_for_tasks(len(visits))
        return time.monotonic() - began


def _ours(visits: list[Appointment], save: Callable[[list[Appointment]], None]) -> float:
    with sides.ours():
        began = time.monotonic()
        save(visits)
        sides.wait_for_tasks(len(visits))
        return time.monotonic() - began


def _drain(visits: list[Appointment]) -> float:
    with sides.ours() as worker:
        worker.pause()
        sides.save_in_bulk(visits)
        began = time.monotonic()
        worker.resume()
        sides.wait_for_tasks(len(visits))
        return time.monotonic() - began


LATENCY = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(t.xmin) - pg_xact_commit_timestamp(a.xmin))
  FROM worklist_task t JOIN appointments_appointment a ON a.patient_id = t.patient_id WHERE a.status = 'completed'
"""


def commit_to_effect(samples: int) -> list[Row]:
    """Time from the save's commit to its effect's commit, by PostgreSQL's commit timestamps, at 20 events a second."""
    found: dict[str, list[tuple[float, float]]] = {"reference": [], "ours": []}
    for _ in range(TIMES):
        with sides.reference():
            found["reference"].append(_latencies(samples, sides.save_plainly))
        with sides.ours():
            found["ours"].append(_latencies(samples, lambda visit: sides.save_one_by_one([visit])))
    rows = []
    for name, part in (("p50", 0), ("p95", 1)):
        usual = 1000 * median(pair[part] for pair in found["reference"])
        own = 1000 * median(pair[part] for pair in found["ours"])
        rows.append(Row(f"commit_to_effect_{name}", own, "ms at 20 events/s", usual, own / usual))
    return rows


def _latencies(samples: int, save: Callable[[Appointment], None]) -> tuple[float, float]:
    """Save one visit a patient, 20 a second; return the median and the 95th percentile in seconds."""
    visits = prepare(samples)
    began = time.monotonic()
    for number, visit in enumerate(visits):
        time.sleep(max(0.0, began + number / 20 - time.monotonic()))
        save(visit)
    sides.wait_for_tasks(samples)
    with connection.cursor() as cursor:
        cursor.execute(LATENCY)
        seconds = [float(row[0]) for row in cursor.fetchall()]
    return median(seconds), quantiles(seconds, n=20)[18]


def save_cost(saves: int) -> list[Row]:
    """Time one save of a published transition with capture on, over the same save with capture off, by turns."""
    visits = prepare(2 * saves)
    times: dict[bool, list[float]] = {True: [], False: []}
    for number, visit in enumerate(visits):
        on = number % 2 == 0
        (sides.capture_on if on else sides.capture_off)()
        visit.status = Appointment.Status.COMPLETED
        began = time.perf_counter()
        visit.save()
        times[on].append(1000 * (time.perf_counter() - began))
    sides.capture_on()
    own, plain = median(times[True]), median(times[False])
    return [Row("save_cost", own, "ms a save", plain, own / plain)]


def _matching(documents: list[dict[str, Any]], events: int) -> float:
    """Return the seconds to match and execute visits of service 0 in this process, rules already compiled."""
    world.empty()
    made, kinds, people = world.clinic(100)
    world.publish(made, documents)
    visits = world.visits(made, kinds[:1], people, events + 100)
    sides.save_in_bulk(visits[:100])
    drain()
    sides.save_in_bulk(visits[100:])
    began = time.monotonic()
    drain()
    taken = time.monotonic() - began
    expected = 10 * len(visits)
    if Task.objects.count() != expected:
        raise AssertionError(f"{Task.objects.count()} effects, not {expected}: the sides do not do the same work.")
    return taken


def drain() -> None:
    """Match and execute until nothing is left."""
    while match_batch() + execute_batch():
        pass


def many_rules(events: int) -> list[Row]:
    """Compare 10,000 rules with 10 where ten match in both, told apart by an equality, then by 50 predicates."""
    few = [world.rule(n, [world.service_is(0)]) for n in range(10)]
    selective = [world.rule(n, [world.service_is(0 if n < 10 else 1 + n % 99)]) for n in range(10_000)]
    times: dict[str, list[float]] = {"few": [], "selective": [], "hostile": []}
    for _ in range(TIMES):
        times["few"].append(_matching(few, events))
        times["selective"].append(_matching(selective, events))
        times["hostile"].append(_matching(hostile(), events))
    usual = median(times["few"])
    return [
        Row(
            "rules_10000_over_10",
            median(times["selective"]),
            f"s for {events} events",
            usual,
            median(times["selective"]) / usual,
        ),
        Row(
            "rules_10000_hostile",
            median(times["hostile"]),
            f"s for {events} events",
            usual,
            median(times["hostile"]) / usual,
        ),
    ]


def hostile() -> list[dict[str, Any]]:
    """Return 10,000 rules under one equality and of 50 predicates (a third numeric, some in any-groups); 10 match."""
    never: list[world.Condition] = [{"field": "patient.age", "op": "gt", "value": 120 + n} for n in range(17)]
    never += [{"field": "patient.language", "op": "is", "value": f"language {n}"} for n in range(17)]
    never += [{"field": "patient.tags", "op": "has_any_of", "value": [f"tag {n}"]} for n in range(16)]
    documents = [world.rule(n, [world.service_is(0)]) for n in range(10)]
    for n in range(10, 10_000):
        one, two = never[n % 50], never[(n * 7 + n // 50 + 1) % 50]
        group = {"field": "group", "match": "any", "items": [one, two]}
        documents.append(world.rule(n, [world.service_is(0), *([group] if n % 5 == 0 else [one, two])]))
    return documents


def poison(events: int) -> list[Row]:
    """Compare the rate of ten good rules beside a rule whose stored JSON is unusable with their rate alone."""
    good = [world.rule(n, [world.service_is(0)]) for n in range(10)]
    alone, beside = [], []
    for _ in range(TIMES):
        alone.append(_poisoned(good, events, poisoned=False))
        beside.append(_poisoned(good, events, poisoned=True))
    own, usual = events / median(beside), events / median(alone)
    return [Row("poison_ratio", own, "events/s", usual, own / usual)]


def _spoil(version: int) -> None:
    """Write into a stored rule, past every check, conditions 1,000 deep and 10 MB where the actions stood."""
    deep = '{"match": "all", "items": [' * 1_000 + "]}" * 1_000
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE automations_ruleversion SET conditions = %s::jsonb, actions = to_jsonb(repeat('y', 10000000))"
            " WHERE id = %s",
            [deep, version],
        )


def _poisoned(documents: list[dict[str, Any]], events: int, *, poisoned: bool) -> float:
    world.empty()
    made, kinds, people = world.clinic(1)
    world.publish(made, [*documents, world.rule(99, [world.service_is(0)])] if poisoned else documents)
    if poisoned:
        _spoil(RuleVersion.objects.order_by("-pk").values_list("pk", flat=True)[0])
    visits = world.visits(made, kinds, people, events)
    began = time.monotonic()
    sides.save_in_bulk(visits)
    drain()
    taken = time.monotonic() - began
    if Task.objects.count() != 10 * events:
        raise AssertionError(f"{Task.objects.count()} effects, not {10 * events}.")
    return taken
