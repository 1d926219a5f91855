"""The endpoints of segments and their members."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.views import ClinicViewSet, Lists, Reads
from accounts.models import ApiToken
from clinic.api.fields import id_of
from clinic.api.filters import PAGED, Filters, TruthFilter, WordsFilter, refuse_unknown
from patients.models import Patient
from segments import selectors, services
from segments.api.serializers import (
    MemberAnswer,
    MemberBody,
    PreviewAnswer,
    PreviewBody,
    SegmentAnswer,
    SegmentBody,
    SegmentChange,
)
from segments.models import Segment, SegmentMembership


class SegmentFilters(Filters):
    """Filters of segments."""

    kind = WordsFilter("kind", Segment.Kind.values)
    archived = TruthFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)


class SegmentViewSet(Lists, Reads, ClinicViewSet):
    """Groups of patients: conditions decide, or people and rules do."""

    queryset = Segment.objects.none()
    answer = SegmentAnswer
    filterset_class = SegmentFilters
    named_by_slug = True
    orders = ("name", "pk")
    action_scopes = {"preview": ApiToken.Scope.READ}

    def rows(self) -> Any:
        """Return the clinic's segments with the number of their members."""
        inside = Count("memberships", filter=Q(memberships__is_member=True))
        return Segment.objects.for_clinic(self.clinic).annotate(member_count=inside)

    @extend_schema(request=SegmentBody, responses={201: SegmentAnswer})
    def create(self, request: Request) -> Response:
        """Define a segment. Who is in it from the start is told to no rule."""
        return self.one(services.create(clinic=self.clinic, **self.body(SegmentBody)), status=201)

    @extend_schema(request=SegmentChange, responses=SegmentAnswer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change it; another definition moves patients in and out, and no rule is told."""
        segment = self.get_object()
        values = self.body(SegmentChange, partial=True)
        archived = values.pop("archived", None)
        segment = services.update(segment, **values)
        if archived is not None:
            segment = services.archive(segment) if archived else services.restore(segment)
        return self.one(segment)

    @extend_schema(responses=MemberAnswer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, orders=("pk",))
    def members(self, request: Request, id: str) -> Response:
        """List who is in the segment now."""
        refuse_unknown(request, PAGED)
        page = self.paginate_queryset(selectors.members(self.get_object())) or []
        audit.listed("segment_member", page, clinic_id=self.clinic.pk)
        data = MemberAnswer(page, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(data)

    @extend_schema(request=MemberBody, responses={200: MemberAnswer, 201: MemberAnswer})
    @members.mapping.post
    def add_member(self, request: Request, id: str) -> Response:
        """Put a patient into a manual segment. In it already: 200, and nothing happens."""
        segment = self.get_object()
        patient = self.body(MemberBody)["patient"]
        added = services.add_member(segment, patient)
        row = SegmentMembership.objects.get(segment=segment, patient=patient)
        return self.shown(MemberAnswer, row, status=201 if added else 200)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["delete"], url_path="members/(?P<patient>[^/]{1,200})")
    def remove_member(self, request: Request, id: str, patient: str) -> Response:
        """Take a patient out of a manual segment. Not in it: nothing happens."""
        refuse_unknown(request)
        segment = self.get_object()
        found = Patient.objects.for_clinic(self.clinic).filter(pk=id_of(patient) or 0).first()
        if found is None:
            raise Http404
        services.remove_member(segment, found)
        return Response(status=204)

    @extend_schema(request=PreviewBody, responses=PreviewAnswer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """Ask conditions of the clinic's patients; nothing is stored."""
        values = self.body(PreviewBody)
        found = selectors.preview(self.clinic, values["conditions"], values.get("as_of"))
        audit.listed("segment_preview", found.sample, clinic_id=self.clinic.pk)
        sample: list[dict[str, Any]] = [{"id": str(one.pk), "name": str(one)} for one in found.sample]
        return self.shown(PreviewAnswer, {"count": found.count, "of": found.of, "sample": sample})
