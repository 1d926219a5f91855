"""A patient signs a form at the very moment at which a message that chases it is due."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from random import Random

import pytest

from appointments import services
from automations.models import Step
from automations.tests.builders import published, visit
from clinic import clock
from clinic.testing import PROOF, rounds
from forms_app.models import FormRequest
from forms_app.tests.builders import fill, make_template
from tests.races.arena import drain, events_of, fate
from tests.races.test_reminder import against_the_engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof, pytest.mark.usefixtures("no_deadlocks")]
ROUNDS = rounds(8, 300)

ASK = {"type": "require_form", "form": "before-visit", "notify": False}
CHASE = {"type": "send_email", "template": "reminder", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}


def test_signing_stops_the_chase_unless_it_was_sent_before(clinic, patient, template, mail_server, record_property):
    make_template(clinic, "before-visit", "questionnaire")
    rule = published(clinic, "appointment.confirmed", ASK, CHASE, settings={"stop_on": ["form.signed"]})
    random, fates = Random(3), Counter[str]()
    for _ in range(ROUNDS):
        booked = services.confirm(visit(patient, starts_at=clock.now() + timedelta(days=9)))
        drain()
        request = FormRequest.objects.get(about_type="appointment", about_id=booked.pk)
        chase = Step.objects.get(rule=rule, subject_id=booked.pk, action="send_email")
        clock.advance_to(chase.due_at)

        done_at = against_the_engine(partial(fill, request), random)

        chase.refresh_from_db()
        fates[fate(chase, done_at, mail_server)] += 1
        assert (chase.state == "cancelled") is (chase.reason == "stopped")
        assert chase.state != "pending"
        assert events_of("form", request.pk) == ["form.signed"]
    record_property("counted", f"sign against the chase: {dict(fates)}")
    assert fates.total() == ROUNDS
    assert not PROOF or set(fates) == {"cancelled", "withdrawn", "sent"}
