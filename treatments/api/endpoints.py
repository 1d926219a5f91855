"""The endpoints of programs, treatment plans, sessions and adherence."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.verbs import verb
from accounts.api.views import ClinicViewSet, Lists, Reads
from clinic.api.filters import PAGED, Filters, NamedFilter, TruthFilter, WordsFilter, refuse_unknown
from patients.api.fields import OfPatients
from patients.api.serializers import MoveBody
from treatments import selectors, services
from treatments.api.serializers import (
    PlanAnswer,
    PlanBody,
    PlanReasonBody,
    ProgramAnswer,
    ProgramBody,
    SessionAnswer,
    SessionBody,
    WeekAnswer,
)
from treatments.models import Program, TreatmentPlan


class ProgramFilters(Filters):
    """Filters of programs."""

    archived = TruthFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)


class ProgramViewSet(Lists, Reads, ClinicViewSet):
    """The kinds of plan that the clinic offers; rules name them by slug."""

    queryset = Program.objects.none()
    answer = ProgramAnswer
    filterset_class = ProgramFilters
    named_by_slug = True
    orders = ("name", "pk")

    @extend_schema(request=ProgramBody, responses={201: ProgramAnswer})
    def create(self, request: Request) -> Response:
        """Offer a new kind of plan."""
        return self.one(services.create_program(clinic=self.clinic, **self.body(ProgramBody)), status=201)

    archive = verb("archive", services.archive_program, ProgramAnswer)
    restore = verb("restore", services.restore_program, ProgramAnswer)


class PlanFilters(OfPatients):
    """Filters of treatment plans."""

    external_id = django_filters.CharFilter(field_name="external_id")
    program = NamedFilter("program")
    specialist = NamedFilter("specialist")
    status = WordsFilter("status", TreatmentPlan.Status.values)


class PlanViewSet(Lists, Reads, ClinicViewSet):
    """What patients are to do at home."""

    queryset = TreatmentPlan.objects.none()
    answer = PlanAnswer
    filterset_class = PlanFilters
    noun = "plan"
    orders = ("-pk", "starts_on", "created_at")

    def rows(self) -> QuerySet[TreatmentPlan]:
        """Return the clinic's plans with what they prescribe."""
        rows = TreatmentPlan.objects.for_clinic(self.clinic).select_related("program", "specialist")
        return rows.prefetch_related("versions__exercises")

    @extend_schema(request=PlanBody, responses={201: PlanAnswer})
    def create(self, request: Request) -> Response:
        """Write a draft of a plan: no rule hears of it until it is assigned."""
        return self.one(services.create_plan(clinic=self.clinic, **self.body(PlanBody)), status=201)

    assign = verb("assign", services.assign, PlanAnswer, MoveBody)
    pause = verb("pause", services.pause, PlanAnswer, MoveBody)
    resume = verb("resume", services.resume, PlanAnswer, MoveBody)
    complete = verb("complete", services.complete, PlanAnswer, MoveBody)
    cancel = verb("cancel", services.cancel, PlanAnswer, PlanReasonBody)

    @extend_schema(responses=SessionAnswer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, orders=("-pk",))
    def sessions(self, request: Request, id: str) -> Response:
        """List the sessions of the plan, the newest first."""
        refuse_unknown(request, PAGED)
        plan = self.get_object()
        audit.record("session.listed", obj=plan)
        page: list[Any] = self.paginate_queryset(selectors.sessions_of(plan)) or []
        data = SessionAnswer(page, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(data)

    @extend_schema(request=SessionBody, responses={201: SessionAnswer})
    @sessions.mapping.post
    def log_session(self, request: Request, id: str) -> Response:
        """Log that an exercise was done, and how much it hurt."""
        session = services.log_session(self.get_object(), **self.body(SessionBody))
        return self.shown(SessionAnswer, session, status=201)

    @extend_schema(responses=WeekAnswer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def adherence(self, request: Request, id: str) -> Response:
        """List the closed weeks of the plan, the newest first."""
        refuse_unknown(request)
        plan = self.get_object()
        audit.record("adherence.listed", obj=plan)
        return self.shown(WeekAnswer, selectors.weeks_of(plan), many=True)
