"""Services, appointments and visit summaries on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from appointments.lifecycle import REOPENED_AS
from appointments.locking import REASON_MAX
from appointments.models import Appointment, Service, VisitSummary
from clinic.api.bodies import Answer, Body
from clinic.api.fields import Blank, Boolean, Id, Integer, Moment, Reference, Slug, SlugOf, Text, one_of
from patients.api.fields import PatientField, PatientId
from patients.api.serializers import MoveBody, specialists

MINUTES_MAX = 525_600
SUMMARY_MAX = 50_000


def services(clinic: Any) -> Any:
    """Return the services that a body may name; whether one is still offered `book` asks."""
    return Service.objects.for_clinic(clinic)


class ServiceAnswer(Answer):
    """A kind of appointment."""

    id = Id(source="pk")
    slug = Text()
    name = Text()
    minutes = Integer()
    archived = serializers.SerializerMethodField()

    def get_archived(self, row: Service) -> bool:
        """Tell whether it is no longer offered."""
        return row.archived_at is not None


class ServiceBody(Body):
    """A kind of appointment to offer."""

    slug = Slug()
    name = Text()
    minutes = Integer(min_value=1, max_value=1440, default=30)


class ServiceChange(Body):
    """What may change; the slug stays, because rules name it."""

    slug = Slug(required=False)
    name = Text(required=False)
    minutes = Integer(min_value=1, max_value=1440, required=False)
    archived = Boolean(required=False)


class AppointmentAnswer(Answer):
    """A visit."""

    id = Id(source="pk")
    external_id = Text(allow_null=True)
    patient = PatientId()
    service = SlugOf()
    specialist = SlugOf(allow_null=True)
    starts_at = Moment()
    minutes = Integer()
    status = one_of(Appointment.Status.values)
    location = Blank(max_length=200)
    join_url = Blank(max_length=200)
    series = Id(source="series_id", allow_null=True)
    series_position = Integer(allow_null=True)
    created_at = Moment()


class Place(Body):
    """Where and how long."""

    minutes = Integer(min_value=1, max_value=MINUTES_MAX, required=False)
    location = Blank(max_length=200)
    join_url = serializers.URLField(max_length=200, allow_null=True, required=False)


class AppointmentBody(Place):
    """A visit to book; `status` records one that got further already."""

    patient = PatientField()
    service = Reference(services)
    specialist = Reference(specialists, allow_null=True, required=False)
    starts_at = Moment()
    status = one_of(Appointment.Status.values, required=False)
    external_id = Text(allow_null=True, required=False)
    override_reason = Text(max_length=REASON_MAX, allow_blank=True, required=False)
    occurred_at = Moment(required=False)


class ReasonBody(MoveBody):
    """A change of state, and why."""

    reason = Text(max_length=REASON_MAX, allow_blank=True, required=False)


class ErrorBody(Body):
    """Why it never was."""

    reason = Text(max_length=REASON_MAX, allow_blank=True, required=False)


class ReopenBody(ReasonBody):
    """The state to correct it back to."""

    to = one_of([str(one) for one in Appointment.Status.values if one in REOPENED_AS], required=False)


class RescheduleBody(MoveBody):
    """The new start."""

    starts_at = Moment()


class ReassignBody(MoveBody):
    """The new specialist; null for nobody yet."""

    specialist = Reference(specialists, allow_null=True)


class SummaryAnswer(Answer):
    """What the specialist wrote about a visit."""

    appointment = Id(source="appointment_id")
    patient = PatientId()
    text = Text(max_length=None)
    status = one_of(VisitSummary.Status.values)
    released_at = Moment(allow_null=True)
    released_by = SlugOf(allow_null=True)


class SummaryBody(Body):
    """The draft of the summary."""

    text = Text(max_length=SUMMARY_MAX)


class AppointmentLine(Body):
    """A line of a bulk body: an absent key is unchanged, null clears; patient, service and specialist by name."""

    external_id = Text()
    patient = Text(required=False)
    service = Text(max_length=50, required=False)
    specialist = Text(max_length=50, allow_null=True, required=False)
    starts_at = Moment(required=False)
    minutes = Integer(min_value=1, max_value=MINUTES_MAX, required=False)
    status = one_of(Appointment.Status.values, required=False)
    location = Blank(max_length=200)
    join_url = serializers.URLField(max_length=200, allow_null=True, required=False)
    occurred_at = Moment(required=False, allow_null=True)
