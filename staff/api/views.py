"""The endpoints that span apps: a patient's timeline, what is upcoming, and the figures of a clinic's automations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.views import ClinicView
from clinic.api.fields import id_of, moment_of
from clinic.api.filters import refuse_unknown
from clinic.api.problems import invalid
from clinic.clock import now
from patients.models import Patient
from staff.api.serializers import StatsSerializer, TimelineSerializer, UpcomingSerializer
from staff.stats import stats
from staff.timeline import timeline, upcoming

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
DEFAULT_DAYS, MAX_DAYS = 14, 3_660
MONTH = timedelta(days=30)
LIMIT = OpenApiParameter(
    "limit", int, description=f"Lines of each part, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} if left out."
)
BEFORE = OpenApiParameter("before", datetime, description="Further back: `earlier` of the answer before.")
DAYS = OpenApiParameter("days", int, description=f"How far to look ahead; {DEFAULT_DAYS} if left out.")
SINCE = OpenApiParameter("since", datetime, description="From this moment on; 30 days ago if left out.")
UNTIL = OpenApiParameter("until", datetime, description="Up to this moment; now if left out.")


def number(request: Request, name: str, default: int, most: int) -> int:
    """Read a whole number from the address. Raises ProblemError for what is none."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not 1 <= len(text) <= 4 or not 1 <= int(text) <= most:
        raise invalid(f"/{name}", name, _("Give a number from 1 to %(most)d.") % {"most": most})
    return int(text)


def moment(request: Request, name: str) -> datetime | None:
    """Read a moment from the address; None if it is not there. Raises ProblemError for what is none."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        return moment_of(text.replace(" ", "+"))
    except ValueError as error:
        raise invalid(f"/{name}", "moment", str(error)) from None


class PatientView(ClinicView):
    """Something that is asked of one patient."""

    def patient(self) -> Patient:
        """Return the patient of the address. Raises Http404, for another clinic's too."""
        key = id_of(self.kwargs["id"])
        found = Patient.objects.for_clinic(self.clinic).filter(pk=key).first() if key else None
        if found is None:
            raise Http404
        return found


class TimelineView(PatientView):
    """A patient's timeline."""

    serializer_class = TimelineSerializer

    @extend_schema(responses=TimelineSerializer, parameters=[LIMIT, BEFORE])
    def get(self, request: Request, id: str) -> Response:
        """Show what happened, what is planned, and what was suppressed and why."""
        refuse_unknown(request, ["limit", "before"])
        patient = self.patient()
        limit = number(request, "limit", DEFAULT_LIMIT, MAX_LIMIT)
        found = timeline(patient, now(), limit=limit, before=moment(request, "before"))
        audit.record("patient.timeline_read", obj=patient)
        return self.shown(TimelineSerializer, found)


class UpcomingView(PatientView):
    """What is coming for a patient."""

    serializer_class = UpcomingSerializer

    @extend_schema(responses=UpcomingSerializer, parameters=[LIMIT, DAYS])
    def get(self, request: Request, id: str) -> Response:
        """Show what will be done and sent, when and by which rule, visits and forms that are due; soonest first."""
        refuse_unknown(request, ["limit", "days"])
        patient = self.patient()
        limit = number(request, "limit", DEFAULT_LIMIT, MAX_LIMIT)
        ahead, current = timedelta(days=number(request, "days", DEFAULT_DAYS, MAX_DAYS)), now()
        lines = upcoming(patient, current, limit=limit, until=current + ahead)
        audit.record("patient.upcoming_read", obj=patient)
        answer: dict[str, Any] = {"next": None, "previous": None, "results": lines}
        return self.shown(UpcomingSerializer, answer)


class StatsView(ClinicView):
    """The figures of a clinic's automations."""

    serializer_class = StatsSerializer

    @extend_schema(responses=StatsSerializer, parameters=[SINCE, UNTIL], operation_id="automations_stats")
    def get(self, request: Request) -> Response:
        """Count events, runs, steps and deliveries that were recorded in a time."""
        refuse_unknown(request, ["since", "until"])
        until = moment(request, "until") or now()
        since = moment(request, "since") or until - MONTH
        if since >= until:
            raise invalid("/since", "range", _("The beginning must come before the end."))
        return self.shown(StatsSerializer, stats(self.clinic, since, until))
