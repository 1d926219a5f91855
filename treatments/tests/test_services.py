"""The verbs of treatments: what they do, who may, and what they refuse."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from accounts.selectors import local_date
from clinic import clock
from clinic.errors import ClinicError, ImpossibleTransition, Refused, StaleRecord
from patients import services as patients
from tests.cast import acting
from treatments import selectors, services
from treatments.models import ExerciseSession, PainScore, PlanPause, TreatmentPlan
from treatments.tests.builders import exercise, make_draft, make_plan, make_program, make_session

pytestmark = pytest.mark.django_db
VERBS = {name: getattr(services, name) for name in ("assign", "pause", "resume", "complete", "cancel")}
LEADS = {
    "draft": {"assign": "active", "cancel": "cancelled"},
    "active": {
        "assign": "active",
        "resume": "active",
        "pause": "paused",
        "complete": "completed",
        "cancel": "cancelled",
    },
    "paused": {"pause": "paused", "resume": "active", "complete": "completed", "cancel": "cancelled"},
    "completed": {"complete": "completed"},
    "cancelled": {"cancel": "cancelled"},
}


def plan_in(patient, status):
    plan = make_draft(patient)
    ways = {"draft": (), "active": ("assign",), "paused": ("assign", "pause"), "completed": ("assign", "complete")}
    for verb in ways.get(status, ("assign", "cancel")):
        plan = VERBS[verb](plan)
    return plan


@pytest.mark.parametrize("status", LEADS)
@pytest.mark.parametrize("verb", VERBS)
def test_the_life_cycle_leads_so_and_no_other_way(patient, status, verb):
    plan = plan_in(patient, status)
    if verb in LEADS[status]:
        assert VERBS[verb](plan).status == LEADS[status][verb]
        assert VERBS[verb](plan).revision == plan.revision + (LEADS[status][verb] != status)
    else:
        with pytest.raises(ImpossibleTransition):
            VERBS[verb](plan)
        plan.refresh_from_db()
        assert plan.status == status


def test_each_move_is_audited_once(patient):
    plan = services.cancel(services.pause(make_plan(patient)), reason="moved away")
    services.cancel(plan)
    trail = AuditEntry.objects.filter(object_type="treatments.treatmentplan").order_by("pk")
    assert list(trail.values_list("action", flat=True)) == [
        "plan.created",
        "plan.assigned",
        "plan.paused",
        "plan.cancelled",
    ]
    assert trail.last().detail == {"from": "paused", "reason": "moved away"}


@pytest.mark.parametrize("verb", VERBS)
def test_the_front_desk_and_strangers_move_no_plan(patient, front_desk, stranger, verb):
    plan = make_draft(patient)
    for member in (front_desk, stranger):
        with acting(member), pytest.raises(Refused):
            VERBS[verb](plan)
    plan.refresh_from_db()
    assert (plan.status, plan.revision) == ("draft", 1)


def test_a_stale_copy_moves_nothing(patient):
    plan = make_plan(patient)
    services.change(plan, ends_on=plan.starts_on + timedelta(days=30))
    with pytest.raises(StaleRecord):
        services.complete(plan, revision=plan.revision)


def test_no_plan_is_written_or_assigned_for_a_patient_who_left(patient):
    plan = make_draft(patient)
    patients.archive(patient)
    with pytest.raises(Refused, match="not active"):
        make_draft(patient)
    with pytest.raises(Refused, match="not active"):
        services.assign(plan)


def test_a_plan_that_is_over_is_not_assigned(patient):
    today = local_date(patient.clinic, clock.now())
    plan = make_draft(patient, starts_on=today - timedelta(days=9), ends_on=today - timedelta(days=1))
    with pytest.raises(ClinicError, match="has passed") as refused:
        services.assign(plan)
    assert refused.value.path == "ends_on"


def test_a_plan_without_exercises_stays_a_draft_until_it_has_one(patient):
    plan = services.create_plan(clinic=patient.clinic, patient=patient, name="Knee", exercises=[])
    with pytest.raises(ClinicError, match="prescribe at least one") as refused:
        services.assign(plan)
    assert (refused.value.code, refused.value.path) == ("no_exercises", "exercises")
    plan.refresh_from_db()
    assert plan.status == "draft"
    services.revise(plan, exercises=[exercise(3)])
    assert services.assign(plan).status == "active"


def test_others_programs_specialists_and_patients_are_unknown(patient, stranger_patient, stranger, front_desk):
    for given, path in [
        ({"program": make_program(stranger_patient.clinic)}, "program"),
        ({"specialist": stranger}, "specialist"),
        ({"specialist": front_desk}, "specialist"),
        ({"patient": stranger_patient}, "patient"),
    ]:
        with pytest.raises(ClinicError) as refused:
            services.create_plan(**{"clinic": patient.clinic, "patient": patient, "name": "Knee"} | given)
        assert refused.value.path == path
    assert TreatmentPlan.objects.count() == 0


def test_an_archived_program_is_offered_no_longer(patient):
    program = services.archive_program(make_program(patient.clinic))
    with pytest.raises(ClinicError, match="no longer offered"):
        make_draft(patient, program=program)
    assert services.restore_program(program).archived_at is None


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"name": "", "sessions_per_week": 3}, "exercises/0/name"),
        ({"name": "Squats"}, "exercises/0/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": "3"}, "exercises/0/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": True}, "exercises/0/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": -1}, "exercises/0/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": 51}, "exercises/0/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": 3, "sets": 2}, "exercises/0"),
    ],
)
def test_a_bad_exercise_is_refused_by_its_place(patient, given, path):
    with pytest.raises(ClinicError) as refused:
        make_draft(patient, exercises=[given])
    assert refused.value.path == path
    assert TreatmentPlan.objects.count() == 0


def test_a_first_day_stays_once_the_plan_was_assigned(patient):
    plan = make_plan(patient)
    with pytest.raises(ClinicError, match="stays"):
        services.change(plan, starts_on=plan.starts_on - timedelta(days=1))


def test_what_a_plan_prescribes_on_a_day_is_its_newest_version_by_then(patient):
    plan = make_plan(patient, 3)
    later = plan.starts_on + timedelta(days=7)
    services.revise(plan, exercises=[exercise(5), exercise(1)], from_on=later)
    counts = [selectors.current_version(plan, day).sessions_per_week for day in (plan.starts_on, later)]
    assert counts == [3, 6]


# --- sessions ---


def test_a_patient_logs_for_themselves_and_for_nobody_else(patient, stranger_patient):
    plan = make_plan(patient)
    with acting_as(Actor("patient", clinic_id=patient.clinic_id, patient_id=patient.pk)):
        assert make_session(plan, pain=2).logged_by == "patient"
    other = Actor("patient", clinic_id=stranger_patient.clinic_id, patient_id=stranger_patient.pk)
    for actor in (other, Actor("anonymous")):
        with acting_as(actor), pytest.raises(Refused):
            make_session(plan)
    assert ExerciseSession.objects.count() == 1


@pytest.mark.parametrize("pain", [-1, 11, 3.5, "7", True])
def test_pain_is_a_whole_number_from_0_to_10(patient, pain):
    with pytest.raises(ClinicError) as refused:
        make_session(make_plan(patient), pain=pain)
    assert refused.value.path == "pain"
    assert (ExerciseSession.objects.count(), PainScore.objects.count()) == (0, 0)


def test_a_session_lies_within_the_plans_days_and_not_ahead(patient):
    plan = make_plan(patient, assigned_at=clock.now() - timedelta(days=9))
    for moment, code in [
        (clock.now() - timedelta(days=11), "outside_plan"),
        (clock.now() + timedelta(minutes=1), "future"),
        (clock.now().replace(tzinfo=None), "naive_time"),
    ]:
        with pytest.raises(ClinicError) as refused:
            make_session(plan, moment)
        assert (refused.value.code, refused.value.path) == (code, "done_at")
    ended = services.complete(plan, occurred_at=clock.now() - timedelta(days=3))
    make_session(ended, clock.now() - timedelta(days=4))  # late, of a day on which the plan still went on
    with pytest.raises(ClinicError, match="outside the plan"):
        make_session(ended)


def test_a_draft_takes_no_session_and_no_plan_that_of_another(patient):
    with pytest.raises(ClinicError, match="never assigned"):
        make_session(make_draft(patient))
    plan, other = make_plan(patient), make_plan(patient)
    with pytest.raises(ClinicError, match="not one of this plan"):
        make_session(plan, exercise=other.versions.get().exercises.get())


def test_a_moment_told_late_moves_the_day_of_a_pause(patient):
    plan = make_plan(patient, assigned_at=clock.now() - timedelta(days=9))
    plan = services.pause(plan, occurred_at=clock.now() - timedelta(days=4))
    plan = services.resume(plan, occurred_at=clock.now() - timedelta(days=2))
    pause = PlanPause.objects.get()
    assert (pause.until_on - pause.from_on).days == 2
    with pytest.raises(ClinicError, match="before the day on which the plan was assigned"):
        services.pause(plan, occurred_at=clock.now() - timedelta(days=12))


# --- pain ---


def test_the_trend_is_against_the_mean_of_what_was_told_before(patient):
    assert selectors.pain_of(patient.pk, clock.now()) is None
    expected = [(4, "unknown"), (4, "steady"), (6, "up"), (5, "steady"), (1, "down")]
    for days, (value, trend) in enumerate(expected, start=-9):
        moment = clock.now() + timedelta(days=days)
        services.record_pain(clinic=patient.clinic, patient=patient, value=value, measured_at=moment)
        found = selectors.pain_of(patient.pk, clock.now())
        assert (found.latest.value, found.trend) == (value, trend)


def test_the_pain_of_a_session_is_struck_out_with_it_only(patient):
    session = make_session(make_plan(patient), pain=5)
    score = PainScore.objects.get()
    with pytest.raises(ClinicError, match="correct the session"):
        services.strike_pain(score)
    services.correct_session(session, pain=None)
    score.refresh_from_db()
    assert score.status == "entered_in_error"
