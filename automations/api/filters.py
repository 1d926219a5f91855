"""The filters of the lists of rules, events, runs and steps."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from automations.api.showing import ENABLED
from automations.engine.declare import catalog
from automations.models import Event, Rule, Run, Step
from clinic.api.filters import Filters, IdFilter, MomentFilter, NamedFilter, WordsFilter
from clinic.api.problems import invalid

TRUTH = {"true": True, "false": False}


class TriggerFilter(django_filters.CharFilter):
    """Keep what starts from a trigger; one that is not in the catalog is refused."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Keep those rows."""
        if value and value not in catalog.triggers:
            raise invalid("/trigger_event", "unknown_trigger", _("There is no such trigger; the catalog lists them."))
        return super().filter(qs, value)


class RuleFilters(Filters):
    """Rules by what starts them and by how they stand."""

    trigger_event = TriggerFilter("trigger_of_draft")
    enabled = django_filters.ChoiceFilter(
        choices=[(word, word) for word in TRUTH], method="by_enabled", help_text="Mode on or review."
    )
    mode = WordsFilter("mode", Rule.Mode.values)

    def by_enabled(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Keep those that act, or those that do not."""
        return rows.filter(mode__in=ENABLED) if TRUTH[value] else rows.exclude(mode__in=ENABLED)


class EventFilters(Filters):
    """Events by patient, kind and time."""

    patient = IdFilter("patient")
    patient_external_id = django_filters.CharFilter("patient__external_id")
    trigger_event = TriggerFilter("trigger")
    state = WordsFilter("state", Event.State.values)
    since = MomentFilter("occurred_at", lookup_expr="gte")
    until = MomentFilter("occurred_at", lookup_expr="lt")


class RunFilters(Filters):
    """Runs by patient, rule, event, outcome and time."""

    patient = IdFilter("patient")
    patient_external_id = django_filters.CharFilter("patient__external_id")
    rule = NamedFilter("rule")
    event = IdFilter("event")
    outcome = WordsFilter("outcome", Run.Outcome.values)
    since = MomentFilter("created_at", lookup_expr="gte")
    until = MomentFilter("created_at", lookup_expr="lt")


class StepFilters(Filters):
    """Steps by state, patient, rule, run and due moment."""

    state = WordsFilter("state", Step.State.values)
    patient = IdFilter("patient")
    patient_external_id = django_filters.CharFilter("patient__external_id")
    rule = NamedFilter("rule")
    run = IdFilter("run")
    due = MomentFilter("due_at", lookup_expr="lte", help_text="Due at this moment or before.")
    due_after = MomentFilter("due_at", lookup_expr="gt")
    due_before = MomentFilter("due_at", lookup_expr="lt")
