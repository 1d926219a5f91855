"""A rule tells of a consent by a message that waits, just when that must not leave any more."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from django.db import transaction

from automations.engine.declare import catalog
from clinic import clock
from clinic.db import lock_patients
from clinic.testing import PROOF, rounds
from forms_app.lifecycle import void
from forms_app.models import FormRequest, FormTelling
from forms_app.tests.builders import make_template, require_step
from messaging.delivery import drain_due
from messaging.models import Delivery
from patients.consents import set_consents
from patients.models import Patient
from tests.races.arena import after, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof, pytest.mark.usefixtures("no_deadlocks")]
ROUNDS = rounds(8, 100)


def require(step: Any) -> None:
    """Carry out one step as a worker does: with the patient locked."""
    with transaction.atomic():
        lock_patients([step.patient_id])
        catalog.actions["require_form"].perform([step])


def test_what_joins_a_message_that_is_just_suppressed_is_told_all_the_same(clinic, mail_server, record_property):
    make_template(clinic, "privacy")
    make_template(clinic, "other")
    make_template(clinic, "satisfaction", "survey")
    random, fates = Random(7), Counter[str]()
    for number in range(ROUNDS):
        person = Patient.objects.create(clinic=clinic, given_name="P", email=f"p{number}@patients.example")
        if number % 2:
            require(require_step(person, "satisfaction"))
            set_consents(person, [{"category": "survey", "channel": "email", "granted": False}])
        else:  # of this no patient's lock is taken: it has nothing to say
            require(require_step(person, "other"))
            void(FormRequest.objects.get(patient=person))
        step = require_step(person, "privacy")

        at_once(after(random.uniform(0, 0.05), partial(require, step)), after(random.uniform(0, 0.03), drain_due))

        clock.advance_by(timedelta(minutes=2))
        drain_due()
        [line] = FormTelling.objects.filter(step=step.id).select_related("delivery")
        assert (line.delivery.state, line.delivery.category) == ("sent", "transactional")
        assert mail_server.ids.count(line.delivery.message_id) == 1
        fates["shared" if Delivery.objects.filter(patient=person).count() == 1 else "apart"] += 1
    record_property("counted", f"a consent joins a survey that must not leave: {dict(fates)}")
    assert fates.total() == ROUNDS
    assert not PROOF or set(fates) == {"shared", "apart"}
