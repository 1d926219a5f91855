"""The facts of segments, as a rule and a page read them."""

import pytest

from automations.facts import read_patients
from automations.tests.builders import published, titles, visit
from automations.ticking import drain_all
from clinic.clock import now
from segments import services
from segments.tests.builders import manual

pytestmark = pytest.mark.django_db


def segments_of(patient):
    return read_patients([patient.pk], [("patient.segments", {})], now())[patient.pk]["patient.segments"]


def test_the_segments_of_a_patient_are_those_in_service_that_they_are_in(clinic, patient):
    assert segments_of(patient) == []
    one, two, three = manual(clinic, "b"), manual(clinic, "a"), manual(clinic, "c")
    for segment in (one, two, three):
        services.add_member(segment, patient)
    services.remove_member(three, patient)
    assert segments_of(patient) == ["a", "b"]
    services.archive(one)
    assert segments_of(patient) == ["a"]


def test_a_rule_may_ask_why_somebody_entered(clinic, patient):
    calls = manual(clinic)
    conditions = {"match": "all", "items": [{"field": "segment.reason", "op": "is_any_of", "value": ["rule"]}]}
    action = {"type": "jot", "title": "By a rule"}
    published(clinic, "segment.entered", action, config={"segment": calls.slug}, conditions=conditions)
    services.add_member(calls, patient)
    drain_all()
    assert titles() == []


def test_a_rule_of_another_trigger_may_ask_for_the_patients_segments(clinic, patient):
    calls = manual(clinic)
    services.add_member(calls, patient)
    conditions = {"match": "all", "items": [{"field": "patient.segments", "op": "has_any_of", "value": [calls.slug]}]}
    published(clinic, "appointment.booked", {"type": "jot", "title": "Call"}, conditions=conditions)
    visit(patient)
    drain_all()
    assert titles() == ["Call"]
