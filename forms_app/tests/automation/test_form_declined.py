"""The trigger form.declined."""

import pytest

from automations.engine.declare import catalog
from forms_app import services
from forms_app.tests.builders import ask, fired, make_template

pytestmark = pytest.mark.django_db
KEY = "form.declined"


def test_it_fires_once_when_the_patient_declines(patient):
    request = ask(patient, make_template(patient.clinic))
    services.decline(request)
    services.decline(request)
    assert [key for key in fired() if key != "form.voided"] == [KEY]


def test_the_end_of_a_form_that_declining_is_does_not_stop_its_own_rules():
    assert set(catalog.triggers[KEY].stop_on) == {"form.signed", "patient.left"}
