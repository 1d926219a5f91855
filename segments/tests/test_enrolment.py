"""A rule is started for the patients of a segment."""

import pytest

from automations import enrolling, ticking
from automations.models import Event
from automations.tests.builders import published
from clinic.errors import ClinicError
from patients.models import Patient
from segments import services

pytestmark = pytest.mark.django_db


def test_it_is_started_for_those_who_are_in_the_segment_now(clinic, patient):
    rule = published(clinic, "manual")
    segment = services.create(clinic=clinic, slug="vip", name="VIP", kind="manual")
    services.add_member(segment, patient)
    Patient.objects.create(clinic=clinic, given_name="Nora")
    assert enrolling.preview(rule, segment="vip").of == 1
    assert enrolling.enrol(rule, segment="vip").who == "segment:vip"
    ticking.drain_all()
    assert [event.patient for event in Event.objects.filter(trigger="manual")] == [patient]


def test_a_segment_that_the_clinic_does_not_have_is_refused(clinic):
    rule = published(clinic, "manual")
    with pytest.raises(ClinicError) as refused:
        enrolling.enrol(rule, segment="vip")
    assert (refused.value.code, refused.value.path) == ("not_found", "segment")
