"""Start a rule for patients who were there before it: by hand for a few, or for many, so many a minute.

Rules on a patient's own events may be started so ("also for existing patients"), and those that staff start anyway.
Each patient gets an event made for this rule alone; conditions, limits and consent are asked as of any other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import Role, membership_at, require
from automations.compiled import spec_of
from automations.engine.declare import Trigger, catalog
from automations.engine.values import RuleSpec
from automations.models import Enrolment, Event, Rule, Run
from automations.occasions import Occasion, record
from automations.populations import active_patients, chosen
from automations.sql import compile_group
from clinic.asking import Earliest
from clinic.changes import origin
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError, ImpossibleTransition, Refused

MOST_BY_HAND = 200
MOST_A_MINUTE = 3_000
ROUNDS_A_MINUTE = 6
SAMPLE = 10
RUNNABLE = (Rule.Mode.ON, Rule.Mode.REVIEW)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an enrolment would do now: of so many patients meant, `already` had the rule before and are left out.

    `count` of the rest meet the conditions (None: they ask what only an event could tell); `steps` by action, at most.
    """

    of: int
    already: int
    count: int | None
    sample: tuple[Any, ...]
    steps: dict[str, int]


def startable(rule: Rule) -> tuple[RuleSpec, Trigger]:
    """Return the published wording and trigger of a rule that may be started so. Raises Refused with the reason."""
    spec = spec_of(rule.published_id) if rule.published_id else None
    if rule.mode not in RUNNABLE or not isinstance(spec, RuleSpec):
        raise Refused(_("Publish or resume the rule first."), code="not_on")
    trigger = catalog.triggers[spec.trigger]
    if not (trigger.existing or trigger.by_hand):
        message = _("Only rules on a patient's own events, or those that staff start, can be started for patients.")
        raise Refused(message, code="not_for_existing")
    return spec, trigger


def preview(
    rule: Rule, *, everybody: bool = False, patients: Iterable[int] | None = None, **groups: str | None
) -> Preview:
    """Say what `enrol` would do with the same arguments; nothing is written."""
    require(rule.clinic, Role.CLINIC_ADMIN)
    spec, trigger = startable(rule)
    meant = chosen(rule.clinic, everybody=everybody, patients=patients, **groups)
    rest = _not_yet(rule, trigger, meant)
    matching = _matching(rule, spec, rest)
    count = None if matching is None else matching.count()
    likely = len(rest) if count is None else count
    steps: dict[str, int] = {}
    for action in spec.actions:
        if not action.disabled:
            steps[action.type] = steps.get(action.type, 0) + likely
    sample = () if matching is None else tuple(matching.order_by("pk")[:SAMPLE])
    return Preview(len(meant), len(meant) - len(rest), count, sample, steps)


def _matching(rule: Rule, spec: RuleSpec, patients: list[int]) -> QuerySet | None:
    """Return those who meet the conditions now, in SQL; None if they ask for what belongs to an event."""
    if any(catalog.facts[condition.field].expression is None for condition in spec.conditions.conditions()):
        return None
    holds = compile_group(spec.conditions, now(), ZoneInfo(rule.clinic.time_zone))
    return active_patients(rule.clinic_id).filter(pk__in=patients).annotate(holds=holds).filter(holds=True)


def _not_yet(rule: Rule, trigger: Trigger, patients: list[int]) -> list[int]:
    """Leave out those for whom the rule ran before, unless people start it anyway."""
    if trigger.by_hand or not patients:
        return patients
    rows = Run.objects.filter(rule=rule, outcome=Run.Outcome.MATCHED, patient_id__in=patients).order_by()
    ran = set(rows.values_list("patient_id", flat=True))
    return [pk for pk in patients if pk not in ran]


# --- for a few, by hand ---


@transaction.atomic
def run_by_hand(rule: Rule, patients: Iterable[int]) -> list[Event]:
    """Start a rule that staff start, for these patients of the clinic in care, at once.

    Raises Refused for a rule that is none or not on, ClinicError for too many patients or one that is not there.
    """
    require(rule.clinic)
    spec, trigger = startable(rule)
    if not trigger.by_hand:
        raise Refused(_("This rule starts by itself; staff do not start it."), code="not_by_hand")
    wanted = sorted(set(patients))
    if not 0 < len(wanted) <= MOST_BY_HAND:
        message = _("Choose 1 to %(most)s patients; for more, enrol them.") % {"most": MOST_BY_HAND}
        raise ClinicError(message, code="too_many", path="patients")
    lock_patients(wanted)
    here = set(active_patients(rule.clinic_id).filter(pk__in=wanted).values_list("pk", flat=True))
    if len(here) < len(wanted):
        raise ClinicError(_("Some of them are no patients in care here."), code="not_found", path="patients")
    data = trigger.data_for_existing(spec.trigger_config)
    name, moment = uuid.uuid4().hex, now()
    events = record(rule.clinic_id, trigger.key, [Occasion(pk, name, moment, data) for pk in wanted], rule_id=rule.pk)
    audit.record("rule.started_by_hand", obj=rule, detail={"patients": len(wanted)})
    return events


