"""The pages of treatment plans: who sees what, what is logged for a patient, what the chart says, who may."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from staff.adherence import draw
from staff.tests.pages.counting import queries_of
from staff.tests.pages.planning import at, exercises, today
from treatments import services
from treatments.models import ExerciseSession, Program, TreatmentPlan
from treatments.tests.builders import make_draft, make_plan, make_program, make_session, make_week

pytestmark = pytest.mark.django_db


# --- the list ---


def test_the_list_shows_plans_that_go_on_with_their_last_week(patient, specialist, as_front_desk):
    plan = make_plan(patient, name="Knee", specialist=specialist)
    make_week(plan, 1, first_on=today(patient.clinic) - timedelta(days=14))
    make_week(plan, 3, first_on=today(patient.clinic) - timedelta(days=7))
    services.cancel(make_plan(patient, name="Shoulder"))

    html = as_front_desk.get(at("plans")).content.decode()

    assert ("Knee" in html, "75 %" in html, "25 %" in html, "Shoulder" in html) == (True, True, False, False)
    assert "Prescribe a plan" not in html
    entry = AuditEntry.objects.get(action="plan.listed")
    assert (entry.clinic_id, entry.detail) == (patient.clinic_id, {"patients": [patient.pk]})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Draft", "Hers", "Nobody's"]),
        ("?status=cancelled", ["Over"]),
        ("?status=all", ["Draft", "Hers", "Nobody's", "Over"]),
        ("?status=nonsense", ["Draft", "Hers", "Nobody's"]),
        ("?specialist={}", ["Hers"]),
        ("?specialist=x", ["Draft", "Hers", "Nobody's"]),
    ],
)
def test_the_list_is_narrowed_by_state_and_specialist(patient, specialist, as_admin, query, names):
    make_draft(patient, name="Draft")
    make_plan(patient, name="Hers", specialist=specialist)
    make_plan(patient, name="Nobody's")
    services.cancel(make_plan(patient, name="Over"))

    shown = as_admin.get(at("plans") + query.format(specialist.pk)).context["paged"].rows

    assert sorted(plan.name for plan in shown) == names


def test_an_empty_list_has_one_button_for_those_who_prescribe(patient, as_specialist, as_front_desk):
    assert as_specialist.get(at("plans")).content.decode().count(at("plan-new")) == 1
    assert at("plan-new") not in as_front_desk.get(at("plans")).content.decode()


def test_the_list_and_the_page_cost_the_same_whatever_there_is(patient, specialist, as_specialist):
    plan = make_plan(patient, specialist=specialist)
    make_session(plan)
    make_week(plan, 1)
    addresses = [at("plans"), at("plan", plan.pk), at("programs")]
    make_program(patient.clinic)
    before = [queries_of(as_specialist, address) for address in addresses]
    for n in range(4):
        make_plan(patient, specialist=specialist, program=make_program(patient.clinic, f"program-{n}"))
        make_session(plan)
        make_week(plan, 2, first_on=today(patient.clinic) - timedelta(days=7 * (n + 1)))
        services.revise(plan, exercises=[{"name": f"Squats {n}", "sessions_per_week": n + 1}])
    assert [queries_of(as_specialist, address) for address in addresses] == before


# --- one plan ---


def test_the_page_shows_exercises_weeks_sessions_and_versions(patient, specialist, as_front_desk):
    plan = make_plan(patient, name="Knee", specialist=specialist)
    make_session(plan, pain=4, note="<b>stairs</b>")
    make_week(plan, 1)

    html = as_front_desk.get(at("plan", plan.pk)).content.decode()

    for text in ("Knee", "Maria Marin", "Exercise 3", "3 sessions a week", "4 of 10", "&lt;b&gt;stairs&lt;/b&gt;"):
        assert text in html
    assert ("Adherence of 1 week, 1 of them low" in html, "1 of 4" in html, "25 %" in html) == (True, True, True)
    assert "Prescribe anew" not in html
    assert at("plan-move", plan.pk, "pause") not in html
    entry = AuditEntry.objects.get(action="plan.read")
    assert (entry.patient_id, entry.object_id) == (patient.pk, str(plan.pk))


def test_weeks_below_half_are_low_and_half_is_not(patient):
    plan = make_plan(patient)
    days = [today(patient.clinic) - timedelta(days=7 * n) for n in (2, 1, 0)]
    chart = draw([make_week(plan, done, first_on=day) for done, day in zip((1, 2, 4), days, strict=True)])
    assert [(bar.week.percent, bar.low) for bar in chart.bars] == [(25.0, True), (50.0, False), (100.0, False)]
    assert chart.bars[0].height < chart.bars[1].height < chart.bars[2].height
    assert chart.low_count == 1


def test_a_change_that_is_to_come_is_told(patient, as_specialist):
    plan = make_plan(patient)
    services.revise(
        plan,
        exercises=[{"name": "Lunges", "sessions_per_week": 5}],
        from_on=today(patient.clinic) + timedelta(days=7),
    )
    response = as_specialist.get(at("plan", plan.pk))
    assert [one.name for one in response.context["exercises"]] == ["Exercise 3"]
    assert [one.sessions_per_week for one in response.context["coming"]] == [5]


@pytest.mark.parametrize(
    ("verbs", "status"),
    [
        (["assign"], "active"),
        (["assign", "pause"], "paused"),
        (["assign", "pause", "resume"], "active"),
        (["assign", "complete"], "completed"),
        (["cancel"], "cancelled"),
    ],
)
def test_a_specialist_takes_a_plan_through_its_life(patient, as_specialist, verbs, status):
    plan = make_draft(patient)
    for verb in verbs:
        response = as_specialist.post(at("plan-move", plan.pk, verb), {"reason": "moved away"})
        assert (response.status_code, response["Location"]) == (302, at("plan", plan.pk))
    plan.refresh_from_db()
    assert plan.status == status


def test_a_move_that_cannot_be_is_refused_in_words(patient, as_specialist):
    plan = make_draft(patient)
    response = as_specialist.post(at("plan-move", plan.pk, "complete"), follow=True)
    plan.refresh_from_db()
    assert plan.status == "draft"
    assert "alert-danger" in response.content.decode()
    assert as_specialist.post(at("plan-move", plan.pk, "explode")).status_code == 404


# --- sessions ---


def test_the_front_desk_logs_a_session_for_the_patient(patient, front_desk, as_front_desk):
    plan = make_plan(patient)
    exercise = plan.versions.get().exercises.get()
    data = {"exercise": exercise.pk, "pain": "4", "note": "on the phone", "done_at": ""}
    response = as_front_desk.post(at("plan-log", plan.pk), data)
    session = ExerciseSession.objects.get()
    assert response["Location"] == f"{at('plan', plan.pk)}#sessions"
    assert (session.exercise, session.pain, session.note, session.logged_by) == (exercise, 4, "on the phone", "staff")
    assert session.member == front_desk


def test_a_time_is_read_in_the_clinics_zone_and_a_day_outside_is_refused_at_the_field(patient, as_front_desk):
    plan = make_plan(patient)
    day = today(patient.clinic) - timedelta(days=40)
    response = as_front_desk.post(at("plan-log", plan.pk), {"done_at": f"{day.isoformat()}T10:00"})
    assert response.status_code == 422
    assert response.context["session_form"].errors == {"done_at": ["This day lies outside the plan."]}
    assert ExerciseSession.objects.count() == 0


def test_a_session_is_struck_out_and_stays_to_be_seen(patient, as_front_desk):
    session = make_session(make_plan(patient), pain=3)
    as_front_desk.post(at("session-strike", session.pk))
    session.refresh_from_db()
    assert session.status == "entered_in_error"
    assert "entered in error" in as_front_desk.get(at("plan", session.plan_id)).content.decode()


# --- programs ---


def test_a_program_is_made_changed_archived_and_offered_again(clinic, as_specialist):
    data = {**exercises(("Squats", "3", "")), "name": "Knee rehabilitation", "slug": ""}
    as_specialist.post(at("program-new"), data)
    program = Program.objects.get()
    squats = {"name": "Squats", "sessions_per_week": 3, "instructions": ""}
    assert (program.slug, program.exercises) == ("knee-rehabilitation", [squats])

    as_specialist.post(at("program", program.pk), {**exercises(("Lunges", "2", "deep")), "name": "Knee"})
    program = Program.objects.get()
    assert (program.name, program.slug) == ("Knee", "knee-rehabilitation")
    assert program.exercises == [{"name": "Lunges", "sessions_per_week": 2, "instructions": "deep"}]

    as_specialist.post(at("program-archive", program.pk))
    assert Program.objects.get().archived_at is not None
    as_specialist.post(at("program-archive", program.pk), {"restore": "1"})
    assert Program.objects.get().archived_at is None
    actions = AuditEntry.objects.filter(object_type="treatments.program").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "program.created",
        "program.updated",
        "program.archived",
        "program.restored",
    ]


def test_a_slug_that_is_taken_is_refused_at_the_field(clinic, as_specialist):
    make_program(clinic, "knee")
    response = as_specialist.post(at("program-new"), {**exercises(), "name": "Knee", "slug": "knee"})
    assert response.status_code == 422
    assert response.context["form"].errors == {"slug": ["There is a program with this slug already."]}


# --- who may ---

WRITES = ["plan-new", "plan-edit", "plan-revise", "plan-move", "program-new", "program", "program-archive"]


def arguments(name, plan, program):
    if name in ("plan-new", "program-new"):
        return ()
    if name.startswith("program"):
        return (program.pk,)
    return (plan.pk, "pause") if name == "plan-move" else (plan.pk,)


@pytest.mark.parametrize("name", WRITES)
def test_the_front_desk_prescribes_nothing(patient, as_front_desk, name):
    plan, program = make_plan(patient), make_program(patient.clinic)
    data = {**exercises(("Squats", "3", "")), "name": "Mine", "revision": plan.revision}
    response = as_front_desk.post(at(name, *arguments(name, plan, program)), data)
    plan.refresh_from_db()
    program.refresh_from_db()
    assert response.status_code == 403
    assert (plan.status, plan.name, plan.revision, plan.versions.count()) == ("active", "Knee", plan.revision, 1)
    assert (program.name, program.archived_at, TreatmentPlan.objects.count()) == ("Knee Rehabilitation", None, 1)


@pytest.mark.parametrize(
    "name", ["plan", "plan-edit", "plan-revise", "plan-move", "plan-log", "program", "session-strike"]
)
def test_a_stranger_finds_nothing(patient, as_stranger, name):
    plan, program = make_plan(patient), make_program(patient.clinic)
    session = make_session(plan)
    known = (session.pk,) if name == "session-strike" else arguments(name, plan, program)
    data = {**exercises(("Squats", "3", "")), "name": "Mine", "revision": plan.revision}
    for response in (as_stranger.get(at(name, *known)), as_stranger.post(at(name, *known), data)):
        assert response.status_code in (404, 405)
        assert "Maria" not in response.content.decode()
    assert as_stranger.post(at(name, *known), data).status_code in (404, 405)
    session.refresh_from_db()
    plan.refresh_from_db()
    assert (session.status, plan.status, plan.name, ExerciseSession.objects.count()) == ("done", "active", "Knee", 1)


def test_a_stranger_prescribes_nothing_for_the_patient(patient, as_stranger):
    address = f"{at('plan-new')}?patient={patient.pk}"
    assert as_stranger.get(address).status_code == 404
    assert as_stranger.post(address, {**exercises(("Squats", "3", "")), "name": "Mine"}).status_code == 404
    assert TreatmentPlan.objects.count() == 0
