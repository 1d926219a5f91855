"""A visit to write to."""

import pytest

from appointments.models import Service
from clinic.tests.writes import unsaved


@pytest.fixture
def service(clinic):
    return Service.objects.create(clinic=clinic, slug="eval", name="Evaluation")


@pytest.fixture
def visit(patient, service):
    return unsaved(patient, service, save=True)
