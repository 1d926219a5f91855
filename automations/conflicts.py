"""What a person should know before a rule is published: how it may get in its own way, or in that of others.

Each check is a function of one look at the rule; none refuses anything. They err towards silence: what is said is so
by the rules' own wordings, whoever the patients are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.compiled import active_slugs, spec_of
from automations.engine.declare import Blank, catalog, meets
from automations.engine.possible import can_hold
from automations.engine.values import ActionSpec, Condition, Group, Relative, RuleSpec, WaitFor
from automations.models import Rule
from automations.naming import names_of
from automations.suppression import MAX_DEPTH


@dataclass(frozen=True, slots=True)
class Conflict:
    """One warning: a code, the words, and the place in the rule (JSON Pointer)."""

    code: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """Another rule of the clinic that is in service."""

    id: int
    name: str
    spec: RuleSpec


@dataclass(slots=True)
class Look:
    """The rule as it would be published, and the others."""

    rule: Rule
    spec: RuleSpec
    others: list[Other] = field(default_factory=list)

    def acting(self) -> Iterator[tuple[str, ActionSpec]]:
        """Walk the actions that are switched on, each with its place."""
        for position, action in enumerate(self.spec.actions):
            if not action.disabled and action.type in catalog.actions:
                yield f"/actions/{position}", action


Check = Callable[[Look], Iterator[Conflict]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Ask this of every rule."""
    CHECKS.append(function)
    return function


def conflicts_of(rule: Rule, spec: RuleSpec) -> list[Conflict]:
    """Return what there is to know about this wording of the rule; reads the clinic's other rules, writes nothing."""
    rows = Rule.objects.filter(clinic_id=rule.clinic_id, mode__in=Rule.MATCHING, published__isnull=False)
    stored = rows.exclude(pk=rule.pk).order_by("name", "pk").values_list("pk", "name", "published_id")
    specs = ((pk, name, spec_of(version)) for pk, name, version in stored)
    look = Look(rule, spec, [Other(pk, name, one) for pk, name, one in specs if isinstance(one, RuleSpec)])
    return [found for ask in CHECKS for found in ask(look)]


@check
def references(look: Look) -> Iterator[Conflict]:
    """Find what the rule names that is gone or archived."""
    names = names_of(look.rule.clinic_id, [look.spec])
    there: dict[str, set[str]] = {}
    for use in look.spec.references:
        if use.kind not in there:
            wanted = {one.slug for one in look.spec.references if one.kind == use.kind}
            there[use.kind] = active_slugs(look.rule.clinic_id, use.kind, wanted)
        if use.slug not in there[use.kind]:
            kind = catalog.references[use.kind].label
            text = _("It names %(kind)s “%(name)s”, which is gone or archived.")
            yield Conflict("reference", text % {"kind": kind, "name": names(use.kind, use.slug)}, use.path)


@check
def blanks(look: Look) -> Iterator[Conflict]:
    """Find texts of steps that no event of the trigger can fill in."""
    for path, action in look.acting():
        for blank, text in blanks_of(action, look.rule.clinic_id, look.spec.trigger):
            yield Conflict("blank", text, f"{path}/{blank.param}")


def blanks_of(action: ActionSpec, clinic_id: int, trigger: str) -> list[tuple[Blank, str]]:
    """Return what an action's texts lack after this trigger, each with the words for it."""
    declared = catalog.actions[action.type]
    found = []
    for blank in declared.blanks(action.params, clinic_id, trigger):
        said = {
            "trigger": _trigger_label(trigger),
            "step": declared.label,
            "variables": ", ".join(f"{{{{ {name} }}}}" for name in blank.variables),
            "template": blank.source,
        }
        found.append((blank, str(BLANK_TEMPLATE if blank.source else BLANK_TEXT) % said))
    return found


BLANK_TEXT = gettext_lazy(
    "“%(trigger)s” brings nothing for %(variables)s in the step “%(step)s”, so its message cannot be made: "
    "write another text or choose another trigger."
)
BLANK_TEMPLATE = gettext_lazy(
    "“%(trigger)s” brings nothing for %(variables)s in the template “%(template)s” of the step “%(step)s”, so its "
    "message cannot be made: choose another template or trigger."
)


@check
def never(look: Look) -> Iterator[Conflict]:
    """Find conditions that cannot hold together, of the rule and of single steps."""
    if not can_hold(look.spec.conditions, known=certain(look.spec)):
        yield Conflict("never", _("Its conditions can never hold together: it would never run."), "/conditions")
    for path, action in look.acting():
        if action.only_if is not None and not can_hold(action.only_if):
            label = catalog.actions[action.type].label
            text = _("The conditions of the step “%(step)s” can never hold together.") % {"step": label}
            yield Conflict("never", text, f"{path}/only_if")


@check
def loops(look: Look) -> Iterator[Conflict]:
    """Find a chain of effects and rules that leads back to the rule; once per patient breaks it."""
    if look.spec.settings.reentry.mode == "once_per_patient":
        return
    for path, action in look.acting():
        chain = _leads_back(look, action, ())
        if chain is None:
            continue
        label = catalog.actions[action.type].label
        if chain:
            text = _("It may trigger itself: its step “%(step)s” may start “%(rules)s”, which may start it again.")
            yield Conflict("loop", text % {"step": label, "rules": "”, “".join(chain)}, path)
        else:
            text = _("It may trigger itself: its step “%(step)s” may lead to “%(trigger)s”, which starts it again.")
            yield Conflict("loop", text % {"step": label, "trigger": _trigger_label(look.spec.trigger)}, path)


