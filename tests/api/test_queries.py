"""How many queries an answer costs: pinned, and the same for one row as for many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.tests.builders import make_visit
from forms_app.tests.builders import ask, fill, make_template
from messaging import services as messaging
from patients.models import Contact, Patient
from segments.tests.builders import manual
from treatments.services import create_plan
from worklist.services import create as create_task

pytestmark = pytest.mark.django_db

# Of each: the token with its clinic, and the entry in the audit trail.
COSTS = {
    "patients/": 4,
    "appointments/": 3,
    "form-requests/": 4,
    "tasks/": 3,
    "deliveries/": 3,
    "treatment-plans/": 5,
    "segments/": 2,
    "message-templates/": 3,
    "audit/": 3,
}


def make_one(clinic: Any, number: int) -> None:
    """Make a row of each kind, each of a patient of its own."""
    person = Patient.objects.create(clinic=clinic, given_name=f"Pat{number}", external_id=f"P-{number}")
    Contact.objects.create(clinic=clinic, patient=person, name="Eva", relation="daughter")
    make_visit(person)
    template = make_template(clinic, f"consent-{number}")
    fill(ask(person, template))
    create_task(clinic=clinic, title="Call", patient=person, role="front_desk")
    messaging.queue_email(clinic_id=clinic.pk, patient_id=person.pk, category="transactional")
    create_plan(clinic=clinic, patient=person, name="Knee", exercises=[{"name": "Squats", "sessions_per_week": 3}])
    manual(clinic, f"segment-{number}")
    messaging.save_template(
        clinic=clinic, slug=f"t-{number}", name="T", bodies=[messaging.Body("en", "Hello", "Welcome.")]
    )


def cost(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = call()
    assert answer.status_code == 200
    return len(queries)


@pytest.mark.parametrize("path", COSTS)
def test_a_list_costs_the_same_whatever_its_length(api, clinic, path):
    api.get(path)  # the token's first use is noted
    costs = []
    for number in range(3):
        make_one(clinic, number)
        costs.append(cost(lambda: api.get(path)))
    assert costs == [COSTS[path]] * 3


def test_a_write_costs_no_more_than_it_must(api, patient):
    visit = make_visit(patient)
    api.get("clinic/")
    assert cost(lambda: api.post(f"appointments/{visit.pk}/confirm/")) <= 20
