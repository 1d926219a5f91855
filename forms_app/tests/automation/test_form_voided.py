"""The stop-only trigger form.voided: a request ended unfilled."""

from collections.abc import Callable
from typing import Any

import pytest

from automations.engine.declare import catalog
from clinic.db import records_changed
from forms_app import services
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, fill, make_template

pytestmark = pytest.mark.django_db
TRIGGER = catalog.triggers["form.voided"]


def fires_for(act: Callable[[], Any]) -> list[bool]:
    """Return, for each transition that `act` causes, whether the trigger answers it."""
    seen: list[bool] = []

    def note(sender, changes, **_kwargs):
        seen.extend(TRIGGER.fires(change) for change in changes)

    records_changed.connect(note, sender=FormRequest)
    try:
        act()
    finally:
        records_changed.disconnect(note, sender=FormRequest)
    return seen


@pytest.mark.parametrize("end", [services.void, services.expire, services.decline])
def test_it_answers_every_end_without_answers(patient, end):
    request = ask(patient, make_template(patient.clinic))
    assert fires_for(lambda: end(request)) == [True]
    assert fires_for(lambda: end(request)) == []


def test_it_answers_neither_signing_nor_withdrawing(patient):
    request = ask(patient, make_template(patient.clinic))
    assert fires_for(lambda: services.withdraw(fill(request))) == [False, False]


def test_no_rule_starts_from_it():
    assert (TRIGGER.stop_only, TRIGGER.stop_on, TRIGGER.params) == (True, (), ())
