"""A rule is archived at the very moment at which its steps are due, and while another of its steps breaks."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from random import Random

import pytest

from automations import lifecycle
from automations.models import Step
from automations.tests.builders import Task, published, visit
from clinic import clock
from clinic.testing import PROOF, rounds
from patients.models import Patient
from tests.races.arena import drain
from tests.races.test_reminder import against_the_engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof, pytest.mark.usefixtures("no_deadlocks")]
ROUNDS = rounds(8, 100)

SOON = {"mode": "delay", "amount": 1, "unit": "hours"}
ACTIONS = (
    {"type": "jot", "title": "Call", "timing": SOON},
    {"type": "jot", "title": "No", "fail": "rule", "timing": SOON},  # a worker then counts the rule's errors
)


def test_a_cancelled_step_of_an_archived_rule_has_done_nothing(clinic, mail_server, record_property):
    people = [Patient(clinic=clinic, given_name=f"P{n}") for n in range(8)]
    Patient.objects.bulk_create(people)
    random, fates = Random(4), Counter[str]()
    for number in range(ROUNDS):
        rule = published(clinic, "appointment.booked", *ACTIONS, name=f"Rule {number}")
        for person in people:
            visit(person, starts_at=clock.now() + timedelta(days=2))
        drain()
        clock.advance_by(timedelta(hours=1))

        against_the_engine(partial(lifecycle.archive, rule), random)

        steps = Step.objects.filter(rule=rule)
        assert steps.filter(state="pending").count() == 0
        done = steps.filter(state="done").values_list("pk", flat=True)
        wrote = Task.objects.filter(source_step__rule=rule).values_list("source_step_id", flat=True)
        assert sorted(wrote) == sorted(done)
        rule.refresh_from_db()
        assert rule.mode == "archived"
        fates.update(steps.values_list("state", flat=True))
    record_property("counted", f"archive against due steps: {dict(fates)}")
    assert fates.total() == ROUNDS * len(people) * len(ACTIONS)
    assert not PROOF or {"cancelled", "done"} <= set(fates)
