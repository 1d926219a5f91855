"""CarePlans and pain Observations as the house reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fhir.care import ProgramData, map_care_plan, map_observation
from fhir.reading import BadResource
from fhir.tests.care import care_plan, pain

ZONE = ZoneInfo("Europe/Bucharest")
TOO_OFTEN = {
    "code": {"text": "Squats"},
    "scheduledTiming": {"repeat": {"frequency": 99, "period": 1, "periodUnit": "d"}},
}


def test_a_care_plan_is_a_plan_of_a_program_with_its_exercises():
    found = map_care_plan(care_plan(period={"start": "2026-03-02", "end": "2026-04-01"}), ZONE)
    assert (found.id, found.patient_id, found.status) == ("c1", "p1", "active")
    assert (found.name, found.program) == (
        "Physical therapy procedure",
        ProgramData("physical-therapy-procedure", "Physical therapy procedure"),
    )
    assert found.starts_at == datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 3, 31, 21, 0, tzinfo=UTC)
    assert found.exercises == (("Stretching exercises", 3), ("Rest", 0))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("draft", "draft"),
        ("active", "active"),
        ("on-hold", "paused"),
        ("completed", "completed"),
        ("revoked", "cancelled"),
        ("entered-in-error", "entered_in_error"),
    ],
)
def test_states_are_translated(word, status):
    assert map_care_plan(care_plan(status=word), ZONE).status == status


def test_its_title_is_its_name_and_without_both_it_has_one_all_the_same():
    assert map_care_plan(care_plan(title="After the fall"), ZONE).name == "After the fall"
    bare = map_care_plan(care_plan(category=None), ZONE)
    assert (bare.name, bare.program) == ("Treatment plan", None)


@pytest.mark.parametrize(
    ("repeat", "count"),
    [
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, 7),
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, 14),
        ({"frequency": 1, "period": 2, "periodUnit": "d"}, 4),
        ({"period": 1, "periodUnit": "wk"}, 1),
        ({"frequency": 3}, 0),
        ({"frequency": True, "period": 1, "periodUnit": "d"}, 0),
        ({}, 0),
    ],
)
def test_a_timing_is_so_many_sessions_a_week(repeat, count):
    detail = {"code": {"text": "Squats"}, "scheduledTiming": {"repeat": repeat}}
    assert map_care_plan(care_plan(activity=[{"detail": detail}]), ZONE).exercises == (("Squats", count),)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"status": "unknown"}, "status"),
        ({"subject": None}, "subject.reference"),
        ({"subject": {"reference": "Group/1"}}, "subject.reference"),
        ({"period": None}, "period.start"),
        ({"period": {"start": "2026-03-02", "end": "2026-03-01"}}, "period.end"),
        ({"category": "x"}, "category"),
        ({"activity": [{"detail": {"code": {"text": "x" * 201}}}]}, "activity[0].detail.code.text"),
        ({"activity": [{"detail": TOO_OFTEN}]}, "activity[0].detail.scheduledTiming"),
    ],
)
def test_a_bad_care_plan_says_where(changes, path):
    with pytest.raises(BadResource) as bad:
        map_care_plan(care_plan(**changes), ZONE)
    assert bad.value.path == path


def test_an_observation_of_pain_is_a_score():
    found = map_observation(pain(), ZONE)
    assert (found.id, found.patient_id, found.value, found.status) == ("o1", "p1", 6.5, "final")
    assert found.measured_at == datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    whole = map_observation(pain(valueQuantity=None, valueInteger=7, effectiveDateTime=None, issued="2026-03-02"), ZONE)
    assert (whole.value, whole.measured_at) == (7.0, datetime(2026, 3, 1, 22, 0, tzinfo=UTC))


def test_an_observation_of_anything_else_is_none():
    assert map_observation(pain(code={"coding": [{"system": "http://loinc.org", "code": "72106-8"}]}), ZONE) is None
    assert map_observation(pain(code={"coding": [{"system": "http://other", "code": "72514-3"}]}), ZONE) is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"valueQuantity": {"value": 11}}, "valueQuantity.value"),
        ({"valueQuantity": {"value": -1}}, "valueQuantity.value"),
        ({"valueQuantity": {"value": "7"}}, "valueQuantity.value"),
        ({"valueQuantity": {"value": True}}, "valueQuantity.value"),
        ({"valueQuantity": None}, "valueInteger"),
        ({"effectiveDateTime": None}, "effectiveDateTime"),
        ({"status": "registered"}, "status"),
        ({"subject": {"reference": "p1"}}, "subject.reference"),
    ],
)
def test_a_bad_score_says_where(changes, path):
    with pytest.raises(BadResource) as bad:
        map_observation(pain(**changes), ZONE)
    assert bad.value.path == path
