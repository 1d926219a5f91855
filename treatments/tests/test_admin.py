"""The admin pages of treatments: what people write and click, and what they are told when it cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.selectors import local_date
from clinic import clock
from treatments import services
from treatments.models import ExerciseSession, PainScore, PlanVersion, Program, TreatmentPlan
from treatments.tests.builders import make_draft, make_plan, make_program, make_session, make_week

pytestmark = pytest.mark.django_db
ADD = reverse("admin:treatments_treatmentplan_add")
NEW = {"program": "", "name": "", "specialist": "", "starts_on": "", "ends_on": ""}


def page(row: Any) -> str:
    return reverse(f"admin:treatments_{row._meta.model_name}_change", args=[row.pk])


def add(name: str) -> str:
    return reverse(f"admin:treatments_{name}_add")


def posted(client: Client, row: Any, **more: Any) -> dict[str, Any]:
    """Post a record's form as its page shows it, with what the person changed or pressed."""
    form = client.get(page(row)).context["adminform"].form
    data = {name: form.get_initial_for_field(form.fields[name], name) for name in form.fields}
    inline = {f"weeks-{key}": "0" for key in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    return inline | {name: "" if value is None else value for name, value in data.items()} | more


def press(verb: str) -> dict[str, str]:
    return {f"treatments_treatmentplan_press_{verb}": "1"}


def errors(response: Any) -> str:
    return str(response.context["adminform"].form.errors)


def test_a_plan_is_written_with_its_exercises_one_a_line(as_specialist, patient, specialist):
    program = make_program(patient.clinic)
    lines = "3 Squats | slowly, ten times\n\n2 x Walk for half an hour"
    given = NEW | {"patient": patient.pk, "program": program.pk, "specialist": specialist.pk, "exercises": lines}
    response = as_specialist.post(ADD, given)
    assert response.status_code == 302, errors(response)
    plan = TreatmentPlan.objects.get()
    assert (plan.name, plan.status, plan.starts_on) == (
        "Knee Rehabilitation",
        "draft",
        local_date(patient.clinic, clock.now()),
    )
    [version] = plan.versions.all()
    told = version.exercises.values_list("name", "sessions_per_week", "instructions")
    assert list(told) == [("Squats", 3, "slowly, ten times"), ("Walk for half an hour", 2, "")]
    assert "3 Squats | slowly, ten times" in as_specialist.get(page(plan)).content.decode()
    assert list(AuditEntry.objects.filter(action="plan.created").values_list("patient_id", flat=True)) == [patient.pk]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"exercises": "Squats"}, "Line 1: write how many times a week"),
        ({"exercises": "3 Squats\n99 Walk"}, "from 0 to 50"),
        ({"starts_on": "2026-12-01", "ends_on": "2026-11-30"}, "The last day lies before the first"),
        ({"name": ""}, "This field cannot be blank"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(as_specialist, patient, given, told):
    response = as_specialist.post(ADD, NEW | {"patient": patient.pk, "name": "Knee", "exercises": ""} | given)
    assert response.status_code == 200
    assert told in errors(response)
    assert (TreatmentPlan.objects.count(), PlanVersion.objects.count()) == (0, 0)


def test_buttons_take_a_plan_through_its_life(as_specialist, patient):
    plan = make_draft(patient)
    for verb, status in [
        ("assign", "active"),
        ("pause", "paused"),
        ("resume", "active"),
        ("complete", "completed"),
        ("complete", "completed"),  # a second click
    ]:
        response = as_specialist.post(page(plan), posted(as_specialist, plan, **press(verb)))
        assert response.status_code == 302, errors(response)
        assert TreatmentPlan.objects.get().status == status
    assert PlanVersion.objects.count() == 1


def test_only_what_leads_on_is_offered(as_specialist, patient):
    offered = {
        make_draft(patient): {"assign", "cancel"},
        make_plan(patient): {"pause", "complete", "cancel"},
        services.pause(make_plan(patient)): {"resume", "complete", "cancel"},
        services.cancel(make_plan(patient)): set(),
    }
    for plan, verbs in offered.items():
        shown = as_specialist.get(page(plan)).content.decode()
        every = ("assign", "pause", "resume", "complete", "cancel")
        assert {verb for verb in every if f"treatmentplan_press_{verb}" in shown} == verbs


def test_other_exercises_are_another_version_and_the_same_are_none(as_specialist, patient):
    plan = make_plan(patient, 3)
    as_specialist.post(page(plan), posted(as_specialist, plan, name="Both knees"))
    assert PlanVersion.objects.count() == 1
    as_specialist.post(page(plan), posted(as_specialist, plan, exercises="5 Squats"))
    assert list(plan.versions.values_list("number", "sessions_per_week")) == [(1, 3), (2, 5)]
    assert TreatmentPlan.objects.get().name == "Both knees"


def test_a_form_gone_stale_is_refused(as_specialist, patient, specialist):
    plan = make_plan(patient)
    data = posted(as_specialist, plan, name="Mine")
    services.change(plan, specialist=specialist)
    response = as_specialist.post(page(plan), data)
    assert "was changed by somebody else" in errors(response)
    assert TreatmentPlan.objects.get().name == "Knee"


def test_the_weeks_stand_under_the_plan(as_specialist, patient):
    plan = make_plan(patient)
    make_week(plan, 1)
    assert "25.0" in as_specialist.get(page(plan)).content.decode()


def test_the_front_desk_looks_at_plans_and_logs_sessions(as_front_desk, patient):
    plan = make_plan(patient)
    assert as_front_desk.get(page(plan)).status_code == 200
    assert as_front_desk.post(page(plan), {"name": "x"}).status_code == 403
    response = as_front_desk.post(
        add("exercisesession"), {"plan": plan.pk, "done_at_0": "", "done_at_1": "", "pain": "4", "note": "fine"}
    )
    assert response.status_code == 302, errors(response)
    session = ExerciseSession.objects.get()
    assert (session.pain, session.note, session.logged_by, session.member.slug) == (4, "fine", "staff", "felix")
    assert PainScore.objects.get().value == 4


def test_a_session_of_tomorrow_is_refused_at_its_field(as_front_desk, patient):
    plan = make_plan(patient)
    tomorrow = clock.now() + timedelta(days=2)
    moment = {"done_at_0": f"{tomorrow:%Y-%m-%d}", "done_at_1": "10:00:00"}
    response = as_front_desk.post(add("exercisesession"), {"plan": plan.pk, "pain": "", "note": "", **moment})
    assert "cannot lie in the future" in errors(response)
    assert ExerciseSession.objects.count() == 0


def test_sessions_and_scores_are_struck_out_from_their_lists(as_specialist, patient):
    session = make_session(make_plan(patient), pain=3)
    score = services.record_pain(clinic=patient.clinic, patient=patient, value=5)
    for row in (session, score):
        url = reverse(f"admin:treatments_{row._meta.model_name}_changelist")
        as_specialist.post(url, {"action": "strike_selected", "_selected_action": [row.pk]})
        row.refresh_from_db()
        assert row.status == "entered_in_error"
        assert as_specialist.get(page(row)).status_code == 200


def test_a_score_is_noted(as_front_desk, patient):
    moment = {"measured_at_0": "2026-11-20", "measured_at_1": "10:00:00"}
    response = as_front_desk.post(add("painscore"), {"patient": patient.pk, "value": "6.5", **moment})
    assert response.status_code == 302, errors(response)
    score = PainScore.objects.get()
    assert (score.value, score.measured_at.isoformat()) == (6.5, "2026-11-20T08:00:00+00:00")
    response = as_front_desk.post(add("painscore"), {"patient": patient.pk, "value": "11", **moment})
    assert "less than or equal to 10" in errors(response)


def test_programs_are_offered_and_archived(as_specialist, clinic):
    response = as_specialist.post(add("program"), {"name": "Back", "slug": "back"})
    assert response.status_code == 302, errors(response)
    program = Program.objects.get()
    as_specialist.post(
        reverse("admin:treatments_program_changelist"), {"action": "archive", "_selected_action": [program.pk]}
    )
    program.refresh_from_db()
    assert program.archived_at is not None


@pytest.mark.parametrize("name", ["treatmentplan", "exercisesession", "painscore"])
def test_strangers_see_none_of_it(as_stranger, patient, name):
    session = make_session(make_plan(patient), pain=3)
    row = {"treatmentplan": session.plan, "exercisesession": session, "painscore": PainScore.objects.get()}[name]
    assert as_stranger.get(page(row)).status_code == 302
    listing = as_stranger.get(reverse(f"admin:treatments_{name}_changelist")).content.decode()
    assert "Maria" not in listing
