"""The trigger form.withdrawn."""

import pytest

from automations.engine.declare import catalog
from forms_app import services
from forms_app.tests.builders import ask, fill, fired, make_template

pytestmark = pytest.mark.django_db
KEY = "form.withdrawn"


def test_it_fires_once_when_a_signed_consent_is_taken_back(patient):
    request = fill(ask(patient, make_template(patient.clinic)))
    services.withdraw(request)
    services.withdraw(request)
    assert fired() == ["form.signed", KEY]


def test_what_stops_its_rules_by_default():
    assert set(catalog.triggers[KEY].stop_on) == {"form.signed", "form.voided", "patient.left"}
