"""Every watched model, every write path: each transition is one event a trigger, and nothing else is one."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import DateTimeField, UniqueConstraint

from automations import ticking
from automations.engine.declare import catalog
from automations.engine.timing import anchor_moment
from automations.models import Event, Run, Step
from automations.tests.builders import move, published, visit
from automations.tests.transitions import LATER, TRANSITIONS, Records, Transition
from clinic import clock
from clinic.changes import origin, silently
from clinic.db import WatchedModel
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, make_template
from treatments.tests.builders import make_plan

pytestmark = pytest.mark.django_db

MODELS = {m._meta.label: m for m in apps.get_models() if issubclass(m, WatchedModel)}
CREATIONS = [(label, one) for label, known in TRANSITIONS.items() for one in known if one.before is None]
MOVES = [(label, one) for label, known in TRANSITIONS.items() for one in known if one.before is not None]


# --- nobody has to remember ---


@pytest.mark.parametrize("label", MODELS)
def test_every_watched_model_has_known_transitions_of_every_watched_field(label):
    known = TRANSITIONS.get(label, ())
    assert any(one.before is None for one in known), f"{label}: say in transitions.py what its creation fires."
    changed = {name for one in known if one.before is not None for name in one.after}
    assert changed >= set(MODELS[label].watched), f"{label}: say in transitions.py what each watched field fires."


def test_every_declared_trigger_that_watches_a_model_is_in_the_walk():
    watching = {key: trigger.model for key, trigger in catalog.triggers.items() if trigger.model}
    assert set(watching.values()) <= set(MODELS)
    fired = {key for known in TRANSITIONS.values() for one in known for key in one.fires}
    assert set(watching) == fired


def test_the_walk_names_no_model_that_is_gone():
    assert set(TRANSITIONS) == set(MODELS)


# --- the write paths ---


def by_save(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def by_save_of_some_fields(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def by_bulk_update(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    type(row).objects.bulk_update([row], [row._meta.get_field(name).name for name in values])


def by_update(row: Any, values: dict[str, Any]) -> None:
    type(row).objects.filter(pk=row.pk).update(**values)


CHANGES = [by_save, by_save_of_some_fields, by_bulk_update, by_update]


def create_by_save(rows: list[Any]) -> None:
    for row in rows:
        row.save()


def create_by_bulk_create(rows: list[Any]) -> None:
    type(rows[0]).objects.bulk_create(rows)


def events() -> list[tuple[str, int]]:
    """Return (trigger, revision) of all events that there are, in the order of the triggers' names."""
    return sorted(Event.objects.values_list("trigger", "revision"))


@pytest.mark.parametrize("write", CHANGES, ids=lambda write: write.__name__)
@pytest.mark.parametrize(("label", "transition"), MOVES, ids=str)
def test_a_transition_is_one_event_a_trigger_and_saving_again_is_none(clinic, label, transition, write):
    model, records = MODELS[label], Records(clinic)
    row = records.stored(model, **transition.before)
    values = records.resolved(model, transition.after)

    write(row, values)

    expected = sorted((trigger, 2) for trigger in transition.fires)
    assert events() == expected
    fresh = model.objects.get(pk=row.pk)
    assert fresh.revision == 2
    assert {name: getattr(fresh, name) for name in values} == values

    for again in CHANGES:
        again(model.objects.get(pk=row.pk), values)
    assert events() == expected
    assert model.objects.get(pk=row.pk).revision == 2


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("write", [create_by_save, create_by_bulk_create], ids=lambda write: write.__name__)
@pytest.mark.parametrize(("label", "transition"), CREATIONS, ids=str)
def test_a_creation_is_one_event_a_trigger_and_row(clinic, label, transition, write, count):
    model, records = MODELS[label], Records(clinic)
    rows = _new_rows(records, model, transition, count)

    write(rows)

    expected = sorted((trigger, 1) for trigger in transition.fires for _ in range(count))
    assert events() == expected
    values = records.resolved(model, transition.after)
    for again in CHANGES:
        again(model.objects.get(pk=rows[0].pk), values or {"revision": 1})  # a field that nobody watches
    assert events() == expected


def _new_rows(records: Records, model: Any, transition: Transition, count: int) -> list[Any]:
    rows = [records.new(model, **transition.after) for _ in range(count)]
    for row, parent in product(rows, _parents_of_one(model)):
        setattr(row, parent.name, records.stored(parent.related_model))
    return rows


