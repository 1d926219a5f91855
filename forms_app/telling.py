"""Who tells of a form by which message, and what becomes of the message when one of them stops or moves.

A message about forms may stand for several steps, for persons, and for several forms; a minor's contacts get one each.
What still waits goes when nobody tells of an open form by it any more, and until then is as those want it who do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from forms_app.models import FormRequest, FormTelling, FormTemplate
from messaging import services
from messaging.models import Category, Delivery

State = Delivery.State
UNSENT = (*Delivery.WAITING, State.SENDING)
Limits = Mapping[int, tuple[datetime, datetime | None]]
"""By step: from when and until when its message may leave."""


def category_of(template: FormTemplate) -> Category:
    """Name the category of a message about this form: a survey's own, else transactional."""
    return Category.SURVEY if template.kind == FormTemplate.Kind.SURVEY else Category.TRANSACTIONAL


def unsent(step_ids: Collection[int]) -> set[int]:
    """Name the steps that tell of a request by a message that waits or is being sent."""
    return set(_ahead(step_ids).values_list("step_id", flat=True))


def tell_of_all(delivery: Delivery) -> None:
    """Let a message that a person has sent tell of every form that is open for its patient."""
    rows = FormRequest.objects.filter(patient=delivery.patient_id, status__in=FormRequest.OPEN)
    FormTelling.objects.bulk_create(
        FormTelling(clinic_id=delivery.clinic_id, request=row, delivery=delivery) for row in rows
    )


def withdraw(step_ids: Collection[int]) -> int:
    """End what these steps tell by messages that have not left; return how many messages are taken back with it.

    A message by which somebody else tells of an open form stays, as they want it. The caller holds the patients' locks.
    """
    mine = dict(_ahead(step_ids).values_list("pk", "delivery_id"))
    if not mine:
        return 0
    FormTelling.objects.filter(pk__in=mine).delete()
    left = standing(mine.values())
    _hand_over(left, set(step_ids))
    return services.withdraw_deliveries(set(mine.values()) - left.keys())


def limit(limits: Limits) -> int:
    """Move the moments of the messages by which these steps tell; one of several ends with the last of them.

    A step that was stopped tells no more, and moves nothing. Nothing is held longer than it was.
    """
    mine = list(_ahead(limits))
    earliest: dict[int, datetime] = {}
    for line in mine:
        begin, line.not_after = limits[line.step_id]
        earliest[line.delivery_id] = min(begin, earliest.get(line.delivery_id, begin))
    FormTelling.objects.bulk_update(mine, ["not_after"])
    left = standing(earliest)
    return services.limit_deliveries({pk: (earliest[pk], end_of(lines)) for pk, lines in left.items()})


def standing(delivery_ids: Iterable[int]) -> dict[int, list[FormTelling]]:
    """Return, by message, the lines of those who tell of an open form by it; a message without any is left out."""
    rows = FormTelling.objects.filter(delivery__in=set(delivery_ids), request__status__in=FormRequest.OPEN)
    found: dict[int, list[FormTelling]] = {}
    for line in rows.select_related("request__template", "delivery").order_by("pk"):
        found.setdefault(line.delivery_id, []).append(line)
    return found


def end_of(lines: Iterable[FormTelling]) -> datetime | None:
    """Return the last moment at which the message is of use to one of them; None if there is none."""
    ends = [line.not_after for line in lines]
    return None if None in ends else max(end for end in ends if end is not None)


def _ahead(step_ids: Iterable[int]) -> Any:
    return FormTelling.objects.filter(step__in=list(step_ids), delivery__state__in=UNSENT)


def _hand_over(left: Mapping[int, list[FormTelling]], stopped: set[int]) -> None:
    """Make messages what those want who are left: their category, their end, and one of their steps as the source.

    The source is what a pause of a rule looks at; it stays empty where only persons are left, or where the steps have a
    message to that reader of their own.
    """
    rows = [lines[0].delivery for lines in left.values()]
    steps = {line.step_id for lines in left.values() for line in lines if line.step_id is not None}
    there = Delivery.objects.filter(source_step__in=steps).values_list("source_step_id", "recipient_key")
    taken: set[tuple[int | None, str]] = set(there)
    for row in rows:
        lines = left[row.pk]
        wanted = {category_of(line.request.template) for line in lines}
        row.category = Category.TRANSACTIONAL if Category.TRANSACTIONAL in wanted else Category.SURVEY
        row.not_after = end_of(lines)
        if row.source_step_id in stopped:
            free = (one.step_id for one in lines if one.step_id and (one.step_id, row.recipient_key) not in taken)
            row.source_step_id = next(free, None)
            taken.add((row.source_step_id, row.recipient_key))
    Delivery.objects.bulk_update(rows, ["category", "not_after", "source_step"])
