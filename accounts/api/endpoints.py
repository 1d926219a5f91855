"""The endpoints of the clinic itself, its specialists and its audit trail."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit, services
from accounts.api.serializers import AuditAnswer, ClinicAnswer, ClinicChange, SpecialistAnswer
from accounts.api.views import ClinicView, ClinicViewSet, Lists, Reads
from accounts.models import AuditEntry, Clinic, Membership
from accounts.permissions import Role
from clinic.api.fields import id_of
from clinic.api.filters import Filters, IdFilter, MomentFilter, TruthFilter, refuse_unknown


class ClinicEndpoint(ClinicView):
    """The caller's clinic."""

    serializer_class = ClinicAnswer
    queryset = Clinic.objects.none()
    filter_backends = ()
    pagination_class = None

    def get(self, request: Request) -> Response:
        """Show the clinic and its settings."""
        refuse_unknown(request)
        return self.shown(ClinicAnswer, self.clinic)

    @extend_schema(request=ClinicChange, responses=ClinicAnswer)
    def patch(self, request: Request) -> Response:
        """Change settings."""
        changes = self.body(ClinicChange, partial=True)
        return self.shown(ClinicAnswer, services.update_clinic(self.clinic, **changes))


class SpecialistFilters(Filters):
    """Filters of specialists."""

    active = TruthFilter(field_name="is_active")


class SpecialistViewSet(Lists, Reads, ClinicViewSet):
    """The specialists of the clinic; those who left are inactive."""

    queryset = Membership.objects.none()
    answer = SpecialistAnswer
    filterset_class = SpecialistFilters
    named_by_slug = True
    orders = ("name", "pk")

    def rows(self) -> QuerySet[Membership]:
        """Return the specialists."""
        return Membership.objects.for_clinic(self.clinic).filter(role=Role.SPECIALIST)


class AuditFilters(Filters):
    """Filters of the audit trail."""

    action = django_filters.CharFilter(field_name="action")
    since = MomentFilter(field_name="at", lookup_expr="gte")
    until = MomentFilter(field_name="at", lookup_expr="lt")
    patient = IdFilter(method="of_patient")

    def of_patient(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Keep what concerns one patient, lists that showed them included."""
        number = id_of(value)
        return rows.filter(Q(patient_id=number) | Q(detail__patients__contains=number))


class AuditViewSet(Lists, ClinicViewSet):
    """Who read or changed what. Looking at it is recorded too; admins only."""

    queryset = AuditEntry.objects.none()
    answer = AuditAnswer
    filterset_class = AuditFilters
    read_roles = (Role.CLINIC_ADMIN,)

    def rows(self) -> QuerySet[AuditEntry]:
        """Return the clinic's entries."""
        return AuditEntry.objects.filter(clinic_id=self.clinic.pk)

    @property
    def shows_patients(self) -> bool:
        """Tell that reading the trail is recorded, in its own way."""
        return False

    def note_listed(self, rows: list[Any]) -> None:
        """Say that the trail was looked at, without naming its rows' patients anew."""
        audit.record("audit.listed", clinic_id=self.clinic.pk, detail={"entries": len(rows)})
