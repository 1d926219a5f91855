"""What the tests of pages share."""

from datetime import timedelta

import pytest

from automations import ticking
from automations.models import Run
from automations.tests.builders import move, published, visit
from clinic import clock
from staff.tests.pages.flowing import BROKEN, NOW
from staff.tests.pages.visiting import TEN


@pytest.fixture
def a_week_before(db):
    """Let the clock stand a week before these visits, whatever day it is: a visit in the past asks for a reason."""
    clock.begin_at(TEN - timedelta(days=7))


@pytest.fixture
def failed(clinic, patient):
    """A run with one step that worked and one that failed."""
    published(clinic, "appointment.completed", NOW, BROKEN, name="Follow-up")
    move(visit(patient), status="completed")
    ticking.drain_all()
    return Run.objects.get()
