"""Steps for the tests of actions: real rows, as the executor hands them over."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from django.apps import apps

from automations.engine.values import StepContext
from clinic import clock
from patients.models import Patient

_numbers = count(1)


def make_step(action: str, patient: Patient, *, role: str = "patient", **changes: Any) -> StepContext:
    """Store a run with one due step and return its context; `params` and other fields of StepContext may be given."""
    model = apps.get_model
    moment, number, clinic = clock.now(), next(_numbers), patient.clinic
    rule, _made = model("automations.Rule").objects.get_or_create(clinic=clinic, slug="rule", defaults={"name": "Rule"})
    event = model("automations.Event").objects.create(
        clinic=clinic,
        trigger="manual",
        patient=patient,
        subject_type="patient",
        subject_id=patient.pk,
        revision=number,
        occurred_at=moment,
        origin="system",
    )
    runs, about = model("automations.Run").objects, {"subject_type": "patient", "subject_id": patient.pk}
    run = runs.create(clinic=clinic, event=event, rule=rule, patient=patient, outcome="matched")
    step = model("automations.Step").objects.create(
        clinic=clinic,
        run=run,
        rule=rule,
        patient=patient,
        **about,
        action_id="a1",
        action=action,
        role=role,
        due_at=moment,
        key=f"test-{number}",
    )
    given = {
        "id": step.pk,
        "clinic_id": clinic.pk,
        "patient_id": patient.pk,
        **about,
        "event_id": event.pk,
        "trigger": event.trigger,
        "occurred_at": moment,
        "rule_id": rule.pk,
        "rule_name": rule.name,
        "action_id": "a1",
        "action": action,
        "params": {},
        "role": role,
        "due_at": moment,
        "now": moment,
        "zone": clinic.time_zone,
        "not_before": moment,
        "not_after": moment + timedelta(hours=72),
    }
    return StepContext(**(given | changes))
