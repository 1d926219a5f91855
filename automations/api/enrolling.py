"""The endpoints that start a rule for patients: for those who were there before it, or by hand."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from automations import enrolling
from automations.api.inputs import PatientField
from automations.models import Enrolment
from clinic.api.bodies import Answer, Body
from clinic.api.fields import Boolean, Id, Integer, Moment, Text
from clinic.api.filters import PAGED, refuse_unknown


class EnrollBody(Body):
    """Who is meant: exactly one of `segment`, `all` and `patients`."""

    segment = Text(required=False, max_length=80, help_text="A segment's slug: its members now.")
    all = Boolean(required=False, help_text="true: everybody in care.")
    patients = serializers.ListField(child=PatientField(), required=False, min_length=1, max_length=1_000)
    preview = Boolean(default=False, help_text="true: only say what would happen.")
    per_minute = Integer(min_value=1, max_value=enrolling.MOST_A_MINUTE, default=60)


class RunBody(Body):
    """Whom to start the rule for."""

    patients = serializers.ListField(child=PatientField(), min_length=1, max_length=enrolling.MOST_BY_HAND)


class PreviewSerializer(Answer):
    """What an enrolment would do now; nothing was written."""

    of = serializers.IntegerField(help_text="Patients who are meant.")
    already = serializers.IntegerField(help_text="Of these, left out: the rule ran for them before.")
    count = serializers.IntegerField(allow_null=True, help_text="Of the rest, who meet the conditions; null: unknown.")
    sample = serializers.SerializerMethodField()
    steps = serializers.DictField(child=serializers.IntegerField(), help_text="By action, at most.")

    def get_sample(self, found: enrolling.Preview) -> list[str]:
        """Name some of the patients."""
        return [str(patient.pk) for patient in found.sample]


class EnrolmentSerializer(Answer):
    """A rule being started for patients, so many a minute."""

    id = Id(source="pk")
    who = serializers.CharField(help_text="all, chosen, or segment:slug.")
    patients = serializers.SerializerMethodField()
    started = serializers.IntegerField(help_text="Patients for whom it was started so far.")
    per_minute = serializers.IntegerField()
    state = serializers.ChoiceField(Enrolment.State.choices)
    created_at = Moment()
    finished_at = Moment(allow_null=True)

    def get_patients(self, enrolment: Enrolment) -> int:
        """Count whom it is for."""
        return len(enrolment.patient_ids)


class StartedSerializer(Answer):
    """The events that start the rule, in the order of the patients' ids."""

    events = serializers.ListField(child=serializers.CharField())


EITHER = PolymorphicProxySerializer(
    "EnrollAnswer", [PreviewSerializer, EnrolmentSerializer], resource_type_field_name=None
)


class Enrols:
    """Starting a rule for patients."""

    @extend_schema(request=EnrollBody, responses={200: EITHER, 201: EnrolmentSerializer})
    @action(detail=True, methods=["post"])
    def enroll(self: Any, request: Request, id: str) -> Response:
        """Start the rule for patients who were there before it, so many a minute; `preview` only says what would be."""
        values = self.body(EnrollBody)
        preview, per_minute = values.pop("preview"), values.pop("per_minute")
        who = {"everybody": values.pop("all", False)}
        if "patients" in values:
            who["patients"] = [patient.pk for patient in values.pop("patients")]
        rule = self.get_object()
        if preview:
            found = enrolling.preview(rule, **who, **values)
            audit.record("rule.enrolment_previewed", obj=rule, detail={"patients": [one.pk for one in found.sample]})
            return self.shown(PreviewSerializer, found)
        return self.shown(
            EnrolmentSerializer, enrolling.enrol(rule, per_minute=per_minute, **who, **values), status=201
        )

    @extend_schema(responses=EnrolmentSerializer(many=True), filters=False)
    @enroll.mapping.get
    def enrolments(self: Any, request: Request, id: str) -> Response:
        """List the rule's enrolments, newest first."""
        refuse_unknown(request, PAGED)
        page = self.paginate_queryset(Enrolment.objects.filter(rule=self.get_object()))
        data = EnrolmentSerializer(page, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(data)

    @extend_schema(responses={200: EnrolmentSerializer, 404: OpenApiResponse(description="None is running.")})
    @enroll.mapping.delete
    def cancel_enrolment(self: Any, request: Request, id: str) -> Response:
        """Start the rule for nobody more; what it has begun goes on."""
        refuse_unknown(request)
        running = Enrolment.objects.filter(rule=self.get_object(), state=Enrolment.State.RUNNING).first()
        if running is None:
            raise Http404(_("No enrolment of this rule is running."))
        return self.shown(EnrolmentSerializer, enrolling.cancel(running))

    @extend_schema(request=RunBody, responses={201: StartedSerializer})
    @action(detail=True, methods=["post"])
    def run(self: Any, request: Request, id: str) -> Response:
        """Start a rule with the trigger `manual` for these patients, at once."""
        values = self.body(RunBody)
        events = enrolling.run_by_hand(self.get_object(), [patient.pk for patient in values["patients"]])
        return self.shown(StartedSerializer, {"events": [str(event.pk) for event in events]}, status=201)
