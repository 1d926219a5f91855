"""Every watched model, every write path: each transition is one event a trigger, and nothing else is one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from automations.engine.declare import catalog
from automations.models import Event
from automations.tests.builders import move, visit
from automations.tests.transitions import LATER, TRANSITIONS, Records
from automations.tests.writing import CHANGES, CREATIONS, MODELS, MOVES, create_by_bulk_create, create_by_save, new_rows
from clinic.changes import origin

pytestmark = pytest.mark.django_db


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
    rows = new_rows(records, model, transition, count)

    write(rows)

    expected = sorted((trigger, 1) for trigger in transition.fires for _ in range(count))
    assert events() == expected
    values = records.resolved(model, transition.after)
    for again in CHANGES:
        again(model.objects.get(pk=rows[0].pk), values or {"revision": 1})  # a field that nobody watches
    assert events() == expected


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
