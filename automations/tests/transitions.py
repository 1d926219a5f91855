"""Every transition that the watched models are known to have, with the triggers that it fires.

A watched model, a watched field or a trigger that is missing here fails automations/tests/test_capture.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from accounts.models import User
from tests.rows import Rows

LATER = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Transition:
    """From a stored row with `before` to one with `after`; without `before` the row is created."""

    after: dict[str, Any]
    fires: tuple[str, ...]
    before: dict[str, Any] | None = None

    def __str__(self) -> str:
        start = "created" if self.before is None else "+".join(str(v) for v in self.before.values()) or "plain"
        return f"{start} -> {'+'.join(f'{k}={v}' for k, v in self.after.items()) or 'plain'}"


def created(*fires: str, **after: Any) -> Transition:
    return Transition(after, fires)


def moved(before: str | dict[str, Any], *fires: str, **after: Any) -> Transition:
    return Transition(after, fires, {"status": before} if isinstance(before, str) else before)


BOOKED = "appointment.booked"
GONE = ("patient.left",)

TRANSITIONS: dict[str, tuple[Transition, ...]] = {
    "patients.Patient": (
        created("patient.onboarded"),
        created("patient.onboarded", status="archived"),
        moved("active", *GONE, status="archived"),
        moved("active", *GONE, status="discharged"),
        moved("active", *GONE, deceased_on=date(2026, 11, 1)),
        moved("active", *GONE, status="archived", deceased_on=date(2026, 11, 1)),
        moved("archived", status="active"),
        moved("archived", status="discharged"),
        moved({}, specialist_id="other"),
        moved({}, tags=["vip"]),
        moved({}, language="ro"),
        moved({}, birth_date=date(1957, 3, 2)),
        moved({}, sex="female"),
        moved({}, city="Iași"),
        moved({}, source="website"),
        moved({}, time_zone="Europe/Bucharest"),
        moved({}, registered_at=LATER),
    ),
    "patients.Consent": (created(), created(granted=True), moved({}, granted=True)),
    "patients.FeatureGrant": (created(), moved({}, expires_at=LATER), moved({}, ended_at=LATER)),
    "appointments.Appointment": (
        created(BOOKED),
        created(BOOKED, "appointment.confirmed", status="confirmed"),
        created(BOOKED, "appointment.started", status="in_progress"),
        created(BOOKED, "appointment.completed", status="completed"),
        created(BOOKED, "appointment.cancelled", status="cancelled"),
        created(BOOKED, "appointment.no_show", status="no_show"),
        created("appointment.voided", status="entered_in_error"),
        moved("booked", "appointment.confirmed", status="confirmed"),
        moved("booked", "appointment.started", status="in_progress"),
        moved("confirmed", "appointment.started", status="in_progress"),
        moved("booked", "appointment.completed", status="completed"),
        moved("in_progress", "appointment.completed", status="completed"),
        moved("booked", "appointment.cancelled", status="cancelled"),
        moved("confirmed", "appointment.cancelled", status="cancelled"),
        moved("in_progress", "appointment.cancelled", status="cancelled"),
        moved("booked", "appointment.no_show", status="no_show"),
        moved("completed", "appointment.voided", status="entered_in_error"),
        moved("completed", "appointment.reopened", status="confirmed"),
        moved("cancelled", "appointment.reopened", status="booked"),
        moved("no_show", "appointment.reopened", status="booked"),
        moved("booked", "appointment.rescheduled", starts_at=LATER),
        moved("completed", starts_at=LATER),
        moved("booked", "appointment.rescheduled", "appointment.confirmed", starts_at=LATER, status="confirmed"),
        moved("booked", "appointment.reassigned", specialist_id="other"),
        moved("completed", specialist_id="other"),
        moved("booked", service_id="other"),
        moved("booked", series_position=3),
        moved("booked", minutes=55),
        moved("booked", location="Room 2"),
        moved("booked", join_url="https://meet.example/x"),
    ),
    "appointments.VisitSummary": (
        created(),
        created("appointment.summary_released", status="released"),
        moved("draft", "appointment.summary_released", status="released"),
        moved("released", status="draft"),
        moved("draft", text="Well again."),
        moved("draft", appointment_id="other"),
    ),
    "treatments.TreatmentPlan": (
        created(),
        created("treatment.assigned", status="active"),
        created(status="paused"),
        created("treatment.completed", "treatment.ended", status="completed"),
        created("treatment.ended", status="cancelled"),
        moved("draft", "treatment.assigned", status="active"),
        moved("active", status="paused"),
        moved("paused", status="active"),
        moved("active", "treatment.completed", "treatment.ended", status="completed"),
        moved("paused", "treatment.ended", status="cancelled"),
        moved("draft", "treatment.ended", status="cancelled"),
        moved("active", specialist_id="other"),
        moved("active", program_id="other"),
        moved("draft", starts_on=date(2026, 11, 1)),
        moved("active", ends_on=date(2027, 1, 31)),
    ),
    "treatments.ExerciseSession": (
        created("treatment.session_logged"),
        created(status="entered_in_error"),
        moved("done", status="entered_in_error"),
        moved("done", done_at=LATER),
        moved("done", pain=4),
        moved("done", exercise_id="other"),
    ),
    "treatments.PainScore": (
        created(),
        moved({}, value=7.5),
        moved({}, measured_at=LATER),
        moved({}, status="entered_in_error"),
    ),
    "treatments.WeeklyAdherence": (
        created("treatment.adherence_dropped", percent=30.0),
        created(percent=100.0),
        created("treatment.adherence_dropped", percent=30.0, previous=60.0),
        created("treatment.adherence_recovered", percent=60.0, previous=30.0),
        created(percent=60.0, previous=60.0),
        moved({"percent": 50.0}, "treatment.adherence_dropped", percent=25.0),
        moved({"percent": 40.0}, "treatment.adherence_recovered", percent=75.0),
        moved({}, prescribed=20),
        moved({}, completed=20),
    ),
    "forms_app.FormRequest": (
        created(),
        created("form.signed", status="signed"),
        moved("required", status="in_progress"),
        moved("in_progress", "form.signed", status="signed"),
        moved("required", "form.signed", status="submitted"),
        moved("signed", status="amended"),
        moved("required", "form.declined", "form.voided", status="declined"),
        moved("required", "form.voided", status="voided"),
        moved("in_progress", "form.voided", status="expired"),
        moved("signed", "form.withdrawn", status="withdrawn"),
        moved("required", due_at=LATER),
        moved("required", template_id="other"),
        moved("signed", response_number=2),
        moved("required", "form.overdue", overdue_since=LATER),
        moved("signed", overdue_since=LATER),
    ),
    "segments.SegmentMembership": (
        created("segment.entered"),
        created(is_member=False),
        moved({"is_member": False}, "segment.entered", is_member=True),
        moved({"is_member": True}, "segment.exited", is_member=False),
        moved({}, segment_id="other"),
        moved({}, reason="time"),
    ),
}


class Records:
    """Rows to start from, of one patient of one clinic, and the values of a transition."""

    def __init__(self, clinic: Any) -> None:
        self.clinic, self._rows = clinic, Rows()

    def new(self, model: Any, **values: Any) -> Any:
        """Return an unsaved row."""
        row = model(**self._rows._values(model, self.clinic))
        self.set(row, values)
        return row

    def stored(self, model: Any, **values: Any) -> Any:
        """Store a row past save(), so that nothing is announced, and read it back."""
        row = self.new(model, **values)
        row.save_base(raw=True, force_insert=True)
        return model._base_manager.get(pk=row.pk)

    def set(self, row: Any, values: dict[str, Any]) -> None:
        """Give a row new values; "other" stands for another row of the kind that a foreign key points to."""
        for name, value in self.resolved(type(row), values).items():
            setattr(row, name, value)

    def resolved(self, model: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with "other" replaced by an id."""
        return {name: self._other(model, name) if value == "other" else value for name, value in values.items()}

    def _other(self, model: Any, name: str) -> int:
        related = model._meta.get_field(name).related_model
        row = self.new(related)
        if hasattr(row, "user"):  # one membership a person and clinic
            row.user = User.objects.create_user("other@x.example", "other@x.example", None)
        row.save_base(raw=True, force_insert=True)
        return int(row.pk)