def _parents_of_one(model: Any) -> list[Any]:
    """Return the relations of which the database takes one row each (one summary a visit)."""
    unique = {name for one in model._meta.constraints if isinstance(one, UniqueConstraint) for name in one.fields}
    found = [field for field in model._meta.concrete_fields if field.is_relation and field.name != "clinic"]
    return [field for field in found if field.unique or (field.name in unique and not field.null)]


@pytest.mark.parametrize("path", ["bulk_update", "update"])
def test_many_rows_of_many_patients_in_one_write_are_one_event_each(clinic, path):
    records, model = Records(clinic), MODELS["appointments.Appointment"]
    patients = [records.stored(MODELS["patients.Patient"]) for _ in range(4)]
    rows = [records.stored(model, patient=patient) for patient in patients for _ in range(3)]
    settled = records.stored(model, status="cancelled", patient=patients[0])
    rows.append(settled)
    if path == "update":
        assert model.objects.filter(pk__in=[row.pk for row in rows]).update(status="cancelled") == 13
    else:
        for row in rows:
            row.status = "cancelled"
        assert model.objects.bulk_update(rows, ["status"]) == 13
    fired = Event.objects.order_by("subject_id").values_list("trigger", "subject_id", "patient_id")
    assert list(fired) == [("appointment.cancelled", row.pk, row.patient_id) for row in rows if row is not settled]


# --- what an event carries ---


def test_an_event_says_who_when_whence_and_what_changed(clinic, patient):
    booked = visit(patient)
    with origin("session"):
        move(booked, status="confirmed", location="Behind the red door")
    event = Event.objects.get(trigger="appointment.confirmed")
    assert (event.clinic_id, event.patient_id, event.subject_type, event.subject_id) == (
        clinic.pk,
        patient.pk,
        "appointment",
        booked.pk,
    )
    assert (event.origin, event.muted, event.depth, event.caused_by_id, event.state) == ("session", "", 0, None, "new")
    assert event.data["old"] == {"status": "booked"}
    assert event.data["new"]["status"] == "confirmed"
    assert "red door" not in str(event.data)
    assert abs(event.occurred_at - event.created_at) < timedelta(seconds=5)


def test_what_happened_earlier_keeps_its_own_moment(patient):
    booked = visit(patient)
    booked.status, booked.occurred_at_hint = "completed", LATER - timedelta(days=400)
    booked.save()
    assert Event.objects.get(trigger="appointment.completed").occurred_at == LATER - timedelta(days=400)


def test_a_write_that_is_rolled_back_leaves_no_event(patient):
    booked = visit(patient)
    with transaction.atomic():
        move(booked, status="cancelled")
        assert Event.objects.filter(trigger="appointment.cancelled").exists()
        transaction.set_rollback(True)
    assert not Event.objects.filter(trigger="appointment.cancelled").exists()


# --- silently ---


def a_step(row: Any, subject: tuple[str, int], patient_id: int, **values: Any) -> Step:
    """Store a pending step about a subject, as an earlier match left it."""
    rule = published(row.clinic, name="Earlier")
    event = Event.objects.create(
        clinic=row.clinic,
        trigger="manual",
        patient_id=patient_id,
        subject_type=subject[0],
        subject_id=subject[1],
        revision=0,
        occurred_at=clock.now(),
        origin="system",
        state="matched",
    )
    run = Run.objects.create(
        clinic=row.clinic, event=event, rule=rule, version=rule.published, patient_id=patient_id, outcome="matched"
    )
    given = {"action_id": "a1", "action": "jot", "due_at": clock.now() + timedelta(days=1), "key": f"k{event.pk}"}
    return Step.objects.create(
        clinic=row.clinic,
        run=run,
        rule=rule,
        patient_id=patient_id,
        subject_type=subject[0],
        subject_id=subject[1],
        **{**given, **values},
    )


