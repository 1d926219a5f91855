"""Every state and every verb: where it leads, or that it is refused and nothing happened."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from appointments import services
from appointments.models import Appointment
from appointments.tests.builders import STATES, fired_by, make_visit
from clinic.errors import ImpossibleTransition

VERBS = {
    "confirm": "confirmed",
    "start": "in_progress",
    "complete": "completed",
    "cancel": "cancelled",
    "no_show": "no_show",
    "enter_in_error": "entered_in_error",
    "reopen": "booked",
}
FIRES = {
    "confirm": "appointment.confirmed",
    "start": "appointment.started",
    "complete": "appointment.completed",
    "cancel": "appointment.cancelled",
    "no_show": "appointment.no_show",
    "enter_in_error": "appointment.voided",
    "reopen": "appointment.reopened",
}
LEADS_FROM = {
    "confirm": {"booked"},
    "start": {"booked", "confirmed"},
    "complete": {"booked", "confirmed", "in_progress"},
    "cancel": {"booked", "confirmed", "in_progress"},
    "no_show": {"booked", "confirmed"},
    "enter_in_error": {"booked", "confirmed", "in_progress", "completed", "cancelled", "no_show"},
    "reopen": {"completed", "cancelled", "no_show"},
}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_in_each_state(patient, verb, state):
    visit = make_visit(patient, state)
    call = getattr(services, verb)
    revision, audited = visit.revision, AuditEntry.objects.count()

    if state == VERBS[verb]:  # asked for the state it is in
        assert fired_by(lambda: call(visit)) == []
        outcome = (state, revision, audited)
    elif state in LEADS_FROM[verb]:
        assert fired_by(lambda: call(visit)) == [FIRES[verb]]
        outcome = (VERBS[verb], revision + 1, audited + 1)
    else:
        with pytest.raises(ImpossibleTransition):
            call(visit)
        outcome = (state, revision, audited)

    visit.refresh_from_db()
    assert (visit.status, visit.revision, AuditEntry.objects.count()) == outcome


@pytest.mark.parametrize("state", STATES)
def test_only_a_finished_visit_is_reopened_as_confirmed(patient, state):
    visit = make_visit(patient, state)
    if state in {"completed", "cancelled", "no_show"}:
        assert fired_by(lambda: services.reopen(visit, to="confirmed")) == ["appointment.reopened"]
        state = "confirmed"
    elif state == "confirmed":
        assert services.reopen(visit, to="confirmed").revision == visit.revision
    else:
        with pytest.raises(ImpossibleTransition):
            services.reopen(visit, to="confirmed")
    visit.refresh_from_db()
    assert visit.status == state


@pytest.mark.parametrize("state", STATES)
def test_only_a_visit_still_ahead_is_rescheduled(patient, state):
    visit = make_visit(patient, state)
    later = visit.starts_at.replace(hour=(visit.starts_at.hour + 1) % 24)
    if state in {"booked", "confirmed"}:
        assert fired_by(lambda: services.reschedule(visit, starts_at=later)) == ["appointment.rescheduled"]
    else:
        with pytest.raises(ImpossibleTransition):
            services.reschedule(visit, starts_at=later)
        later = visit.starts_at
    stored = Appointment.objects.get(pk=visit.pk)
    assert (stored.starts_at, stored.status) == (later, state)


@pytest.mark.parametrize("state", STATES)
def test_a_visit_is_reassigned_until_it_is_over(patient, specialist, state):
    visit = make_visit(patient, state)
    if state in {"booked", "confirmed", "in_progress"}:
        assert fired_by(lambda: services.reassign(visit, specialist=specialist)) == ["appointment.reassigned"]
        assert Appointment.objects.get(pk=visit.pk).specialist == specialist
    else:
        with pytest.raises(ImpossibleTransition):
            services.reassign(visit, specialist=specialist)
        assert Appointment.objects.get(pk=visit.pk).specialist is None
