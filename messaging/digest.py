"""Many notifications of one rule to one person of the staff in an hour: five on their own, the rest in one list.

The sixth begins the list and the next ones lie in it, until the person has looked at it or an hour is over. Nobody
holds a lock on a member of the staff, so two workers may begin a list each; nothing is lost by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Count, Max, Q

from clinic.clock import now
from messaging.models import Notification

MOST = 5
WINDOW = timedelta(hours=1)
Group = tuple[int, int]
"""Rule and member of the staff."""


def insert(rows: Sequence[Notification], rules: Sequence[int | None]) -> list[Notification]:
    """Insert notifications, those too many in lists; `rules` names the rule behind each row, if one is."""
    groups = {
        (rule, row.recipient_id): None for row, rule in zip(rows, rules, strict=True) if rule and row.recipient_id
    }
    told, lists = _recent(groups)
    heads: dict[Group, Notification] = {}
    entries: list[tuple[Notification, Group]] = []
    single: list[Notification] = []
    for row, rule in zip(rows, rules, strict=True):
        group = (rule or 0, row.recipient_id or 0)
        if group in groups:
            told[group] = told.get(group, 0) + 1
        if told.get(group, 0) <= MOST:
            single.append(row)
        elif group in lists:
            row.listed_in_id = lists[group]
            single.append(row)
        elif group in heads:
            entries.append((row, group))
        else:
            row.is_list = True
            heads[group] = row
            single.append(row)
    Notification.objects.bulk_create(single)
    for row, group in entries:
        row.listed_in_id = heads[group].pk
    Notification.objects.bulk_create([row for row, _group in entries])
    return list(rows)


def _recent(groups: Iterable[Group]) -> tuple[dict[Group, int], dict[Group, int]]:
    """Return how much each person was told by each rule within the hour, and the list that still takes more."""
    wanted = list(groups)
    if not wanted:
        return {}, {}
    rows = Notification.objects.filter(
        created_at__gt=now() - WINDOW,
        recipient__in={member for _rule, member in wanted},
        source_step__rule__in={rule for rule, _member in wanted},
    ).order_by()
    counted = rows.values_list("source_step__rule_id", "recipient_id").annotate(
        told=Count("pk"), newest=Max("pk", filter=Q(is_list=True, read_at=None))
    )
    told, lists = {}, {}
    for rule, member, count, newest in counted:
        told[rule, member] = count
        if newest is not None:
            lists[rule, member] = newest
    return told, lists