def _leads_back(look: Look, action: ActionSpec, through: tuple[Other, ...]) -> list[str] | None:
    """Return the names of the rules on the way from an action's effect back to the rule; None: there is no way."""
    if len(through) >= MAX_DEPTH:
        return None
    if may_start(look.rule.clinic_id, action, look.spec):
        return [one.name for one in through]
    for other in look.others:
        if other in through or not may_start(look.rule.clinic_id, action, other.spec):
            continue
        for following in other.spec.actions:
            if following.disabled or following.type not in catalog.actions:
                continue
            chain = _leads_back(look, following, (*through, other))
            if chain is not None:
                return chain
    return None


def may_start(clinic_id: int, action: ActionSpec, spec: RuleSpec) -> bool:
    """Tell whether the effect of an action may start a rule: by what it causes or by the facts it alters."""
    declared, trigger = catalog.actions[action.type], catalog.triggers.get(spec.trigger)
    if any(starts(spec, key, facts) for key, facts in declared.causes(action.params).items()):
        return True
    if trigger is None or not declared.alters:
        return False
    return trigger.follows(spec.trigger_config, clinic_id, declared.alters) and can_hold(spec.conditions)


def starts(spec: RuleSpec, trigger: str, facts: Any) -> bool:
    """Tell whether an event of this trigger, of which these facts are certain, may start the rule."""
    if spec.trigger != trigger or trigger not in catalog.triggers:
        return False
    for key, allowed in catalog.triggers[trigger].requires(spec.trigger_config):
        if key in facts and not meets(facts[key], allowed):
            return False
    return can_hold(spec.conditions, known=facts)


def certain(spec: RuleSpec) -> dict[str, Any]:
    """Return the facts that the rule's own settings leave one value for."""
    trigger = catalog.triggers[spec.trigger]
    return {key: allowed[0] for key, allowed in trigger.requires(spec.trigger_config) if len(allowed) == 1}


@check
def same_person(look: Look) -> Iterator[Conflict]:
    """Find other rules that send a message to the same people when the same thing happens."""
    mine = recipients(look.spec)
    for other in look.others:
        both = [role for role in mine if role in recipients(other.spec)]
        if both and _together(look.spec, other.spec):
            text = _("“%(rule)s” also sends a message to %(who)s when “%(trigger)s” happens.")
            who = ", ".join(str(ROLES.get(role, role)) for role in both)
            said = {"rule": other.name, "who": who, "trigger": _trigger_label(look.spec.trigger)}
            yield Conflict("same_person", text % said)


ROLES: dict[str, Any] = {
    "patient": gettext_lazy("the patient"),
    "specialist": gettext_lazy("the specialist"),
    "clinic_admins": gettext_lazy("the clinic's admins"),
    "front_desk": gettext_lazy("the front desk"),
}


def recipients(spec: RuleSpec) -> list[str]:
    """Return whom the rule sends messages to."""
    found: dict[str, None] = {}
    for action in spec.actions:
        declared = catalog.actions.get(action.type)
        if declared is None or action.disabled or not declared.message:
            continue
        role = declared.role(action.params)
        if role != "patient" or declared.is_patient_message(action.params):
            found[role] = None
    return list(found)


def _together(one: RuleSpec, two: RuleSpec) -> bool:
    """Tell whether one event may start both."""
    if one.trigger != two.trigger:
        return False
    mine, theirs = certain(one), certain(two)
    if any(mine[key] != theirs[key] for key in mine.keys() & theirs.keys()):
        return False
    return can_hold(one.conditions, two.conditions, known={**mine, **theirs})


@check
def limits(look: Look) -> Iterator[Conflict]:
    """Find limits that never come to anything: once of what happens once, stops that stop nothing."""
    spec, trigger = look.spec, catalog.triggers[look.spec.trigger]
    if trigger.once and spec.settings.reentry.mode != "every_time":
        text = _("“%(trigger)s” happens once to a patient, so how often the rule may run again never matters.")
        yield Conflict("limit", text % {"trigger": trigger.label}, "/settings/reentry")
    if spec.trigger in spec.settings.stop_on:
        text = _("“%(trigger)s” starts the rule, so it never stops it.") % {"trigger": trigger.label}
        yield Conflict("limit", text, "/settings/stop_on")
    for path, action in look.acting():
        if isinstance(action.timing, WaitFor) and action.timing.trigger in spec.settings.stop_on:
            awaited = _trigger_label(action.timing.trigger)
            text = _("The step “%(step)s” waits for “%(trigger)s”, and is stopped by it.")
            yield Conflict("limit", text % {"step": catalog.actions[action.type].label, "trigger": awaited}, path)


HOURS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}


@check
def always_too_late(look: Look) -> Iterator[Conflict]:
    """Find steps before a date that the rule's own conditions leave no time for."""
    for path, action in look.acting():
        timing = action.timing
        if not isinstance(timing, Relative) or timing.direction != "before" or timing.if_late != "skip":
            continue
        anchor, unit = catalog.anchors.get(timing.anchor), HOURS.get(timing.unit)
        if anchor is None or not anchor.lead or unit is None:
            continue
        hours = timing.amount * unit / timedelta(hours=1)
        early = Group("all", (Condition(anchor.lead, "gte", hours, {}, anchor.lead, "number"),))
        if can_hold(look.spec.conditions) and not can_hold(look.spec.conditions, early):
            label = catalog.actions[action.type].label
            text = _("By its conditions the rule runs too late for the step “%(step)s”, which would always be skipped.")
            yield Conflict("too_late", text % {"step": label}, f"{path}/timing")


def _trigger_label(key: str) -> str:
    declared = catalog.triggers.get(key)
    return str(declared.label) if declared else key
