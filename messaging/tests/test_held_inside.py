"""What a stop switch means for notifications: what had not come when it began stays hidden until it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Pause
from accounts.services import end_pause
from automations.engine.declare import catalog
from clinic import clock
from messaging import selectors, services
from messaging.models import Notification
from messaging.tests.builders import make_step
from patients.services import set_consents

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def soon():
    """The moment at which what is held comes."""
    return clock.now() + HOUR


@pytest.fixture
def hold(patient, soon):
    """Return a function that has a rule tell Maria something in an hour."""

    def hold(**changes):
        params = {"to": "patient", "title": "Well done"}
        step = make_step("send_notification", patient, params=params, **{"not_before": soon, **changes})
        catalog.actions["send_notification"].perform([step])
        return Notification.objects.get(source_step=step.id)

    return hold


def stop(scope, clinic, target=None):
    return Pause.objects.create(clinic=clinic, scope=scope, target_id=target, why="test")


def shown(patient):
    return list(selectors.notifications_of_patient(patient))


def target_of(scope, note):
    return {"clinic": None, "patient": note.patient_id, "rule": note.source_step.rule_id}[scope]


@pytest.mark.parametrize("scope", ["clinic", "patient", "rule"])
def test_what_had_not_come_when_the_pause_began_appears_when_it_ends(hold, patient, soon, scope):
    note = hold()
    pause = stop(scope, patient.clinic, target_of(scope, note))
    clock.advance_to(soon + HOUR)
    assert shown(patient) == []
    assert (pause.ended_at, Notification.objects.get().withdrawn_at) == (None, None)
    end_pause(pause)
    assert shown(patient) == [note]


@pytest.mark.parametrize("scope", ["clinic", "patient", "rule"])
def test_what_could_be_seen_before_the_pause_stays(hold, patient, soon, scope):
    note = hold()
    clock.advance_to(soon)
    stop(scope, patient.clinic, target_of(scope, note))
    assert shown(patient) == [note]


def test_a_pause_of_somebody_else_holds_nothing(hold, patient, other_clinic, soon):
    note = hold()
    stop("patient", patient.clinic, patient.pk + 1)
    stop("rule", patient.clinic, note.source_step.rule_id + 1)
    stop("clinic", other_clinic)
    clock.advance_to(soon)
    assert shown(patient) == [note]


def test_a_second_pause_that_begins_during_the_first_goes_on_holding(hold, patient, soon):
    note = hold()
    first = stop("patient", patient.clinic, patient.pk)
    clock.advance_to(soon)
    second = stop("clinic", patient.clinic)
    end_pause(first)
    assert shown(patient) == []
    end_pause(second)
    assert shown(patient) == [note]


def test_what_came_during_a_pause_dates_from_its_end(hold, patient, soon):
    hold()
    pause = stop("clinic", patient.clinic)
    clock.advance_to(soon + HOUR)
    end = end_pause(pause)
    assert Notification.objects.get().visible_at == end.ended_at


def test_what_is_still_to_come_when_the_pause_ends_keeps_its_moment(hold, patient, soon):
    hold()
    end_pause(stop("clinic", patient.clinic))
    assert (shown(patient), Notification.objects.get().visible_at) == ([], soon)


def test_what_became_useless_during_the_pause_never_appears_and_says_why(hold, patient, soon):
    hold(not_after=soon + HOUR / 2)
    pause = stop("clinic", patient.clinic)
    clock.advance_to(soon + HOUR)
    end_pause(pause)
    assert shown(patient) == []
    assert Notification.objects.get().withdrawn_reason == "too_late"


def test_what_a_pause_holds_can_still_be_taken_back(hold, patient, soon):
    note = hold()
    pause = stop("clinic", patient.clinic)
    clock.advance_to(soon + HOUR)
    assert services.unsent([note.source_step_id]) == {note.source_step_id}
    assert services.withdraw([note.source_step_id]) == 1
    end_pause(pause)
    assert shown(patient) == []
    assert Notification.objects.get().withdrawn_reason == "stopped"


def test_a_withdrawn_consent_reaches_what_a_pause_holds(hold, patient, soon):
    hold()
    stop("clinic", patient.clinic)
    clock.advance_to(soon + HOUR)
    set_consents(patient, [{"category": "clinical", "channel": "in_platform", "granted": False}])
    assert Notification.objects.get().withdrawn_reason == "no_consent"


def test_the_bell_neither_counts_nor_marks_as_read_what_is_held(tell, front_desk, patient, soon):
    note = tell(front_desk, visible_at=soon)
    stop("patient", patient.clinic, patient.pk)
    clock.advance_to(soon + HOUR)
    assert list(selectors.unread_notifications(front_desk)) == []
    member = type(front_desk).objects.annotate(**selectors.beside_memberships()).get(pk=front_desk.pk)
    assert (member.unread, member.newest_unread) == (0, 0)
    assert services.mark_all_read([front_desk], until=clock.now()) == 0
    note.refresh_from_db()
    assert note.read_at is None
