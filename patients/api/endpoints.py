"""The endpoints of patients."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ClinicViewSet, Lists, Reads
from clinic.api.filters import Filters, MomentFilter, NamedFilter, WordsFilter
from patients import services
from patients.api.serializers import MoveBody, PatientAnswer, PatientBody, PatientChange
from patients.models import Patient


class PatientFilters(Filters):
    """Filters of patients."""

    external_id = django_filters.CharFilter(field_name="external_id")
    email = django_filters.CharFilter(field_name="email", lookup_expr="iexact")
    status = WordsFilter("status", Patient.Status.values)
    specialist = NamedFilter("specialist")
    tag = django_filters.CharFilter(field_name="tags", lookup_expr="contains", method="tagged")
    registered_since = MomentFilter(field_name="registered_at", lookup_expr="gte")
    registered_until = MomentFilter(field_name="registered_at", lookup_expr="lt")

    def tagged(self, rows: QuerySet[Patient], name: str, value: str) -> QuerySet[Patient]:
        """Keep those with the tag."""
        return rows.filter(tags__contains=[value])


class PatientViewSet(Lists, Reads, ClinicViewSet):
    """Patients. They are archived, never deleted."""

    queryset = Patient.objects.none()
    answer = PatientAnswer
    filterset_class = PatientFilters
    orders = ("-pk", "registered_at", "family_name")

    def rows(self) -> QuerySet[Patient]:
        """Return the clinic's patients."""
        rows = Patient.objects.for_clinic(self.clinic).select_related("clinic", "specialist")
        return rows.prefetch_related("contacts")

    @extend_schema(request=PatientBody, responses={201: PatientAnswer})
    def create(self, request: Request) -> Response:
        """Register a patient. `external_id` is unique at the clinic."""
        values = self.body(PatientBody)
        contacts, deceased_on = values.pop("contacts", None), values.pop("deceased_on", None)
        patient = services.register(clinic=self.clinic, **values)
        self._besides(patient, contacts, deceased_on)
        return self.one(patient, status=201)

    @extend_schema(request=PatientChange, responses=PatientAnswer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change what is known of a patient; `contacts` replaces them all."""
        patient = self.get_object()
        values = self.body(PatientChange, partial=True)
        contacts, deceased_on = values.pop("contacts", None), values.pop("deceased_on", None)
        patient = services.update(patient, **values)
        self._besides(patient, contacts, deceased_on)
        return self.one(patient)

    def _besides(self, patient: Patient, contacts: Any, deceased_on: Any) -> None:
        if contacts is not None:
            services.set_contacts(patient, contacts)
        if deceased_on is not None:
            services.mark_deceased(patient, on=deceased_on)

    @extend_schema(request=MoveBody, responses=PatientAnswer)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, id: str) -> Response:
        """Put the record away: everything pending is cancelled, open forms are voided."""
        patient = self.get_object()
        return self.one(services.archive(patient, **self.body(MoveBody)))

    @extend_schema(request=MoveBody, responses=PatientAnswer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, id: str) -> Response:
        """Take the patient back. What was cancelled stays cancelled."""
        patient = self.get_object()
        return self.one(services.reactivate(patient, **self.body(MoveBody)))
