"""The endpoints of patients."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.bulk import bulk_endpoint
from accounts.api.verbs import verb
from accounts.api.views import ClinicViewSet, Lists, Reads
from clinic.api.filters import Filters, MomentFilter, NamedFilter, TruthFilter, WordsFilter, refuse_unknown
from clinic.clock import ClinicNow
from patients import services
from patients.api.fields import OfPatients
from patients.api.serializers import (
    ConsentAnswer,
    ConsentBody,
    GrantAnswer,
    GrantBody,
    MoveBody,
    PatientAnswer,
    PatientBody,
    PatientChange,
    PatientLine,
)
from patients.bulk import upsert
from patients.consents import consents_of, preferences
from patients.grants import in_force, revoke_grant
from patients.models import Feature, FeatureGrant, Patient


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

    bulk = bulk_endpoint(
        PatientLine, upsert, "Register or change up to 10,000 patients, a line of JSON each; answered line by line."
    )
    archive = verb("archive", services.archive, PatientAnswer, MoveBody)
    reactivate = verb("reactivate", services.reactivate, PatientAnswer, MoveBody)

    @extend_schema(responses=ConsentAnswer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def consents(self, request: Request, id: str) -> Response:
        """List what may be sent to the patient, on every way: what was said, else the default."""
        refuse_unknown(request)
        patient = self.get_object()
        audit.record("consent.listed", obj=patient)
        return self._consents(patient)

    @extend_schema(request=ConsentBody(many=True), responses=ConsentAnswer(many=True))
    @consents.mapping.put
    def set_consents(self, request: Request, id: str) -> Response:
        """Note what the patient said; ways that are not named stay as they are."""
        patient = self.get_object()
        services.set_consents(patient, self.bodies(ConsentBody, most=100))
        return self._consents(patient)

    def _consents(self, patient: Patient) -> Response:
        said = {(row.category, row.channel): row.said_at for row in consents_of(patient)}
        rows = [
            {"category": way[0], "channel": way[1], "granted": granted, "said_at": said.get(way)}
            for way, granted in preferences(patient).items()
        ]
        return self.shown(ConsentAnswer, rows, many=True)


class GrantFilters(OfPatients):
    """Filters of access grants."""

    feature = WordsFilter("feature", Feature.values)
    in_force = TruthFilter(method="holding")

    def holding(self, rows: QuerySet[FeatureGrant], name: str, value: bool) -> QuerySet[FeatureGrant]:
        """Keep the grants that hold now, or those that do not."""
        now = in_force(ClinicNow()).values("pk")
        return rows.filter(pk__in=now) if value else rows.exclude(pk__in=now)


class GrantViewSet(Lists, Reads, ClinicViewSet):
    """What patients may use beyond their own pages, now and before."""

    queryset = FeatureGrant.objects.none()
    answer = GrantAnswer
    filterset_class = GrantFilters
    noun = "access"

    def rows(self) -> QuerySet[FeatureGrant]:
        """Return the clinic's grants."""
        return FeatureGrant.objects.for_clinic(self.clinic)

    @extend_schema(request=GrantBody, responses={201: GrantAnswer})
    def create(self, request: Request) -> Response:
        """Grant a feature. Granted already, it reaches to the later end and never stacks."""
        values = self.body(GrantBody)
        return self.one(services.grant_access(values.pop("patient"), **values), status=201)

    revoke = verb("revoke", revoke_grant, GrantAnswer)
