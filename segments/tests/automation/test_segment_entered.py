"""The trigger segment.entered: for each of its reasons, once, and what stops its rules."""

import pytest

from automations.engine.declare import catalog
from automations.models import Event, Step
from automations.tests.builders import published, states, titles
from automations.ticking import drain_all
from segments import services
from segments.tests.builders import change, dynamic, manual, refresh, tagged

pytestmark = pytest.mark.django_db
KEY = "segment.entered"


def test_whoever_is_in_it_from_the_start_does_not_enter_it(clinic, patient):
    change(patient, tags=["vip"])
    dynamic(clinic, tagged("vip"))
    refresh()
    assert Event.objects.filter(trigger=KEY).count() == 0


def test_its_event_says_which_segment_and_why(clinic, patient):
    dynamic(clinic, tagged("vip"))
    change(patient, tags=["vip"])
    drain_all()
    event = Event.objects.get(trigger=KEY)
    assert (event.facts["segment.segment"], event.facts["segment.reason"]) == ("vips", "record")
    assert event.facts["patient.segments"] == ["vips"]


def test_a_person_who_adds_somebody_to_a_manual_segment_fires_it(clinic, patient):
    calls = manual(clinic)
    published(clinic, KEY, {"type": "jot", "title": "In"}, config={"segment": calls.slug})
    services.add_member(calls, patient)
    services.add_member(calls, patient)
    drain_all()
    assert titles() == ["In"]
    assert Event.objects.get(trigger=KEY).facts["segment.reason"] == "staff"


def test_leaving_again_stops_what_is_still_to_come(clinic, patient):
    calls = manual(clinic)
    later = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
    rule = published(clinic, KEY, later, config={"segment": calls.slug})
    services.add_member(calls, patient)
    drain_all()
    assert states(rule) == [("a1", "pending", "")]
    services.remove_member(calls, patient)
    assert states(rule) == [("a1", "cancelled", "stopped")]


def test_leaving_another_segment_stops_nothing(clinic, patient):
    calls, others = manual(clinic), manual(clinic, "others")
    later = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
    published(clinic, KEY, later, config={"segment": calls.slug})
    for one in (calls, others):
        services.add_member(one, patient)
    drain_all()
    services.remove_member(others, patient)
    assert list(Step.objects.values_list("state", flat=True)) == ["pending"]


def test_a_rule_without_a_segment_is_refused():
    assert [param.name for param in catalog.triggers[KEY].params if param.required] == ["segment"]
