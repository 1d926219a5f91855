"""The filters of the lists of rules, events, runs and steps."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from automations.api.showing import ENABLED
from automations.models import Event, Rule, Run, Step
from clinic.api.filters import Filters, MomentFilter, NamedFilter, WordsFilter

TRUTH = {"true": True, "false": False}


class RuleFilters(Filters):
    """Rules by what starts them and by how they stand."""

    trigger_event = django_filters.CharFilter("trigger_of_draft")
    enabled = django_filters.ChoiceFilter(
        choices=[(word, word) for word in TRUTH], method="by_enabled", help_text="Mode on or review."
    )
    mode = WordsFilter("mode", Rule.Mode.values)

    def by_enabled(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Keep those that act, or those that do not."""
        return rows.filter(mode__in=ENABLED) if TRUTH[value] else rows.exclude(mode__in=ENABLED)


class EventFilters(Filters):
    """Events by patient, kind and time."""

    patient = NamedFilter("patient", slug=None)
    patient_external_id = django_filters.CharFilter("patient__external_id")
    trigger_event = django_filters.CharFilter("trigger")
    state = WordsFilter("state", Event.State.values)
    since = MomentFilter("occurred_at", lookup_expr="gte")
    until = MomentFilter("occurred_at", lookup_expr="lt")


class RunFilters(Filters):
    """Runs by patient, rule, event, outcome and time."""

    patient = NamedFilter("patient", slug=None)
    patient_external_id = django_filters.CharFilter("patient__external_id")
    rule = NamedFilter("rule")
    event = NamedFilter("event", slug=None)
    outcome = WordsFilter("outcome", Run.Outcome.values)
    since = MomentFilter("created_at", lookup_expr="gte")
    until = MomentFilter("created_at", lookup_expr="lt")


class StepFilters(Filters):
    """Steps by state, patient, rule, run and due moment."""

    state = WordsFilter("state", Step.State.values)
    patient = NamedFilter("patient", slug=None)
    patient_external_id = django_filters.CharFilter("patient__external_id")
    rule = NamedFilter("rule")
    run = NamedFilter("run", slug=None)
    due = MomentFilter("due_at", lookup_expr="lte", help_text="Due at this moment or before.")
    due_after = MomentFilter("due_at", lookup_expr="gt")
    due_before = MomentFilter("due_at", lookup_expr="lt")
