"""The endpoints of services, appointments and visit summaries."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.bulk import bulk_endpoint
from accounts.api.verbs import verb
from accounts.api.views import ClinicViewSet, Lists, Reads
from appointments import services
from appointments.api.serializers import (
    AppointmentAnswer,
    AppointmentBody,
    AppointmentLine,
    ErrorBody,
    Place,
    ReasonBody,
    ReassignBody,
    ReopenBody,
    RescheduleBody,
    ServiceAnswer,
    ServiceBody,
    ServiceChange,
    SummaryAnswer,
    SummaryBody,
)
from appointments.bulk import upsert
from appointments.models import Appointment, Service, VisitSummary
from clinic.api.filters import Filters, MomentFilter, NamedFilter, TruthFilter, WordsFilter, refuse_unknown
from patients.api.fields import OfPatients
from patients.api.serializers import MoveBody


class ServiceFilters(Filters):
    """Filters of services."""

    archived = TruthFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)


class ServiceViewSet(Lists, Reads, ClinicViewSet):
    """The kinds of appointment that the clinic offers."""

    queryset = Service.objects.none()
    answer = ServiceAnswer
    filterset_class = ServiceFilters
    named_by_slug = True
    orders = ("name", "pk")

    @extend_schema(request=ServiceBody, responses={201: ServiceAnswer})
    def create(self, request: Request) -> Response:
        """Offer a new kind of visit."""
        service = services.create_service(clinic=self.clinic, **self.body(ServiceBody))
        return self.one(service, status=201)

    @extend_schema(request=ServiceChange, responses=ServiceAnswer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change its name or length, or whether it is offered."""
        service = self.get_object()
        return self.one(services.update_service(service, **self.body(ServiceChange, partial=True)))


class AppointmentFilters(OfPatients):
    """Filters of appointments."""

    external_id = django_filters.CharFilter(field_name="external_id")
    service = NamedFilter("service")
    specialist = NamedFilter("specialist")
    status = WordsFilter("status", Appointment.Status.values)
    starts_since = MomentFilter(field_name="starts_at", lookup_expr="gte")
    starts_until = MomentFilter(field_name="starts_at", lookup_expr="lt")


class AppointmentViewSet(Lists, Reads, ClinicViewSet):
    """Appointments. They are cancelled or struck out, never deleted."""

    queryset = Appointment.objects.none()
    answer = AppointmentAnswer
    filterset_class = AppointmentFilters
    orders = ("-pk", "starts_at", "created_at")

    def rows(self) -> QuerySet[Appointment]:
        """Return the clinic's appointments."""
        return Appointment.objects.for_clinic(self.clinic).select_related("service", "specialist")

    @extend_schema(request=AppointmentBody, responses={201: AppointmentAnswer})
    def create(self, request: Request) -> Response:
        """Book a visit. A form that blocks booking is 409, unless `override_reason` says why it may be."""
        visit = services.book(clinic=self.clinic, **self.body(AppointmentBody))
        return self.one(visit, status=201)

    @extend_schema(request=Place, responses=AppointmentAnswer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change where and how long; its start and its specialist have verbs of their own."""
        visit = self.get_object()
        return self.one(services.change(visit, **self.body(Place, partial=True)))

    bulk = bulk_endpoint(
        AppointmentLine, upsert, "Book or move up to 10,000 appointments, a line of JSON each; answered line by line."
    )
    confirm = verb("confirm", services.confirm, AppointmentAnswer, MoveBody)
    start = verb("start", services.start, AppointmentAnswer, MoveBody)
    complete = verb("complete", services.complete, AppointmentAnswer, MoveBody)
    cancel = verb("cancel", services.cancel, AppointmentAnswer, ReasonBody)
    no_show = verb("no-show", services.no_show, AppointmentAnswer, MoveBody)
    reschedule = verb("reschedule", services.reschedule, AppointmentAnswer, RescheduleBody)
    reassign = verb("reassign", services.reassign, AppointmentAnswer, ReassignBody)
    reopen = verb("reopen", services.reopen, AppointmentAnswer, ReopenBody)
    entered_in_error = verb("entered-in-error", services.enter_in_error, AppointmentAnswer, ErrorBody)

    @extend_schema(responses=SummaryAnswer)
    @action(detail=True, methods=["get"])
    def summary(self, request: Request, id: str) -> Response:
        """Show what the specialist wrote about the visit."""
        refuse_unknown(request)
        visit = self.get_object()
        summary = VisitSummary.objects.filter(appointment=visit).select_related("released_by").first()
        if summary is None:
            raise Http404
        audit.record("visit_summary.read", obj=summary)
        return self.shown(SummaryAnswer, summary)

    @extend_schema(request=SummaryBody, responses=SummaryAnswer)
    @summary.mapping.put
    def write_summary(self, request: Request, id: str) -> Response:
        """Write, or write anew, the draft of the visit's summary; a released one stays."""
        visit = self.get_object()
        return self.shown(SummaryAnswer, services.write_summary(visit, **self.body(SummaryBody)))

    @extend_schema(request=MoveBody, responses=SummaryAnswer)
    @action(detail=True, methods=["post"], url_path="summary/release")
    def release_summary(self, request: Request, id: str) -> Response:
        """Let the patient read the summary; from now on it stays as it is."""
        visit = self.get_object()
        return self.shown(SummaryAnswer, services.release_summary(visit, **self.body(MoveBody)))
