"""Who tells of a form by which message, and what becomes of the message when that changes.

A message about forms may stand for several steps, for persons, and for several forms; a minor's contacts get one each.
What waits is taken back when those who tell by it were stopped, and until then is as those want it who tell of an open
form. Callers hold the patients' locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from clinic.clock import ClinicNow
from forms_app.models import FormRequest, FormTelling, FormTemplate
from messaging import services
from messaging.models import Category, Delivery, DeliveryAttempt

State = Delivery.State
UNSENT = (*Delivery.WAITING, State.SENDING)
LEFT = (State.SENT, State.UNKNOWN)
Limits = Mapping[int, tuple[datetime, datetime | None]]
"""By step: from when and until when its message may leave."""


def category_of(template: FormTemplate) -> Category:
    """Name the category of a message about this form: a survey's own, else transactional."""
    return Category.SURVEY if template.kind == FormTemplate.Kind.SURVEY else Category.TRANSACTIONAL


def unsent(step_ids: Collection[int]) -> set[int]:
    """Name the steps that tell of a request by a message that waits or is being sent."""
    return set(_ahead(step_ids).filter(delivery__withdraw_asked_at=None).values_list("step_id", flat=True))


def tell_of_all(deliveries: Sequence[Delivery], begin: datetime, category: Category | None = None) -> None:
    """Let messages that a person has sent tell, from `begin` on, of every form that is open for their patients.

    `category`: what each must be, whatever the form; otherwise the form's own. It stands over a reminder's that was so
    far in the same message.
    """
    patients = {delivery.patient_id for delivery in deliveries}
    rows = FormRequest.objects.filter(patient__in=patients, status__in=FormRequest.OPEN).select_related("template")
    lines = [
        FormTelling(
            clinic_id=row.clinic_id, request=row, delivery=delivery, category=category or category_of(row.template)
        )
        for row in rows
        for delivery in deliveries
        if delivery.patient_id == row.patient_id
    ]
    FormTelling.objects.bulk_create(lines, ignore_conflicts=True)  # said before, it stands
    if category is not None:
        FormTelling.objects.filter(delivery__in=deliveries, step=None).update(category=category)
    newest = {delivery.patient_id: delivery for delivery in reversed(deliveries)}
    for row in rows:
        row.message = newest[row.patient_id]
    FormRequest.objects.bulk_update(rows, ["message"])
    refresh(delivery.pk for delivery in deliveries)
    services.bring_forward({delivery.pk: begin for delivery in deliveries})


def withdraw(step_ids: Collection[int]) -> int:
    """End what these steps tell by messages that have not left; return how many messages are taken back with it.

    A message by which somebody else tells of an open form stays, as they want it.
    """
    mine = dict(_ahead(step_ids).values_list("pk", "delivery_id"))
    if not mine:
        return 0
    FormTelling.objects.filter(pk__in=mine).update(stopped_at=ClinicNow())
    return services.withdraw_deliveries(set(mine.values()) - refresh(mine.values()))


def limit(limits: Limits) -> None:
    """Move the moments of the messages by which these steps tell; one of several ends with the last of them.

    A step that was stopped tells no more, and moves nothing. Nothing is held longer than it was.
    """
    mine = list(_ahead(limits).filter(request__status__in=FormRequest.OPEN))
    earliest: dict[int, datetime] = {}
    for line in mine:
        begin, line.not_after = limits[line.step_id]
        earliest[line.delivery_id] = min(begin, earliest.get(line.delivery_id, begin))
    FormTelling.objects.bulk_update(mine, ["not_after"])
    refresh(earliest)
    services.bring_forward(earliest)


def settled(requests: Collection[FormRequest]) -> None:
    """Let messages that have not left say no more for those who told of these requests, which are not open any more."""
    lines = FormTelling.objects.filter(request__in=requests, delivery__state__in=UNSENT)
    refresh(lines.values_list("delivery_id", flat=True))


def refresh(delivery_ids: Iterable[int]) -> set[int]:
    """Make messages that have not left as those want them who tell of an open form by them; return these messages' ids.

    They are of the weightier category, end with the last, and stand for the rules of all, unless a person tells too. A
    message by which nobody tells any more is left as it is. What its sender has begun to hand over is of the category
    and end with which that began; it is asked for again before the next attempt.
    """
    ids = set(delivery_ids)
    if not ids:
        return ids
    with transaction.atomic():
        locked = Delivery.objects.filter(pk__in=ids, state__in=UNSENT).order_by("pk")
        locked = locked.select_for_update(no_key=True, of=("self",)).annotate(of_source=F("source_step__rule_id"))
        rows = {row.pk: row for row in locked.only(*_MADE, "state", "attempts")}
        wanted = _wanted(ids)  # asked once nobody can change the rows under our hands
        begun = {(row.delivery_id, row.number) for row in DeliveryAttempt.objects.filter(delivery__in=rows)}
        changed = []
        for row in (rows[pk] for pk in wanted if pk in rows):
            before = [getattr(row, name) for name in _MADE]
            if row.state != State.SENDING or (row.pk, row.attempts) not in begun:
                _shape(row, wanted[row.pk])
            row.on_behalf_of = _rules_of(wanted[row.pk], row.of_source)
            if before != [getattr(row, name) for name in _MADE]:
                changed.append(row)
        Delivery.objects.bulk_update(changed, _MADE)
    return set(wanted)


_MADE = ["category", "not_after", "on_behalf_of"]


def _shape(row: Delivery, lines: Collection[FormTelling]) -> None:
    categories, ends = {line.category for line in lines}, [line.not_after for line in lines]
    row.category = Category.TRANSACTIONAL if Category.TRANSACTIONAL in categories else Category.SURVEY
    row.not_after = None if None in ends else max(end for end in ends if end is not None)


def _rules_of(lines: Collection[FormTelling], of_source: int | None) -> list[int] | None:
    """Name the rules for which a message leaves: none if a person tells too, null if it is its source step's alone."""
    if any(line.step_id is None for line in lines):
        return []
    rules = {line.step.rule_id for line in lines if line.step is not None}
    return None if rules == {of_source} else sorted(rules)


def _wanted(delivery_ids: Collection[int]) -> dict[int, list[FormTelling]]:
    """Return, by message, the lines of those who tell of an open form by it; a message without any is left out."""
    rows = FormTelling.objects.filter(delivery__in=delivery_ids, stopped_at=None, request__status__in=FormRequest.OPEN)
    found: dict[int, list[FormTelling]] = {}
    for line in rows.select_related("step").defer("step__config", "step__result"):
        found.setdefault(line.delivery_id, []).append(line)
    return found


def is_of_use(delivery: Delivery) -> bool:
    """Tell whether somebody tells of an open form by the message, or nobody has said who does."""
    lines = FormTelling.objects.filter(delivery=delivery).values_list("stopped_at", "request__status")
    return not lines or any(stopped is None and status in FormRequest.OPEN for stopped, status in lines)


def _ahead(step_ids: Iterable[int]) -> Any:
    return FormTelling.objects.filter(step__in=list(step_ids), stopped_at=None, delivery__state__in=UNSENT)
