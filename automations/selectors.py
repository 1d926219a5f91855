"""Questions about events, runs and steps of one clinic, for whoever shows them."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Prefetch, QuerySet

from automations.models import Event, Rule, Run, Step
from clinic.clock import ClinicNow
from clinic.slugs import is_number


def rule_of(clinic: Any, key: str) -> Rule | None:
    """Return the clinic's rule of that slug or id; digits are always an id."""
    rows = Rule.objects.for_clinic(clinic).defer("draft")
    if not is_number(key):
        return rows.filter(slug=key).first()
    return rows.filter(pk=int(key)).first() if len(key) < 19 else None


def events_of(clinic: Any) -> QuerySet[Event]:
    """Return the clinic's events, newest first, with the ids of the runs that answered each. Two queries."""
    runs = Prefetch("runs", Run.objects.order_by("pk").only("pk", "event_id"))
    return Event.objects.for_clinic(clinic).defer("facts").prefetch_related(runs).order_by("-pk")


def runs_of(clinic: Any) -> QuerySet[Any]:
    """Return the clinic's runs, newest first, with rule and version and the ids of their steps. Two queries."""
    steps = Prefetch("steps", Step.objects.order_by("pk").only("pk", "run_id"))
    rows = Run.objects.for_clinic(clinic).annotate(rule_slug=F("rule__slug"), version_number=F("version__number"))
    return rows.prefetch_related(steps).order_by("-pk")


def overdue(rule: Rule) -> QuerySet[Step]:
    """Return the open steps whose time has passed; those that wait, or that a person holds, are not."""
    late = Step.objects.filter(rule=rule, state__in=Step.OPEN, due_at__lte=ClinicNow(), waiting_for="")
    return late.exclude(state=Step.State.HELD, reason="held_by_person")


def steps_of(clinic: Any) -> QuerySet[Any]:
    """Return the clinic's steps, soonest first, with the slug of their rule. One query."""
    rows = Step.objects.for_clinic(clinic).annotate(rule_slug=F("rule__slug")).defer("config")
    return rows.order_by("due_at", "pk")