# --- for many ---


@transaction.atomic
def enrol(
    rule: Rule,
    *,
    everybody: bool = False,
    patients: Iterable[int] | None = None,
    per_minute: int = 60,
    **groups: str | None,
) -> Enrolment:
    """Start the rule for all who are meant and in care, so many a minute; who is meant is settled now.

    Raises Refused for a rule that cannot be started so or is being enrolled already, ClinicError for what was asked.
    """
    require(rule.clinic, Role.CLINIC_ADMIN)
    stored = Rule.objects.select_related("clinic").select_for_update(no_key=True, of=("self",)).get(pk=rule.pk)
    _spec, trigger = startable(stored)
    if type(per_minute) is not int or not 1 <= per_minute <= MOST_A_MINUTE:
        message = _("Choose 1 to %(most)s patients a minute.") % {"most": MOST_A_MINUTE}
        raise ClinicError(message, code="range", path="per_minute")
    if Enrolment.objects.filter(rule=stored, state=Enrolment.State.RUNNING).exists():
        raise Refused(_("This rule is being enrolled already; cancel that first."), code="running")
    meant = _not_yet(stored, trigger, chosen(stored.clinic, everybody=everybody, patients=patients, **groups))
    enrolment = Enrolment.objects.create(
        clinic_id=stored.clinic_id,
        rule=stored,
        who=_who(everybody, groups),
        patient_ids=meant,
        per_minute=per_minute,
        started_by=membership_at(stored.clinic),
    )
    audit.record("rule.enrolled", obj=stored, detail={"patients": len(meant), "per_minute": per_minute})
    return enrolment


def _who(everybody: bool, groups: dict[str, str | None]) -> str:
    named = [f"{kind}:{slug}" for kind, slug in groups.items() if slug]
    return "all" if everybody else (named or ["chosen"])[0][:100]


@transaction.atomic
def cancel(enrolment: Enrolment) -> Enrolment:
    """Start the rule for nobody more; what it has begun goes on. Cancelled already: nothing happens."""
    require(enrolment.clinic_id, Role.CLINIC_ADMIN)
    stored = Enrolment.objects.select_for_update(no_key=True).get(pk=enrolment.pk)
    if stored.state == Enrolment.State.DONE:
        raise ImpossibleTransition(str(stored._meta.verbose_name), stored.get_state_display(), str(_("cancelled")))
    if stored.state == Enrolment.State.RUNNING:
        _finish(stored, Enrolment.State.CANCELLED)
        audit.record("rule.enrolment_cancelled", obj=stored, detail={"started": stored.started})
    return stored


def _finish(enrolment: Enrolment, state: str) -> None:
    enrolment.state, enrolment.finished_at = state, now()
    enrolment.save(update_fields=["state", "finished_at"])


def sweep_enrolments() -> int:
    """Give the patients of running enrolments their turn; return how many rounds and patients that were."""
    total = 0
    while count := _sweep_one():
        total += count
    return total


next_due = Earliest(lambda: _running().exclude(rule__mode=Rule.Mode.PAUSED).values_list("next_at"))
"""Return the moment of the next round of any enrolment whose rule is on."""


def _running() -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(state=Enrolment.State.RUNNING)


def _sweep_one() -> int:
    """Give one round of one enrolment; a paused rule waits, one that is no longer published ends it."""
    moment = now()
    with transaction.atomic(), origin("tick"):
        due = _running().filter(next_at__lte=moment).exclude(rule__mode=Rule.Mode.PAUSED)
        due = due.select_related("rule__clinic").order_by("next_at", "pk")
        enrolment = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
        if enrolment is None:
            return 0
        try:
            spec, trigger = startable(enrolment.rule)
        except Refused:
            _finish(enrolment, Enrolment.State.CANCELLED)
            return 1
        return 1 + _round(enrolment, spec, trigger, moment)


def _round(enrolment: Enrolment, spec: RuleSpec, trigger: Trigger, moment: datetime) -> int:
    size = max(1, enrolment.per_minute // ROUNDS_A_MINUTE)
    turn = enrolment.patient_ids[enrolment.position : enrolment.position + size]
    lock_patients(turn)
    here = active_patients(enrolment.clinic_id).filter(pk__in=turn).order_by("pk").values_list("pk", flat=True)
    data = {**trigger.data_for_existing(spec.trigger_config), "enrolment": enrolment.pk}
    name = f"enrolment:{enrolment.pk}"
    occasions = [Occasion(pk, name, moment, data) for pk in _not_yet(enrolment.rule, trigger, list(here))]
    record(enrolment.clinic_id, trigger.key, occasions, rule_id=enrolment.rule_id)
    enrolment.position += len(turn)
    enrolment.started += len(occasions)
    enrolment.next_at = moment + timedelta(minutes=size / enrolment.per_minute)
    enrolment.save(update_fields=["position", "started", "next_at"])
    if enrolment.position >= len(enrolment.patient_ids):
        _finish(enrolment, Enrolment.State.DONE)
    return len(occasions)
