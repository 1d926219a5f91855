"""Steps that are due, for tests of what they do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from automations.engine.values import StepContext
from automations.models import Event, Rule, Run, Step

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def due_step(
    patient: Any, action: str, params: dict[str, Any], *, role: str = "", now: datetime = NOON, rule: str = "rule"
) -> StepContext:
    """Store a rule, an event, a run and a step, and return what its action gets to see."""
    step = _stored(patient, action, params, role, now, rule)
    return StepContext(
        id=step.pk,
        clinic_id=step.clinic_id,
        patient_id=patient.pk,
        subject_type="patient",
        subject_id=patient.pk,
        event_id=step.run.event_id,
        trigger=step.run.event.trigger,
        occurred_at=now,
        rule_id=step.rule_id,
        rule_name=step.rule.name,
        action_id="a1",
        action=action,
        params=params,
        role=role,
        due_at=now,
        now=now,
        zone=patient.clinic.time_zone,
    )


def _stored(patient: Any, action: str, params: dict[str, Any], role: str, now: datetime, rule: str) -> Step:
    clinic = patient.clinic
    number = Step.objects.count()
    of_rule, _created = Rule.objects.get_or_create(clinic=clinic, slug=rule, defaults={"name": "Rule"})
    event = Event.objects.create(
        clinic=clinic,
        trigger="patient.onboarded",
        patient=patient,
        subject_type="patient",
        subject_id=patient.pk,
        revision=1000 + number,
        occurred_at=now,
        origin="system",
        state="matched",
    )
    run = Run.objects.create(clinic=clinic, event=event, rule=of_rule, patient=patient, outcome="matched")
    return Step.objects.create(
        clinic=clinic,
        run=run,
        rule=of_rule,
        patient=patient,
        subject_type="patient",
        subject_id=patient.pk,
        action_id="a1",
        action=action,
        config=params,
        role=role,
        due_at=now,
        key=f"test-{event.pk}",
    )
