"""What is written silently starts nothing, stops all the same, and moves the steps that hang on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import DateTimeField

from automations import ticking
from automations.engine.declare import catalog
from automations.engine.timing import anchor_moment
from automations.models import Event, Run, Step
from automations.tests.builders import published, visit
from automations.tests.transitions import Records
from automations.tests.writing import CHANGES, CREATIONS, MODELS, MOVES, create_by_bulk_create, create_by_save, new_rows
from clinic import clock
from clinic.changes import silently
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, make_template
from treatments.tests.builders import make_plan

pytestmark = pytest.mark.django_db


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
    rows = new_rows(Records(clinic), MODELS[label], transition, 2)
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
