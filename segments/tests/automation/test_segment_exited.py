"""The trigger segment.exited: who was in it and is no longer."""

import pytest

from automations.models import Event
from automations.tests.builders import published, states, titles
from automations.ticking import drain_all
from segments import services
from segments.tests.builders import change, dynamic, manual, tagged

pytestmark = pytest.mark.django_db
KEY = "segment.exited"


def test_whoever_no_longer_meets_the_conditions_leaves(clinic, patient):
    change(patient, tags=["vip"])
    dynamic(clinic, tagged("vip"))
    published(clinic, KEY, {"type": "jot", "title": "Out"}, config={"segment": "vips"})
    change(patient, tags=[])
    drain_all()
    assert titles() == ["Out"]
    assert Event.objects.get(trigger=KEY).facts["segment.reason"] == "record"


def test_whoever_was_never_in_it_does_not_leave(clinic, patient):
    calls = manual(clinic)
    services.remove_member(calls, patient)
    assert Event.objects.filter(trigger=KEY).count() == 0


def test_entering_again_stops_what_is_still_to_come(clinic, patient):
    calls = manual(clinic)
    services.add_member(calls, patient)
    later = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
    rule = published(clinic, KEY, later, config={"segment": calls.slug})
    services.remove_member(calls, patient)
    drain_all()
    services.add_member(calls, patient)
    assert states(rule) == [("a1", "cancelled", "stopped")]
