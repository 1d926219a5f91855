"""A rule with something of everything."""

from __future__ import annotations

import pytest

from automations import lifecycle
from automations.tests.admin.follow_up import FOLLOW_UP
from automations.tests.builders import service


@pytest.fixture
def follow_up(clinic, front_desk):
    """A rule written elsewhere, with something of everything."""
    service(clinic)
    return lifecycle.create_rule(clinic=clinic, name="Follow-up", document=FOLLOW_UP)
