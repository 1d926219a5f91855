"""What conditions may ask of an appointment, and of all the appointments of a patient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.automation import measures
from appointments.models import Appointment
from automations.engine.declare import Fact, FactType, Param, register

SOURCES = ("appointments.Appointment",)
STATUSES = Param("statuses", "choice", _("in these states"), many=True, choices=Appointment.Status.choices)
SERVICES = Param("services", "reference", _("for these services"), many=True, reference="service")
WINDOW = Param("window", "window", _("in the last"))


def _hours(later: datetime | None, earlier: datetime | None) -> float | None:
    """Return elapsed hours, negative if `later` is the earlier one; unknown if one is."""
    return None if later is None or earlier is None else (later - earlier).total_seconds() / 3600


def _notice(view: Any) -> float | None:
    return _hours(view.old.get("starts_at", view.new["starts_at"]), view.occurred_at)


register(
    Fact(
        key="appointment.service",
        label=_("Service"),
        type=FactType.reference,
        doc=_("The kind of visit."),
        example={"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation"]},
        subject="appointment",
        reference="service",
        value=lambda view: view.new["service_id"],
    )
)
register(
    Fact(
        key="appointment.specialist",
        label=_("Specialist"),
        type=FactType.reference,
        doc=_("Who is to see the patient; empty if nobody is named."),
        example={"field": "appointment.specialist", "op": "is_not_empty"},
        subject="appointment",
        reference="specialist",
        value=lambda view: view.new["specialist_id"],
        change=True,
    )
)
register(
    Fact(
        key="appointment.starts_at",
        label=_("Start"),
        type=FactType.date,
        doc=_("When the visit starts."),
        example={"field": "appointment.starts_at", "op": "in_next", "value": {"amount": 2, "unit": "days"}},
        subject="appointment",
        value=lambda view: view.new["starts_at"],
        change=True,
    )
)
register(
    Fact(
        key="appointment.lead_hours",
        label=_("Hours until the visit"),
        type=FactType.number,
        doc=_("Hours from what happened to the start of the visit; negative once it has begun."),
        example={"field": "appointment.lead_hours", "op": "gte", "value": 48},
        subject="appointment",
        value=lambda view: _hours(view.new["starts_at"], view.occurred_at),
    )
)
register(
    Fact(
        key="appointment.notice_hours",
        label=_("Hours of notice"),
        type=FactType.number,
        doc=_("How many hours before its start, as it stood, a visit was cancelled or moved."),
        example={"field": "appointment.notice_hours", "op": "lt", "value": 24},
        subject="appointment",
        triggers=("appointment.cancelled", "appointment.rescheduled"),
        value=_notice,
    )
)
register(
    Fact(
        key="appointment.old_starts_at",
        label=_("Start before it was moved"),
        type=FactType.date,
        doc=_("When the visit was to start before it was moved."),
        example={"field": "appointment.old_starts_at", "op": "in_next", "value": {"amount": 1, "unit": "days"}},
        subject="appointment",
        triggers=("appointment.rescheduled",),
        value=lambda view: view.old.get("starts_at"),
    )
)
register(
    Fact(
        key="appointment.hours_moved",
        label=_("Hours moved"),
        type=FactType.number,
        doc=_("By how many hours the visit was moved: positive to later, negative to earlier."),
        example={"field": "appointment.hours_moved", "op": "gte", "value": 24},
        subject="appointment",
        triggers=("appointment.rescheduled",),
        value=lambda view: _hours(view.new["starts_at"], view.old.get("starts_at")),
    )
)
register(
    Fact(
        key="appointment.series_position",
        label=_("Position in the series"),
        type=FactType.number,
        doc=_("1 for the first visit of a series; empty outside a series."),
        example={"field": "appointment.series_position", "op": "eq", "value": 1},
        subject="appointment",
        value=lambda view: view.new["series_position"],
    )
)
register(
    Fact(
        key="appointment.is_first",
        label=_("First visit of the patient"),
        type=FactType.boolean,
        doc=_("Nothing was booked for the patient before; cancelled visits and those entered in error do not count."),
        example={"field": "appointment.is_first", "op": "is", "value": True},
        subject="appointment",
        triggers=("appointment.booked",),
        sources=SOURCES,
        expression=measures.is_first,
    )
)
register(
    Fact(
        key="patient.appointment_count",
        label=_("Number of visits"),
        type=FactType.number,
        doc=_("Visits up to today, by the day they start; cancelled ones and those entered in error only if chosen."),
        example={
            "field": "patient.appointment_count",
            "op": "eq",
            "value": 0,
            "window": {"amount": 3, "unit": "months"},
        },
        params=(STATUSES, SERVICES, WINDOW),
        sources=SOURCES,
        time_dependent=True,
        history=True,
        expression=measures.appointment_count,
    )
)
register(
    Fact(
        key="patient.no_show_count",
        label=_("Number of missed visits"),
        type=FactType.number,
        doc=_("Visits up to today to which the patient did not come."),
        example={"field": "patient.no_show_count", "op": "gte", "value": 2, "window": {"amount": 6, "unit": "months"}},
        params=(WINDOW,),
        sources=SOURCES,
        time_dependent=True,
        history=True,
        expression=measures.no_show_count,
    )
)
register(
    Fact(
        key="patient.last_appointment_at",
        label=_("Last visit"),
        type=FactType.date,
        doc=_("Start of the latest visit that has begun; cancelled ones and those entered in error only if chosen."),
        example={
            "field": "patient.last_appointment_at",
            "op": "more_than_ago",
            "value": {"amount": 6, "unit": "months"},
        },
        params=(STATUSES, SERVICES),
        sources=SOURCES,
        time_dependent=True,
        history=True,
        expression=measures.last_appointment_at,
    )
)
register(
    Fact(
        key="patient.next_appointment_at",
        label=_("Next visit"),
        type=FactType.date,
        doc=_("Start of the earliest visit that is still ahead and not cancelled; empty if nothing is booked."),
        example={"field": "patient.next_appointment_at", "op": "is_empty"},
        params=(STATUSES, SERVICES),
        sources=SOURCES,
        time_dependent=True,
        expression=measures.next_appointment_at,
    )
)
