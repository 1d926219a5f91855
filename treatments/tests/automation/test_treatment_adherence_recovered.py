"""The trigger treatment.adherence_recovered: previous below the rule's own threshold, current at or above it."""

import pytest

from automations import ticking
from automations.engine.declare import catalog
from automations.tests.builders import published, titles
from treatments.tests.builders import make_plan, make_week

pytestmark = pytest.mark.django_db
KEY = "treatment.adherence_recovered"


@pytest.mark.parametrize(
    ("previous", "completed", "answered"),
    [
        (25.0, 2, True),  # 50 % is at 50 %
        (49.0, 4, True),
        (50.0, 4, False),  # it was there already
        (0.0, 1, False),  # better, not there yet
        (75.0, 2, False),  # worse
        (None, 4, False),  # a first week recovers from nothing
    ],
)
def test_a_rule_answers_where_the_week_crosses_its_threshold(clinic, patient, previous, completed, answered):
    published(clinic, KEY, config={"at_percent": 50})
    make_week(make_plan(patient), completed, previous=previous)
    ticking.drain_engine()
    assert titles() == (["Call"] if answered else [])


@pytest.mark.parametrize(
    ("before", "now", "counts"), [(49.0, 50.0, True), (0.0, 49.9, False), (50.0, 75.0, False), (None, 75.0, False)]
)
def test_a_rule_without_a_threshold_is_stopped_where_half_is_crossed(before, now, counts):
    recovered = catalog.triggers[KEY]
    assert recovered.stops({}, {"adherence": now, "previous_adherence": before}) is counts


def test_a_rule_about_a_drop_is_stopped_at_its_own_threshold():
    recovered = catalog.triggers[KEY]
    assert not recovered.stops({"below_percent": 50}, {"adherence": 49.9})
    assert recovered.stops({"below_percent": 50}, {"adherence": 50.0})