@pytest.mark.parametrize("write", CHANGES, ids=lambda write: write.__name__)
@pytest.mark.parametrize(("label", "transition"), [one for one in MOVES if one[1].fires], ids=str)
def test_a_silent_transition_starts_nothing_and_stops_all_the_same(clinic, label, transition, write):
    model, records = MODELS[label], Records(clinic)
    row = records.stored(model, **transition.before)
    trigger = catalog.triggers[transition.fires[0]]
    subject = (trigger.subject, _subject_id(trigger, row))
    stopped = a_step(row, subject, row.patient_key(), stop_on=[f"{trigger.key}:subject"])
    of_patient = a_step(row, ("other", 7), row.patient_key(), stop_on=[f"{trigger.key}:patient"])
    untouched = a_step(row, (subject[0], subject[1] + 1_000), row.patient_key(), stop_on=[f"{trigger.key}:subject"])

    with silently("import"):
        write(row, records.resolved(model, transition.after))

    assert not Event.objects.filter(state="new").exists()
    told = Event.objects.exclude(trigger="manual").order_by("trigger")
    assert [(e.trigger, e.muted) for e in told] == [(trigger, "import") for trigger in sorted(transition.fires)]
    states = [Step.objects.get(pk=step.pk) for step in (stopped, of_patient, untouched)]
    assert [(s.state, s.reason) for s in states] == [
        ("cancelled", "stopped"),
        ("cancelled", "stopped"),
        ("pending", ""),
    ]


@pytest.mark.parametrize("write", [create_by_save, create_by_bulk_create], ids=lambda write: write.__name__)
@pytest.mark.parametrize(("label", "transition"), CREATIONS, ids=str)
def test_a_silent_creation_records_nothing(clinic, label, transition, write):
    rows = _new_rows(Records(clinic), MODELS[label], transition, 2)
    with silently("import"):
        write(rows)
    assert not Event.objects.exists()


def _subject_id(trigger: Any, row: Any) -> int:
    """Return the id of what the trigger's events are about: the row, or the record that it is of."""
    wanted = catalog.subjects[trigger.subject].model
    if trigger.model == wanted:
        return int(row.pk)
    relations = [field for field in row._meta.concrete_fields if field.is_relation]
    return int(next(getattr(row, one.attname) for one in relations if one.related_model._meta.label == wanted))


RELATIVE = {"mode": "relative", "amount": 2, "unit": "days", "direction": "after"}


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("write", CHANGES, ids=lambda write: write.__name__)
@pytest.mark.parametrize("anchor", catalog.anchors)
def test_moving_an_anchor_moves_the_step_on_every_path_silently_or_not(clinic, patient, anchor, write, quiet):
    row = ANCHORED[anchor](clinic, patient, anchor)
    step = Step.objects.get(anchor=anchor)
    new: Any = clock.now().replace(microsecond=0) + timedelta(days=40)
    if not isinstance(row._meta.get_field(catalog.anchors[anchor].field), DateTimeField):
        new = new.date()
    events_before = Event.objects.count()
    if quiet:
        with silently("import"):
            write(row, {catalog.anchors[anchor].field: new})
        assert not Event.objects.filter(pk__gt=events_before, state="new").exists()
    else:
        write(row, {catalog.anchors[anchor].field: new})
    step.refresh_from_db()
    assert (step.state, step.epoch) == ("pending", 0)
    moved_to = anchor_moment(new, ZoneInfo(clinic.time_zone))
    assert abs(step.due_at - (moved_to + timedelta(days=2))) <= timedelta(hours=1)  # a clock change may lie between


def _anchored_visit(clinic: Any, patient: Any, anchor: str) -> Any:
    published(clinic, "appointment.booked", {"type": "jot", "title": "x", "timing": {**RELATIVE, "anchor": anchor}})
    row = visit(patient, starts_at=clock.now() + timedelta(days=9))
    ticking.drain_engine()
    return type(row).objects.get(pk=row.pk)


def _anchored_form(clinic: Any, patient: Any, anchor: str) -> Any:
    published(clinic, "form.signed", {"type": "jot", "title": "x", "timing": {**RELATIVE, "anchor": anchor}})
    request = ask(patient, make_template(clinic), due_at=clock.now() + timedelta(days=9))
    request.status = "signed"
    request.save()
    ticking.drain_engine()
    return FormRequest.objects.get(pk=request.pk)


def _anchored_plan(clinic: Any, patient: Any, anchor: str) -> Any:
    published(clinic, "treatment.assigned", {"type": "jot", "title": "x", "timing": {**RELATIVE, "anchor": anchor}})
    row = make_plan(patient, ends_on=clock.now().date() + timedelta(days=9))
    ticking.drain_engine()
    return type(row).objects.get(pk=row.pk)


ANCHORED = {
    "appointment.starts_at": _anchored_visit,
    "form.due_at": _anchored_form,
    "plan.ends_on": _anchored_plan,
}


def test_every_anchor_is_in_the_walk():
    assert set(ANCHORED) == set(catalog.anchors)
