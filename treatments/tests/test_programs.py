"""Programs: what a plan begins with, who may change it, and what is refused where."""

import pytest

from clinic.errors import ClinicError, Refused
from tests.cast import acting
from treatments import services
from treatments.models import Program
from treatments.tests.builders import exercise, make_plan

pytestmark = pytest.mark.django_db
SQUATS = {"name": "Squats", "sessions_per_week": 3, "instructions": ""}


def make(clinic, *exercises):
    return services.create_program(clinic=clinic, slug="knee", name="Knee", exercises=exercises)


def test_a_program_keeps_its_exercises_as_they_are_prescribed(clinic):
    make(clinic, exercise(3, " Squats "))
    assert Program.objects.get().exercises == [SQUATS]


def test_changing_a_program_changes_no_plan(clinic, patient):
    program = make(clinic, exercise())
    plan = make_plan(patient, 3, program=program)
    services.update_program(program, name="Hip", exercises=[exercise(5, "Lunges")])
    stored = Program.objects.get()
    assert (stored.name, stored.slug, [one["name"] for one in stored.exercises]) == ("Hip", "knee", ["Lunges"])
    assert list(plan.versions.get().exercises.values_list("name", flat=True)) == ["Exercise 3"]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": "", "sessions_per_week": 3}, "exercises/1/name"),
        ({"name": "x" * 201, "sessions_per_week": 3}, "exercises/1/name"),
        ({"name": "Squats", "sessions_per_week": 51}, "exercises/1/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": True}, "exercises/1/sessions_per_week"),
        ({"name": "Squats", "sessions_per_week": 3, "pain": 1}, "exercises/1"),
    ],
)
def test_an_exercise_that_nobody_could_prescribe_is_refused_at_its_place(clinic, wrong, path):
    program = make(clinic, exercise())
    with pytest.raises(ClinicError) as refused:
        services.update_program(program, exercises=[exercise(), wrong])
    assert refused.value.path == path
    assert Program.objects.get().exercises == [SQUATS]


def test_too_many_exercises_are_refused(clinic):
    with pytest.raises(ClinicError) as refused:
        make(clinic, *[exercise()] * 51)
    assert (refused.value.path, Program.objects.count()) == ("exercises", 0)


def test_the_front_desk_and_strangers_change_no_program(clinic, front_desk, stranger):
    program = make(clinic, exercise())
    for member in (front_desk, stranger):
        with acting(member), pytest.raises(Refused):
            services.update_program(program, name="Mine")
    assert Program.objects.get().name == "Knee"
