"""How the rules of a list are doing: their sentence, their last run, what failed, what they name that is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Q, TextField
from django.db.models.functions import Cast, TruncDate

from automations.compiled import PARTS, missing_references, spec_of
from automations.drafts import draft_texts, parse_draft
from automations.engine.moments import start_of_day
from automations.engine.values import RuleSpec
from automations.models import Rule, RuleVersion, Run, Step
from automations.naming import Names, names_of
from automations.showing.answers import Spark, spark
from automations.showing.words import plain_words
from clinic.clock import now

FAILURE_DAYS = 30


@dataclass(slots=True)
class Health:
    """What the list says about a rule: `broken` and `unusable` in words, empty if it is not.

    `idle`: in service for 30 days, and nothing matched in them.
    """

    seen_at: datetime
    last_run: datetime | None = None
    failures: int = 0
    broken: str = ""
    unusable: str = ""
    spark: Spark | None = None
    idle: bool = False


def version_text(version_id: int) -> str:
    """Return a version's stored parts as one text, for people to look at when it cannot be used."""
    columns = {f"{part}_text": Cast(part, TextField()) for part in PARTS}
    row = RuleVersion.objects.filter(pk=version_id).annotate(**columns).values("trigger", *columns).get()
    return "\n\n".join(f"{key.removesuffix('_text')}: {value[:20_000]}" for key, value in row.items())


def add_state(rules: Iterable[Rule]) -> None:
    """Give each rule `words` (its sentence) and `health`, in a fixed number of queries."""
    rules = list(rules)
    ids = [rule.pk for rule in rules]
    texts = draft_texts(ids)
    specs = {rule.pk: parse_draft(texts.get(rule.pk, "")) for rule in rules}
    moment = now()
    since = moment - timedelta(days=FAILURE_DAYS)
    runs, failed = _runs(ids, since), _failed_steps(ids, since)
    broken, names = _references(rules, specs)
    per_day = _per_day(rules, moment)
    for rule in rules:
        last, errors = runs.get(rule.pk, (None, 0))
        spec = specs[rule.pk]
        unusable = spec if isinstance(spec, str) else ""
        counts = per_day[rule.pk]
        since_long = rule.active_since is not None and rule.active_since < since
        rule.health = Health(  # type: ignore[attr-defined]
            moment,
            last,
            errors + failed.get(rule.pk, 0),
            broken.get(rule.pk, ""),
            unusable,
            spark(counts) if any(counts.values()) else None,
            rule.mode in Rule.MATCHING and since_long and not any(counts.values()),
        )
        rule.words = plain_words(spec, names[rule.clinic_id]) if isinstance(spec, RuleSpec) else ""  # type: ignore[attr-defined]


def _per_day(rules: list[Rule], moment: datetime) -> dict[int, dict[date, int]]:
    """Return the runs of the last 30 days of each rule, by the day of its clinic; one query a clinic."""
    found: dict[int, dict[date, int]] = {}
    for clinic_id in {rule.clinic_id for rule in rules}:
        mine = [rule for rule in rules if rule.clinic_id == clinic_id]
        zone = ZoneInfo(mine[0].clinic.time_zone)
        today = moment.astimezone(zone).date()
        days = [today - timedelta(days=back) for back in reversed(range(FAILURE_DAYS))]
        found |= {rule.pk: dict.fromkeys(days, 0) for rule in mine}
        rows = Run.objects.filter(
            rule__in=mine, outcome=Run.Outcome.MATCHED, created_at__gte=start_of_day(days[0], zone)
        )
        by_day = rows.order_by().annotate(day=TruncDate("created_at", tzinfo=zone)).values_list("rule_id", "day")
        for pk, day, count in by_day.annotate(count=Count("pk")):
            found[pk][day] = found[pk].get(day, 0) + count
    return found


def _runs(ids: list[int], since: datetime) -> dict[int, tuple[Any, int]]:
    recent_errors = Count("pk", filter=Q(outcome=Run.Outcome.ERROR, created_at__gte=since))
    rows = Run.objects.filter(rule_id__in=ids).order_by().values_list("rule_id")
    return {pk: (last, errors) for pk, last, errors in rows.annotate(last=Max("created_at"), errors=recent_errors)}


def _failed_steps(ids: list[int], since: datetime) -> dict[int, int]:
    rows = Step.objects.filter(rule_id__in=ids, state=Step.State.FAILED, finished_at__gte=since)
    return dict(rows.order_by().values_list("rule_id").annotate(count=Count("pk")))


def _references(rules: list[Rule], specs: dict[int, RuleSpec | str]) -> tuple[dict[int, str], dict[int, Names]]:
    """Return what is gone by rule, and the names of rows by clinic."""
    broken: dict[int, str] = {}
    names: dict[int, Names] = {}
    for clinic_id in {rule.clinic_id for rule in rules}:
        mine = {rule.pk: specs[rule.pk] for rule in rules if rule.clinic_id == clinic_id}
        usable = {pk: spec for pk, spec in mine.items() if isinstance(spec, RuleSpec)}
        broken |= missing_references(clinic_id, {pk: spec.references for pk, spec in usable.items()})
        names[clinic_id] = names_of(clinic_id, usable.values())
    return broken, names


def unusable_version(version_id: int) -> str:
    """Return the text of a version that cannot be used; "" if it can."""
    return version_text(version_id) if isinstance(spec_of(version_id), str) else ""


def version_number(rule: Rule) -> int | None:
    """Return the number of the published version."""
    if rule.published_id is None:
        return None
    return RuleVersion.objects.values_list("number", flat=True).get(pk=rule.published_id)
