"""Read declared facts for a batch: one query for all that the database computes, one a kind of reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, cast

from django.apps import apps

from automations.context import ReadContext
from automations.engine.declare import Fact, FactType, catalog
from automations.engine.values import fact_key, old_key
from automations.models import Event
from automations.prepared import Ask, expressions_of, of_events, of_patients


def to_json(value: Any) -> Any:
    """Bring a value read from a row or a query to the JSON form that the engine compares."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    return value


@dataclass(slots=True)
class EventView:
    """The subject of an event as it was then, with the types of its fields."""

    subject_type: str
    occurred_at: datetime
    data: Mapping[str, Any]
    new: dict[str, Any] = field(init=False)
    old: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.new = self._typed(self.data.get("new", {}))
        self.old = self._typed(self.data.get("old", {}))

    def _typed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        converters = _converters(self.subject_type)
        return {name: converters[name](value) if name in converters else value for name, value in values.items()}


@cache
def _converters(subject_type: str) -> dict[str, Any]:
    model = apps.get_model(catalog.subjects[subject_type].model)
    return {f.attname: f.to_python for f in model._meta.concrete_fields}


def snapshot_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a snapshot to JSON; `EventView` brings it back."""
    return {name: value if isinstance(value, list) else to_json(value) for name, value in values.items()}


def plain_asks(trigger: str) -> list[Ask]:
    """Return every fact without required parameters that an event of this trigger offers."""
    return [(key, {}) for key, fact in catalog.facts_for(trigger).items() if not any(p.required for p in fact.params)]


def read_events(events: Sequence[Event], asks: Mapping[int, Sequence[Ask]]) -> dict[int, dict[str, Any]]:
    """Read the asked facts of each event: the subject as captured, the patient now, with the clock at `occurred_at`.

    `asks` maps an event's id to what is wanted of it; events of which the same is wanted are read together. Returns
    the facts by event id and fact key.
    """
    found: dict[int, dict[str, Any]] = {event.pk: {} for event in events}
    same: dict[int, tuple[str, ...]] = {}  # the lists are shared by many events: each is looked at once
    groups: dict[tuple[str, ...], tuple[Sequence[Ask], list[Event]]] = {}
    for event in events:
        wanted = asks[event.pk]
        if (known := same.get(id(wanted))) is None:
            known = same[id(wanted)] = tuple(fact_key(key, params) for key, params in wanted)
        groups.setdefault(known, (wanted, []))[1].append(event)
    for wanted, members in groups.values():
        _read_group(wanted, members, found)
    return found


def _read_group(wanted: Sequence[Ask], events: list[Event], found: dict[int, dict[str, Any]]) -> None:
    from_row = [(key, params) for key, params in wanted if catalog.facts[key].value is not None]
    from_query = [(key, params) for key, params in wanted if catalog.facts[key].expression is not None]
    if from_query:
        rows = of_events(from_query).ask([event.pk for event in events], None)
        for pk, values in _values(rows, from_query).items():
            found[pk].update(values)
    if from_row:
        views = {event.pk: EventView(event.subject_type, event.occurred_at, event.data) for event in events}
        _read_views(views, from_row, found)


def _read_views(views: Mapping[int, EventView], asks: Sequence[Ask], found: dict[int, dict[str, Any]]) -> None:
    for key, params in asks:
        fact = catalog.facts[key]
        read = partial(cast(Any, fact.value), **params)
        if fact.family:
            for pk, view in views.items():
                found[pk].update({f"{key.removesuffix('*')}{name}": value for name, value in read(view).items()})
            continue
        _add(found, fact_key(key, params), fact, {pk: read(view) for pk, view in views.items()})
        if fact.change:
            olds = {pk: _old(fact, view) for pk, view in views.items()}
            _add(found, old_key(fact_key(key, params)), fact, {pk: v for pk, v in olds.items() if v is not _NONE})


_NONE = object()


def _old(fact: Fact, view: EventView) -> Any:
    """Return the fact's value before the change, or _NONE if the event does not carry it."""
    if not view.old or fact.value is None:
        return _NONE
    before = EventView(view.subject_type, view.occurred_at, {"new": {**view.data.get("new", {}), **view.data["old"]}})
    return fact.value(before)


def _add(found: dict[int, dict[str, Any]], key: str, fact: Fact, values: Mapping[int, Any]) -> None:
    """Store values read from rows, turning the primary keys of references into slugs."""
    if fact.reference is not None:
        slugs = _slugs(fact.reference, {v for v in values.values() if v is not None})
        values = {pk: slugs.get(value) for pk, value in values.items()}
    for pk, value in values.items():
        found[pk][key] = to_json(value)


def _slugs(kind: str, keys: set[Any]) -> dict[Any, str]:
    if not keys:
        return {}
    model = apps.get_model(catalog.references[kind].model)
    return dict(model._default_manager.filter(pk__in=keys).values_list("pk", "slug"))


def read_patients(patients: Sequence[int], asks: Iterable[Ask], moment: datetime) -> dict[int, dict[str, Any]]:
    """Read patient facts as of one moment; facts of a subject are left out (they stay what the event says)."""
    wanted = [(key, params) for key, params in asks if catalog.facts[key].subject == "patient"]
    if not wanted:
        return {pk: {} for pk in patients}
    return _values(of_patients(wanted).ask(patients, moment), wanted)


def read_supposed(patient_id: int, view: EventView, subject_id: int | None, asks: Sequence[Ask]) -> dict[str, Any]:
    """Read the facts of an event that has not happened: the subject as `view` has it, the patient as of its moment.

    Without a subject, what is asked of one is left out: unknown.
    """
    found: dict[int, dict[str, Any]] = {patient_id: {}}
    facts = catalog.facts
    from_query = [
        (key, params)
        for key, params in asks
        if facts[key].expression is not None and (subject_id is not None or facts[key].subject == "patient")
    ]
    if from_query:
        base = apps.get_model("patients", "Patient").objects.filter(pk=patient_id).order_by()
        columns = expressions_of(ReadContext.for_patients(view.occurred_at, subject_id), from_query)
        found |= _values(base.annotate(**columns).values_list("pk", *columns), from_query)
    if subject_id is not None:
        _read_views({patient_id: view}, [one for one in asks if facts[one[0]].value is not None], found)
    return found[patient_id]


def _values(rows: Iterable[Sequence[Any]], asks: Sequence[Ask]) -> dict[int, dict[str, Any]]:
    """Name the columns that follow a row's key, as JSON values."""
    # What a fact of type any holds is JSON already, and stays as it is.
    read = [(fact_key(key, params), catalog.facts[key].type is FactType.any) for key, params in asks]
    return {
        row[0]: {key: value if raw else to_json(value) for (key, raw), value in zip(read, row[1:], strict=True)}
        for row in rows
    }
