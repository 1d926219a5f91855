"""A visit's questionnaires follow it: voided with it, due when it is; whichever way it was written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appointments import services
from appointments.models import Appointment
from appointments.tests.builders import PATHS, make_visit, moves, service_of
from clinic.errors import Refused
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, make_template

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(patient):
    return make_visit(patient)


@pytest.fixture
def questionnaire(patient, visit):
    template = make_template(patient.clinic, "before-the-visit", "questionnaire")
    return ask(patient, template, about_type="appointment", about_id=visit.pk)


@pytest.fixture
def consent(patient):
    return ask(patient, make_template(patient.clinic), blocking=True)


def states(*requests: FormRequest) -> list[str]:
    return [FormRequest.objects.get(pk=request.pk).status for request in requests]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", ["cancelled", "entered_in_error"])
def test_calling_a_visit_off_voids_its_questionnaire_and_no_consent(visit, questionnaire, consent, status, path):
    moves(visit, status=status)[path]()
    assert states(questionnaire, consent) == ["voided", "required"]


@pytest.mark.parametrize("status", ["confirmed", "in_progress", "completed", "no_show"])
def test_going_on_with_a_visit_voids_nothing(visit, questionnaire, status):
    moves(visit, status=status)["save"]()
    assert states(questionnaire) == ["required"]


def test_another_visits_questionnaire_stays(patient, questionnaire):
    services.cancel(make_visit(patient))
    assert states(questionnaire) == ["required"]


def test_a_questionnaire_due_before_the_visit_moves_with_it(patient, visit):
    template = make_template(patient.clinic, "before-the-visit", "questionnaire")
    request = ask(
        patient,
        template,
        about_type="appointment",
        about_id=visit.pk,
        due_at=visit.starts_at - timedelta(days=1),
        due_days_before=1,
    )
    services.reschedule(visit, starts_at=visit.starts_at + timedelta(days=1))
    request.refresh_from_db()
    assert request.due_at == visit.starts_at


def test_a_blocking_form_keeps_a_visit_from_being_booked(patient, consent):
    def book(**more):
        return services.book(
            clinic=patient.clinic,
            patient=patient,
            service=service_of(patient.clinic),
            starts_at=consent.created_at + timedelta(days=9),
            **more,
        )

    with pytest.raises(Refused) as caught:
        book()
    assert caught.value.code == "blocking_form"
    with pytest.raises(Refused):
        book(override_reason="   ")
    assert not Appointment.objects.exists()
    assert book(status="completed").status == "completed"  # what happened is recorded all the same
    assert book(override_reason="Emergency").status == "booked"
