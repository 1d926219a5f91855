"""Plans, sessions, pain and closed weeks for the patients of a made-up world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from clinic.db import silently
from treatments.models import ExerciseSession, PainScore, TreatmentPlan, WeeklyAdherence

SPANS = (timedelta(0), timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1), timedelta(days=31))
PAINS = (0.0, 3.0, 6.999999, 7.0, 7.000001, 10.0)


def treated(clinic: Any, patients: Sequence[Any], moments: Sequence[datetime], random: Random) -> None:
    """Give most patients plans in every state, and what may have come of them; the first has nothing at all."""
    with silently("world"):
        for patient in patients[1:]:
            for _ in range(random.choice((0, 1, 1, 3))):
                _plan(clinic, patient, moments, random)
            PainScore.objects.bulk_create(
                _score(clinic, patient, moments, random) for _ in range(random.choice((0, 2)))
            )


def _near(moments: Sequence[datetime], random: Random) -> datetime:
    return random.choice(moments) + random.choice((-1, 1)) * random.choice(SPANS)


def _plan(clinic: Any, patient: Any, moments: Sequence[datetime], random: Random) -> None:
    start = random.choice(moments).date()
    of = {"clinic": clinic, "patient": patient}
    plan = TreatmentPlan.objects.create(
        name="Plan", starts_on=start, status=random.choice(TreatmentPlan.Status.values), **of
    )
    done = (_near(moments, random) for _ in range(random.choice((0, 1, 4))))
    ExerciseSession.objects.bulk_create(
        ExerciseSession(
            plan=plan, done_at=at, done_on=at.date(), status=random.choice(ExerciseSession.Status.values), **of
        )
        for at in done
    )
    closed_at = _near(moments, random)
    for number in range(random.choice((0, 1, 5))):
        day = start + timedelta(weeks=number)
        completed = random.choice((0, 1, 2, 3))
        week = {"week_on": day, "first_on": day, "last_on": day + timedelta(days=6), "prescribed": 3}
        percent = 100 * completed / 3
        WeeklyAdherence.objects.create(
            plan=plan, completed=completed, percent=percent, closed_at=closed_at, **week, **of
        )
        closed_at += timedelta(weeks=1)


def _score(clinic: Any, patient: Any, moments: Sequence[datetime], random: Random) -> PainScore:
    status = random.choice((*PainScore.Status.values, PainScore.Status.FINAL))
    value, at = random.choice(PAINS), _near(moments, random)
    return PainScore(clinic=clinic, patient=patient, value=value, measured_at=at, status=status)
