"""A form of every kind."""

import pytest

from forms_app.tests.builders import make_template


@pytest.fixture
def consent(patient):
    return make_template(patient.clinic, "privacy")


@pytest.fixture
def questionnaire(patient):
    return make_template(patient.clinic, "pain", "questionnaire")


@pytest.fixture
def survey(patient):
    return make_template(patient.clinic, "satisfaction", "survey")
