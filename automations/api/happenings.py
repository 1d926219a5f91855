"""The endpoints of what happened and what follows: events, runs, steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ClinicViewSet, Lists, Reads
from automations import interventions, selectors
from automations.api.filters import EventFilters, RunFilters, StepFilters
from automations.api.inputs import NamedEventBody
from automations.api.serializers import EventSerializer, RunSerializer, StepSerializer
from automations.models import Event, Run, Step
from automations.named_events import record_named_event
from clinic.api.bodies import NoBody


class EventViewSet(Lists, Reads, ClinicViewSet):
    """What happened to patients' records, and what it caused."""

    queryset = Event.objects.none()
    answer = EventSerializer
    write_scope = "events"
    filterset_class = EventFilters
    orders = ("-pk",)

    def rows(self) -> Any:
        """Return the clinic's events."""
        return selectors.events_of(self.clinic)

    @extend_schema(request=NamedEventBody, responses={201: EventSerializer})
    def create(self, request: Request) -> Response:
        """Tell that something named happened to a patient: rules with the trigger `api.event` answer it."""
        return self.one(record_named_event(self.clinic, **self.body(NamedEventBody)), status=201)


class RunViewSet(Lists, Reads, ClinicViewSet):
    """The rules' answers to events: the trace of each."""

    queryset = Run.objects.none()
    answer = RunSerializer
    filterset_class = RunFilters
    orders = ("-pk",)

    def rows(self) -> Any:
        """Return the clinic's runs."""
        return selectors.runs_of(self.clinic)


class StepViewSet(Lists, Reads, ClinicViewSet):
    """What rules do, one action at a time: planned, held, done, or why not."""

    queryset = Step.objects.none()
    answer = StepSerializer
    filterset_class = StepFilters
    orders = ("due_at", "pk")

    def rows(self) -> Any:
        """Return the clinic's steps."""
        return selectors.steps_of(self.clinic)

    def _do(self, verb: Callable[[Step], Step]) -> Response:
        self.body(NoBody)
        return self.one(verb(self.get_object()))

    @extend_schema(request=NoBody, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, id: str) -> Response:
        """End an open step without its effect."""
        return self._do(interventions.skip)

    @extend_schema(request=NoBody, responses=StepSerializer)
    @action(detail=True, methods=["post"], url_path="run-now")
    def run_now(self, request: Request, id: str) -> Response:
        """Make an open step due at once, whatever it waits for."""
        return self._do(interventions.run_now)

    @extend_schema(request=NoBody, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, id: str) -> Response:
        """Keep a pending step from running until somebody releases it."""
        return self._do(interventions.hold)

    @extend_schema(request=NoBody, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, id: str) -> Response:
        """Let a held step run at its time; at once, if that has passed."""
        return self._do(interventions.release)

    @extend_schema(request=NoBody, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: str) -> Response:
        """Try a failed step again, with a fresh count of attempts."""
        return self._do(interventions.retry)
