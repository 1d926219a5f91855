"""The few sentences of an explanation: what happened last, and what stands in the way now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from automations.engine.declare import catalog
from automations.models import Rule, Run, Step
from automations.pauses import paused
from automations.seen import moment

if TYPE_CHECKING:
    from automations.explain import Explained

MODES: dict[str, Any] = {
    Rule.Mode.DRAFT: gettext_lazy("The rule is a draft: nothing starts it until it is published."),
    Rule.Mode.REVIEW: gettext_lazy("The rule is in review: a person approves each of its steps."),
    Rule.Mode.PAUSED: gettext_lazy("The rule is paused: what it plans is held."),
    Rule.Mode.QUARANTINED: gettext_lazy("The rule is in quarantine: it is out of service until it is published again."),
    Rule.Mode.ARCHIVED: gettext_lazy("The rule is archived: nothing starts it."),
}
PAUSES: dict[str, Any] = {
    "clinic": gettext_lazy("All automations of the clinic are stopped at the moment; what is planned waits."),
    "rule": gettext_lazy("This rule is stopped at the moment; what is planned waits."),
    "patient": gettext_lazy("Automations are stopped for this patient; what is planned waits."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell."""

    rule: Rule
    patient: Any
    trigger: str
    zone: ZoneInfo
    events: tuple[Explained, ...]


def tell(told: Told) -> str:
    """Say it: the newest event that counts first, then what is true of rule and patient whatever happened."""
    sentences = [_newest(told.events[0], told) if told.events else _nothing(told)]
    never = any(one.reason is not None and one.reason.code == "draft" for one in told.events)
    if told.rule.mode in MODES and not never:
        sentences.append(str(MODES[told.rule.mode]))
    sentences += _stopped(told)
    return " ".join(one for one in sentences if one)


def _nothing(told: Told) -> str:
    label = _label(told.trigger)
    if not label:
        return _("The rule says nowhere what starts it.")
    return _("It did not run: “%(trigger)s” has never been recorded for %(patient)s.") % {
        "trigger": label,
        "patient": told.patient,
    }


def _label(trigger: str) -> str:
    declared = catalog.triggers.get(trigger)
    return str(declared.label) if declared else trigger


def _newest(one: Explained, told: Told) -> str:
    said = str(SAID[one.outcome])
    when = {"trigger": _label(one.event.trigger), "at": moment(one.event.occurred_at, told.zone)}
    return " ".join(part for part in (said % when, _why(one), _steps(one, told)) if part)


def _why(one: Explained) -> str:
    return one.reason.text if one.reason is not None else ""


SAID: dict[str, Any] = {
    Run.Outcome.MATCHED: gettext_lazy("It ran on %(at)s, when “%(trigger)s” happened."),
    Run.Outcome.SUPPRESSED: gettext_lazy("It was kept from running on %(at)s, when “%(trigger)s” happened."),
    Run.Outcome.ERROR: gettext_lazy("It could not be asked on %(at)s, when “%(trigger)s” happened."),
    "not_matched": gettext_lazy("It did not run on %(at)s, when “%(trigger)s” happened."),
    "not_considered": gettext_lazy("It did not run on %(at)s, when “%(trigger)s” happened."),
}


def _steps(one: Explained, told: Told) -> str:
    """Say what became of the steps of a run, those that did not act with the reason."""
    said = []
    counts: dict[str, int] = {}
    for step in one.steps:
        counts[step.state] = counts.get(step.state, 0) + 1
    for state, count in counts.items():
        label = Step.State(state).label
        said.append(
            ngettext("%(count)s step is %(state)s", "%(count)s steps are %(state)s", count)
            % {
                "count": count,
                "state": label,
            }
        )
    text = (", ".join(said) + ".") if said else ""
    reasons = []
    for step in one.steps:
        if step.reason and step.state != Step.State.DONE:
            action = catalog.actions.get(step.action)
            name = str(action.label) if action else step.action
            reasons.append(_("%(action)s: %(reason)s") % {"action": name, "reason": step.reason_text or step.reason})
    return " ".join([text, *reasons, *_lost(one)]).strip()


def _lost(one: Explained) -> list[str]:
    """Say of which steps that are done something did not leave, and why."""
    said = []
    done = [step for step in one.steps if step.state == Step.State.DONE and step.action in catalog.actions]
    for key in dict.fromkeys(step.action for step in done):
        action = catalog.actions[key]
        lost = action.lost([step.pk for step in done if step.action == key])
        for why in lost.values():
            said.append(_("%(action)s: its message did not leave. %(why)s") % {"action": action.label, "why": why})
    return said


def _stopped(told: Told) -> list[str]:
    """Say which stop switches stand over the rule or the patient."""
    standing = paused([told.rule.clinic_id])
    mine = [("clinic", told.rule.clinic_id), ("rule", told.rule.pk), ("patient", told.patient.pk)]
    said = [str(PAUSES[scope]) for scope, pk in mine if (scope, pk) in standing]
    if not told.patient.is_active:
        said.append(_("The patient is not in care here any more, so nothing acts on it."))
    return said
