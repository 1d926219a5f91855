"""Why a patient is, or is not, in a segment."""

import pytest

from clinic.changes import silently
from clinic.errors import Refused
from patients import services as patients
from segments import services
from segments.explaining import why
from segments.models import Segment
from segments.tests.builders import dynamic, manual, older_than, refresh, tagged
from tests.cast import acting

pytestmark = pytest.mark.django_db


def test_each_condition_is_told_with_the_value_that_it_meets(clinic, patient):
    found = why(dynamic(clinic, older_than(90)), patient)
    [line] = found.verdict.items
    assert (line.actual, line.result, found.should, found.is_member) == (69, False, False, False)


def test_what_is_stored_may_lag_behind_what_holds(clinic, patient):
    segment = dynamic(clinic, tagged("vip"))
    with silently("test"):
        patients.add_tag(patient, tag="vip")
        lagging = why(segment, type(patient).objects.select_related("clinic").get())
        assert (lagging.should, lagging.is_member, lagging.settling) == (True, False, True)
    refresh()
    settled = why(segment, type(patient).objects.select_related("clinic").get())
    assert (settled.should, settled.is_member, settled.settling) == (True, True, False)


def test_somebody_who_left_is_in_no_segment_whatever_the_conditions_say(clinic, patient):
    segment = dynamic(clinic, older_than(1))
    gone = patients.archive(patient)
    assert (why(segment, gone).verdict.result, why(segment, gone).should) == (True, False)


def test_a_manual_segment_asks_nothing(clinic, patient):
    segment = manual(clinic)
    services.add_member(segment, patient)
    found = why(segment, patient)
    assert (found.verdict, found.should, found.is_member, found.membership.reason) == (None, None, True, "staff")


def test_conditions_that_cannot_be_used_are_named(clinic, patient):
    segment = dynamic(clinic, tagged("vip"))
    Segment.objects.update(conditions={"match": "all", "items": [{"field": "gone", "op": "is", "value": 1}]})
    segment.refresh_from_db()
    found = why(segment, patient)
    assert (found.verdict, bool(found.problem)) == (None, True)


def test_strangers_ask_nothing(clinic, patient, stranger):
    segment = dynamic(clinic, older_than(65))
    with acting(stranger), pytest.raises(Refused):
        why(segment, patient)
