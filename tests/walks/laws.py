"""What holds wherever a walk leads: asked of the database when the walk is over."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q

from accounts.models import Pause
from automations.models import Event, Run, Step
from clinic import clock
from forms_app.models import FormRequest, FormTelling
from messaging.models import Delivery, DeliveryAttempt
from segments.models import SegmentMembership

ENDED = ("skipped", "cancelled", "expired", "failed")
BLOCKED = ("survey", "marketing")
"""The categories that caps hold back; the others only count."""


@dataclass
class Notes:
    """What the walk itself knows: who agreed to what and when, and what was stopped when."""

    agreed: dict[tuple[int, str], list[tuple[datetime, bool]]] = field(default_factory=lambda: defaultdict(list))
    dead_steps: dict[int, datetime] = field(default_factory=dict)
    dead_mails: dict[int, datetime] = field(default_factory=dict)
    silenced: set[int] = field(default_factory=set)

    def consent(self, patient: int, category: str, granted: bool) -> None:
        """Note what a patient said just now."""
        self.agreed[patient, category].append((clock.now(), granted))

    def open_work(self, steps: Q, mails: Q | None) -> tuple[list[int], list[int], list[int]]:
        """Return the steps that are open, and the mails that have not left, of those that something is to stop; and
        the steps that are done, and speak no more.

        A mail by which another step tells of an open form as well stays, unless that one was stopped before.
        """
        found = set(Step.objects.filter(steps).values_list("pk", flat=True))
        told = told_by_steps()
        stays = {mail for step, mail, is_open in told if is_open and step not in found | self.silenced}
        stays |= set(_of_persons().values_list("delivery", flat=True))
        by_steps = {mail for step, mail, _ in told if step in found}
        waiting = Delivery.objects.filter(state__in=Delivery.WAITING)
        mine = waiting.filter(Q(source_step__in=found) | Q(pk__in=by_steps)).exclude(pk__in=stays)
        meant = mine if mails is None else waiting.filter(mails)
        those = Step.objects.filter(pk__in=found)
        lists = those.filter(state__in=Step.OPEN), meant, those.filter(state=Step.State.DONE, action="require_form")
        going, unsent, done = (list(rows.values_list("pk", flat=True)) for rows in lists)
        return going, unsent, done

    def stopped(self, moment: datetime, steps: list[int], mails: list[int], done: list[int]) -> None:
        """Note that these must not act any more."""
        self.silenced |= set(done)
        self.dead_steps |= dict.fromkeys(steps, moment)
        self.dead_mails |= dict.fromkeys(mails, moment)

    def allows(self, patient: int, category: str, moment: datetime) -> bool:
        """Tell what the patient had said by then; nothing said is a yes, to marketing a no."""
        said = [granted for at, granted in self.agreed[patient, category] if at <= moment]
        return said[-1] if said else category != "marketing"


def told_by_steps() -> list[tuple[int, int, bool]]:
    """List by which messages steps tell of which form, as they have written down themselves: (step, message, open)."""
    done = Step.objects.filter(state=Step.State.DONE, action="require_form", result__has_key="deliveries")
    results = list(done.values_list("pk", "result"))
    asked = {int(result["form_request"]) for _, result in results}
    still = set(FormRequest.objects.filter(pk__in=asked, status__in=FormRequest.OPEN).values_list("pk", flat=True))
    return [
        (step, int(mail), int(result["form_request"]) in still)
        for step, result in results
        for mail in result["deliveries"]
    ]


def _of_persons() -> Any:
    return FormTelling.objects.filter(step=None, request__status__in=FormRequest.OPEN)


def judge(notes: Notes) -> None:
    """Assert every law."""
    steps_have_a_version()
    nothing_acts_after_its_stop(notes)
    nothing_leaves_without_consent(notes)
    no_cap_is_exceeded()
    nothing_crosses_clinics()
    whatever_did_not_happen_has_a_reason()
    nobody_waits_for_a_message_that_was_taken_back()
    nothing_leaves_while_it_is_paused()
    each_crossing_is_told_at_most_once()
    each_key_acts_once()


def steps_have_a_version() -> None:
    """Every step belongs to a version of its own rule that has such an action; so does the one it acts by."""
    for step in Step.objects.select_related("run__version", "version"):
        for version in (step.run.version, step.version or step.run.version):
            assert version is not None, step.pk
            assert version.rule_id == step.rule_id
            assert step.action_id in {action["id"] for action in version.actions}, (step.pk, step.action_id)


def nothing_acts_after_its_stop(notes: Notes) -> None:
    """What was open when it was stopped is not done, and its mail has not left since."""
    acted = Step.objects.filter(pk__in=notes.dead_steps, state=Step.State.DONE)
    assert not list(acted.values("pk", "action", "rule__slug")), "a step acted after its stop"
    began = DeliveryAttempt.objects.filter(delivery__in=notes.dead_mails).values_list("delivery_id", "started_at")
    late = [(pk, at) for pk, at in began if at > notes.dead_mails[pk]]
    assert not late, "a mail left after its stop"
    held = Delivery.objects.filter(pk__in=notes.dead_mails, state__in=Delivery.WAITING)
    assert not held.exists(), "a mail that was stopped still waits"


def _sent() -> list[Any]:
    """Return the mails to patients that left, with when, oldest first."""
    rows = Delivery.objects.filter(state=Delivery.State.SENT, recipient=None).order_by("finished_at", "pk")
    return list(rows.select_related("clinic"))


def nothing_leaves_without_consent(notes: Notes) -> None:
    """At the moment at which it left, the patient agreed to a message of its kind."""
    for one in _sent():
        assert notes.allows(one.patient_id, one.category, one.finished_at), (one.pk, one.category)


def nothing_crosses_clinics() -> None:
    """A step, its rule, its event and what it sent are of one clinic."""
    foreign = ~Q(rule__clinic=F("clinic")) | ~Q(run__clinic=F("clinic")) | ~Q(run__event__clinic=F("clinic"))
    assert not Step.objects.filter(foreign | ~Q(patient__clinic=F("clinic"))).exists(), "a step crossed"
    assert not Delivery.objects.exclude(patient__clinic=F("clinic")).exists(), "a message crossed"


def no_cap_is_exceeded() -> None:
    """On no day and in no week did anybody get more of a kind that caps hold back than the clinic allows for a patient.

    What a step sends to two parents of a child is one message, and so is what a person sends to both.
    """
    steps: dict[Any, set[int]] = defaultdict(set)
    by_hand: dict[Any, Counter[str]] = defaultdict(Counter)
    for one in _sent():
        clinic = one.clinic
        day = one.finished_at.astimezone(ZoneInfo(clinic.time_zone)).date()
        spans = {"day": day, "week": day - timedelta(days=day.weekday())}
        for kind in (one.category, "total"):
            for span, first in spans.items():
                key = one.patient_id, kind, span, first
                if one.source_step_id is None:
                    by_hand[key][one.recipient_key] += 1
                else:
                    steps[key].add(one.source_step_id)
                count = len(steps[key]) + max(by_hand[key].values(), default=0)
                cap = getattr(clinic, f"cap_{kind}_{span}", None) if one.category in BLOCKED else None
                assert cap is None or count <= cap, (one.pk, kind, span, count)


def whatever_did_not_happen_has_a_reason() -> None:
    """Each step, message and run that came to nothing says why."""
    mute = Step.objects.filter(state__in=(*ENDED, "held"), reason="")
    assert not list(mute.values("pk", "state", "action")), "a step without a reason"
    silent = Delivery.objects.filter(state__in=("suppressed", "withdrawn", "failed"), reason="", last_error="")
    assert not list(silent.values("pk", "state")), "a message without a reason"
    assert not Run.objects.exclude(outcome=Run.Outcome.MATCHED).filter(reason="").exists(), "a run without a reason"
    assert not Event.objects.filter(state=Event.State.DEAD).exists(), "an event was given up"
    assert not Run.objects.filter(outcome=Run.Outcome.ERROR).exists(), "a rule was broken"
    planned = Run.objects.filter(outcome=Run.Outcome.MATCHED, steps=None)
    assert not list(planned.values("pk", "rule__slug")), "a match without a step"


def nobody_waits_for_a_message_that_was_taken_back() -> None:
    """A message about forms is taken back when all who told by it were stopped, and only then."""
    gone = set(Delivery.objects.filter(state=Delivery.State.WITHDRAWN).values_list("pk", flat=True))
    stopped = set(FormTelling.objects.exclude(stopped_at=None).values_list("step", "delivery"))
    told = {(step, mail) for step, mail, is_open in told_by_steps() if is_open and mail in gone}
    assert not told - stopped, "a message that a step waits for is gone"
    assert not _of_persons().filter(delivery__in=gone).exists(), "a message that a person waits for is gone"
    idle = Delivery.objects.filter(state__in=Delivery.WAITING, purpose="forms")
    idle = idle.exclude(form_tellings__in=FormTelling.objects.filter(stopped_at=None))
    assert not list(idle.values("pk", "source_step")), "a message of nobody waits"


def what_waits_is_as_those_want_it_who_tell_by_it() -> None:
    """At every moment: of their category, until the last of their ends, and for their rules alone."""
    waiting = Delivery.objects.filter(state__in=Delivery.WAITING, purpose="forms")
    lines = FormTelling.objects.filter(delivery__in=waiting, stopped_at=None, request__status__in=FormRequest.OPEN)
    by_mail: dict[Delivery, list[FormTelling]] = defaultdict(list)
    for line in lines.select_related("delivery__source_step", "request__template", "step"):
        by_mail[line.delivery].append(line)
    for mail, those in by_mail.items():
        surveys = all(line.request.template.kind == "survey" for line in those)
        assert (mail.category == "survey") is surveys, (mail.pk, mail.category)
        ends = [line.not_after for line in those]
        end = max((one for one in ends if one is not None), default=None)
        assert mail.not_after == (None if None in ends else end), (mail.pk, mail.not_after, ends)
        rules = {line.step.rule_id if line.step is not None else None for line in those}
        alone = {mail.source_step.rule_id} if mail.on_behalf_of is None and mail.source_step else set(mail.on_behalf_of)
        assert alone == (set() if None in rules else rules), (mail.pk, mail.on_behalf_of)


def nothing_leaves_while_it_is_paused() -> None:
    """No attempt begins while the clinic is paused, or every rule for which the message was ever to leave."""
    rules: dict[int, set[tuple[Any, Any]]] = defaultdict(set)
    told = told_by_steps()
    shared = {mail for _, mail, _ in told}
    for pk, step, rule in Delivery.objects.exclude(pk__in=shared).values_list("pk", "source_step", "source_step__rule"):
        rules[pk].add((rule if step else None, None))
    of_steps = dict(Step.objects.filter(action="require_form").values_list("pk", "rule"))
    lines = FormTelling.objects.values_list("step", "delivery", "stopped_at")
    stops = {(step, mail): at for step, mail, at in lines if at is not None}
    for step, mail, _ in told:
        rules[mail].add((of_steps[step], stops.get((step, mail))))
    for step, mail, _at in lines:
        if step is None:
            rules[mail].add((None, None))
    pauses = list(Pause.objects.values_list("clinic", "scope", "target_id", "created_at", "ended_at"))
    for mail, clinic, at in DeliveryAttempt.objects.values_list("delivery", "delivery__clinic", "started_at"):
        over = {(scope, target) for one, scope, target, begun, ended in pauses
                if one == clinic and begun < at and (ended is None or at < ended)}  # fmt: skip
        assert "clinic" not in {scope for scope, _ in over}, (mail, at)
        speaking = {rule for rule, stopped in rules[mail] if stopped is None or stopped > at}
        paused = {target for scope, target in over if scope == "rule"}
        assert not speaking or speaking - paused, (mail, at)


def each_crossing_is_told_at_most_once() -> None:
    """Entering and leaving alternate, and a membership changed at least as often as it was told."""
    crossings = Event.objects.filter(trigger__in=("segment.entered", "segment.exited")).order_by("pk")
    told: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for row in crossings:
        told[row.subject_id].append((row.revision, row.trigger))
    revisions = dict(SegmentMembership.objects.values_list("pk", "revision"))
    for membership, events in told.items():
        numbers = [number for number, _ in events]
        assert len(set(numbers)) == len(numbers), "one change told twice"
        assert max(numbers) <= revisions[membership], "told of a change that did not happen"


def each_key_acts_once() -> None:
    """No step is planned twice for one event, rule, action and epoch; what is done was tried."""
    keys = Counter(Step.objects.values_list("key", flat=True))
    assert [key for key, count in keys.items() if count > 1] == []
    early = Step.objects.filter(state=Step.State.DONE, finished_at__lt=F("due_at")).exclude(waiting_for__gt="")
    assert not list(early.values("pk", "action", "due_at", "finished_at")), "a step acted before its time"
