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
from automations.asof import asks_of, condition_asks, config_asks, read_only
from automations.compiled import CompiledRule
from automations.conflicts import blanks_of
from automations.engine.conditions import evaluate
from automations.engine.declare import catalog
from automations.engine.plan import plan
from automations.engine.values import ActionSpec, EventFacts, PlannedStep, Reason, RuleSpec, Verdict
from automations.facts import EventView, read_supposed, snapshot_json
from automations.history import waits
from automations.models import Event, Rule
from automations.modes import HOLDS
from automations.naming import in_english, names_of
from automations.reasons import Voice, why_not
from automations.supposing import accepts, as_if_published, wording_of
from clinic.clock import now
from clinic.errors import ClinicError

MATCHED, SUPPRESSED, NOT_MATCHED = "matched", "suppressed", "not_matched"
NEWEST = 10
"""Rows among which one that the rule is for is looked for."""


@dataclass(frozen=True, slots=True)
class SupposedStep:
    """A step that would be planned, and what its own "only if" says as things stand now (None: it has none).

    `blanks`: why its text could not be made, whoever the patient is.
    """

    planned: PlannedStep
    only_if: Verdict | None
    blanks: tuple[str, ...] = ()

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
            "blanks": list(self.blanks),
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
    row, view = _supposed(spec, patient, subject, at)
    only_ifs = condition_asks(*(action.only_if for action in spec.actions))
    known = read_supposed(patient.pk, view, row.pk if row is not None else None, [*asks_of(spec), *only_ifs])
    facts = EventFacts(spec.trigger, at, ZoneInfo(rule.clinic.time_zone), known)
    verdict = evaluate(spec.conditions, facts)
    where = (kind, row.pk if row is not None else None)
    if not accepts(spec, known):
        text = _("The rule is for other events of this kind only; its settings leave this one out.")
        return DryRun(NOT_MATCHED, Reason("config", text), verdict, (), at, where)
    if verdict.result is not True:
        voice = Voice.about(patient, names_of(rule.clinic_id, [spec], [verdict]), facts.zone)
        return DryRun(NOT_MATCHED, Reason("conditions", why_not(verdict, voice)), verdict, (), at, where)
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
    awaited = Event.objects.filter(subject_type=kind, subject_id=pk or 0, trigger__in=waits([rule]))
    happened = frozenset(
        key
        for key, data in awaited.values_list("trigger", "data")
        if catalog.triggers[key].stops(rule.spec.trigger_config, data)
    )
    planned = plan(
        rule.id,
        rule.spec,
        "supposed",
        facts,
        catalog,
        now=facts.occurred_at,
        anchors=anchors,
        happened=happened,
        appointment_starts_at=begins_at(kind, anchors),
        hold=HOLDS.get(Rule.Mode(rule.mode)),
        named=in_english,
    )
    actions = {action.id: action for action in rule.spec.actions}
    return tuple(_supposed_step(step, actions[step.action_id], facts, patient.clinic_id) for step in planned)


def _supposed_step(step: PlannedStep, action: ActionSpec, facts: EventFacts, clinic_id: int) -> SupposedStep:
    verdict = None if action.only_if is None else evaluate(action.only_if, facts)
    return SupposedStep(step, verdict, tuple(text for _, text in blanks_of(action, clinic_id, facts.trigger)))


class _Unknown(dict[str, Any]):
    """Data of an event that has not happened: what nobody can know of it is unknown."""

    def __missing__(self, key: str) -> None:
        return None


def _supposed(spec: RuleSpec, patient: Any, named: Any, at: datetime) -> tuple[Any, EventView]:
    """Return what the event would be about, and how it would look.

    The named row; else the newest that the settings of the trigger accept, else the newest, else none. What such an
    event carries besides its subject is taken from the last one that there was.
    """
    kind, seen = catalog.triggers[spec.trigger].subject, None
    asks = config_asks(spec.trigger, spec.trigger_config)
    for row in _rows(kind, patient, named):
        view = _view(spec, patient, kind, row, at)
        seen = seen or (row, view)
        if accepts(spec, read_supposed(patient.pk, view, row.pk, asks)):
            return row, view
    return seen or (None, _view(spec, patient, kind, None, at))


def _view(spec: RuleSpec, patient: Any, kind: str, row: Any, at: datetime) -> EventView:
    events = Event.objects.filter(patient_id=patient.pk, trigger=spec.trigger).order_by("-pk")
    about = events.filter(subject_type=kind, subject_id=row.pk).first() if row is not None else None
    last = about or events.first()
    carried = {key: value for key, value in (last.data if last else {}).items() if key not in ("new", "old")}
    given = catalog.triggers[spec.trigger].data_for_existing(spec.trigger_config)
    view = EventView(kind, at, _Unknown({**given, **carried, "new": _snapshot(row) if row is not None else {}}))
    view.new = _Unknown(view.new)
    return view


def _rows(kind: str, patient: Any, named: Any) -> list[Any]:
    """Return the rows that the event may be about, newest first. Raises ClinicError for a named one that is not."""
    if kind == "patient":
        return [patient]
    model = apps.get_model(catalog.subjects[kind].model)
    rows = model._default_manager.filter(clinic_id=patient.clinic_id, patient_id=patient.pk).order_by("-pk")
    if named in (None, ""):
        return list(rows[:NEWEST])
    text = str(named)
    row = rows.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 19 else None
    if row is None:
        label = catalog.subjects[kind].label
        message = _("This patient has no %(kind)s with the id %(id)s.") % {"kind": label, "id": text[:40]}
        raise ClinicError(message, code="not_found", path="subject")
    return [row]


def _snapshot(row: Any) -> dict[str, Any]:
    """Return what an event about the row would keep of it."""
    names = getattr(row, "snapshot", None)
    names = row.watched if names is None else names
    return snapshot_json({name: row._meta.get_field(name).to_python(getattr(row, name)) for name in names})
