"""What a rule would do for a patient if its event happened at a chosen moment. Nothing is written or sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from automations import suppression
from automations.anchors import begins_at, read_anchors
from automations.asof import asks_of, condition_asks, read_only
from automations.compiled import CompiledRule
from automations.engine.conditions import evaluate
from automations.engine.declare import catalog
from automations.engine.plan import plan
from automations.engine.values import EventFacts, PlannedStep, Reason, RuleSpec, Verdict
from automations.facts import EventView, read_supposed, snapshot_json
from automations.models import Event, Rule
from automations.modes import HOLDS
from automations.supposing import accepts, as_if_published, wording_of
from clinic.clock import now
from clinic.errors import ClinicError

MATCHED, SUPPRESSED, NOT_MATCHED = "matched", "suppressed", "not_matched"


@dataclass(frozen=True, slots=True)
class SupposedStep:
    """A step that would be planned, and what its own "only if" says as things stand now (None: it has none)."""

    planned: PlannedStep
    only_if: Verdict | None

    def as_json(self) -> dict[str, Any]:
        """Give the step as the API shows it."""
        one = self.planned
        return {
            "action": {"id": one.action_id, "type": one.action},
            "state": one.state,
            "due_at": one.due_at,
            "not_after": one.not_after,
            "waiting_for": one.waiting_for,
            "reason": {"code": one.reason_code, "text": one.reason_text} if one.reason_code else None,
            "only_if": self.only_if.as_json() if self.only_if else None,
        }


@dataclass(frozen=True, slots=True)
class DryRun:
    """The answer. `subject` is (kind, id) of what the event was supposed to be about; no id: the patient has none."""

    outcome: str
    reason: Reason | None
    verdict: Verdict
    steps: tuple[SupposedStep, ...]
    at: datetime
    subject: tuple[str, int | None]

    def as_json(self) -> dict[str, Any]:
        """Give the answer as the API shows it."""
        kind, pk = self.subject
        return {
            "outcome": self.outcome,
            "reason": {"code": self.reason.code, "text": self.reason.text} if self.reason else None,
            "verdict": self.verdict.as_json(),
            "steps": [step.as_json() for step in self.steps],
            "at": self.at,
            "subject": {"type": kind, "id": None if pk is None else str(pk)},
        }


def dry_run(
    rule: Rule, patient: Any, *, subject: Any = None, at: datetime | None = None, spec: RuleSpec | None = None
) -> DryRun:
    """Suppose that the rule's event happens to the patient at `at` (now), about `subject` (id; else the newest one).

    The draft is asked, unless `spec` gives another wording. Raises ClinicError for a patient of another clinic or a
    subject that the patient has not, RuleInvalid for a draft that is no rule.
    """
    require(rule.clinic)
    if patient.clinic_id != rule.clinic_id:
        raise ClinicError(_("This patient is not one of the rule's clinic."), code="not_found", path="patient")
    spec = spec or wording_of(rule)
    with read_only():
        found = _suppose(rule, patient, subject, at or now(), spec)
    audit.record("rule.tried", obj=rule, patient_id=patient.pk, detail={"outcome": found.outcome})
    return found


def _suppose(rule: Rule, patient: Any, subject: Any, at: datetime, spec: RuleSpec) -> DryRun:
    kind = catalog.triggers[spec.trigger].subject
    row = _subject(kind, patient, subject)
    view = EventView(kind, at, {"new": _snapshot(row)} if row is not None else {})
    only_ifs = condition_asks(*(action.only_if for action in spec.actions))
    known = read_supposed(patient.pk, view, row.pk if row is not None else None, [*asks_of(spec), *only_ifs])
    facts = EventFacts(spec.trigger, at, ZoneInfo(rule.clinic.time_zone), known)
    verdict = evaluate(spec.conditions, facts)
    where = (kind, row.pk if row is not None else None)
    if not accepts(spec, known):
        text = _("The rule is for other events of this kind only; its settings leave this one out.")
        return DryRun(NOT_MATCHED, Reason("config", text), verdict, (), at, where)
    if verdict.result is not True:
        return DryRun(NOT_MATCHED, Reason("conditions", _("Its conditions do not hold.")), verdict, (), at, where)
    compiled = as_if_published(rule, spec)
    refusal = _refusal(compiled, patient, at)
    if refusal is not None:
        return DryRun(SUPPRESSED, refusal, verdict, (), at, where)
    return DryRun(MATCHED, None, verdict, _steps(compiled, patient, facts, where), at, where)


def _refusal(rule: CompiledRule, patient: Any, at: datetime) -> Reason | None:
    event = Event(clinic_id=patient.clinic_id, patient_id=patient.pk, trigger=rule.spec.trigger, occurred_at=at)
    return suppression.refusals([(event, rule)], at).get(0)


def _steps(
    rule: CompiledRule, patient: Any, facts: EventFacts, where: tuple[str, int | None]
) -> tuple[SupposedStep, ...]:
    kind, pk = where
    anchors = read_anchors([(kind, pk)] if pk is not None else []).get((kind, pk or 0), {})
    happened = Event.objects.filter(subject_type=kind, subject_id=pk or 0).values_list("trigger", flat=True)
    planned = plan(
        rule.id,
        rule.spec,
        "supposed",
        facts,
        catalog,
        now=facts.occurred_at,
        anchors=anchors,
        happened=frozenset(happened),
        appointment_starts_at=begins_at(kind, anchors),
        hold=HOLDS.get(Rule.Mode(rule.mode)),
    )
    only_ifs = {action.id: action.only_if for action in rule.spec.actions}
    steps = []
    for step in planned:
        asked = only_ifs[step.action_id]
        steps.append(SupposedStep(step, None if asked is None else evaluate(asked, facts)))
    return tuple(steps)


def _subject(kind: str, patient: Any, named: Any) -> Any:
    """Return the row that the event would be about: the named one, or the patient's newest; None if there is none."""
    if kind == "patient":
        return patient
    model = apps.get_model(catalog.subjects[kind].model)
    rows = model._default_manager.filter(clinic_id=patient.clinic_id, patient_id=patient.pk).order_by("-pk")
    if named in (None, ""):
        return rows.first()
    text = str(named)
    row = rows.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 19 else None
    if row is None:
        label = catalog.subjects[kind].label
        message = _("This patient has no %(kind)s with the id %(id)s.") % {"kind": label, "id": text[:40]}
        raise ClinicError(message, code="not_found", path="subject")
    return row


def _snapshot(row: Any) -> dict[str, Any]:
    """Return what an event about the row would keep of it."""
    names = getattr(row, "snapshot", None)
    names = row.watched if names is None else names
    return snapshot_json({name: row._meta.get_field(name).to_python(getattr(row, name)) for name in names})
