"""What the summary page shows of a patient's treatment: pain with its trend, the plans, and four weeks of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.selectors import local_date
from patients.models import Patient
from treatments.models import PAIN_MAX, TreatmentPlan, WeeklyAdherence
from treatments.selectors import Pain, pain_of, running_plans

WEEKS = 4
PLANS_MAX = 10
WIDTH, HEIGHT, MARGIN = 120, 32, 3
TRENDS = {
    "up": _("stronger than before"),
    "down": _("weaker than before"),
    "steady": _("much as before"),
    "unknown": _("nothing earlier to compare with"),
}


@dataclass(frozen=True, slots=True)
class PainLine:
    """The latest pain in words, and the scores that led to it as the points of a line, oldest first."""

    pain: Pain
    trend: Any
    values: str
    points: str
    end: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlanLines:
    """A plan that the patient follows, and its last evaluated weeks, latest first."""

    plan: TreatmentPlan
    weeks: tuple[WeeklyAdherence, ...]


@dataclass(frozen=True, slots=True)
class Care:
    """Everything on the page about a patient's treatment."""

    pain: PainLine | None
    plans: tuple[PlanLines, ...]


def care_of(patient: Patient, now: datetime) -> Care:
    """Gather it as of `now`. Three queries, two if there is no plan."""
    pain = pain_of(patient.pk, now)
    plans = list(running_plans(patient.pk)[:PLANS_MAX])
    return Care(pain=_line(pain) if pain else None, plans=tuple(_plans(patient, plans, now)))


def _plans(patient: Patient, plans: Sequence[TreatmentPlan], now: datetime) -> list[PlanLines]:
    if not plans:
        return []
    since = local_date(patient.clinic, now) - timedelta(weeks=WEEKS + 2)
    rows = WeeklyAdherence.objects.filter(plan__in=plans, week_on__gte=since).order_by("-first_on")
    found: dict[int, list[WeeklyAdherence]] = {}
    for row in rows:
        found.setdefault(row.plan_id, []).append(row)
    return [PlanLines(plan, tuple(found.get(plan.pk, [])[:WEEKS])) for plan in plans]


def _line(pain: Pain) -> PainLine:
    step = (WIDTH - 2 * MARGIN) / max(len(pain.scores) - 1, 1)
    points = [
        (round(MARGIN + number * step, 1), round(MARGIN + (1 - score.value / PAIN_MAX) * (HEIGHT - 2 * MARGIN), 1))
        for number, score in enumerate(pain.scores)
    ]
    return PainLine(
        pain=pain,
        trend=TRENDS[pain.trend],
        values=", ".join(f"{score.value:.2g}" for score in pain.scores),
        points=" ".join(f"{x},{y}" for x, y in points),
        end=points[-1],
    )
