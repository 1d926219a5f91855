"""Patients enter and leave dynamic segments as their records change, and each crossing is told once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from automations.models import Event
from automations.tests.builders import published, states, titles, visit
from automations.ticking import drain_all, walk_to
from clinic import clock
from clinic.changes import silently
from patients import services as patients
from patients.models import Patient
from segments import building, refreshing
from segments.models import DirtyPatient, Segment, SegmentMembership
from segments.tests.builders import change, dynamic, manual, member_ids, older_than, refresh, tagged, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def vips(clinic, patient):
    """A dynamic segment of those tagged "vip"; Maria is not."""
    return dynamic(clinic, tagged("vip"))


def test_a_changed_record_marks_its_patient_in_the_same_transaction_and_the_refresh_moves_them(vips, patient):
    change(patient, tags=["vip"])
    assert list(DirtyPatient.objects.values_list("patient_id", "source")) == [(patient.pk, "patients.Patient")]
    assert member_ids(vips) == set()

    assert refresh() == 1

    assert member_ids(vips) == {patient.pk}
    assert DirtyPatient.objects.count() == 0
    [row] = SegmentMembership.objects.all()
    assert (row.reason, row.version, row.source_step_id) == ("record", 1, None)
    assert told() == [("segment.entered", "record")]
    event = Event.objects.get(trigger="segment.entered")
    assert (event.patient_id, event.subject_id, event.origin, event.depth) == (patient.pk, row.pk, "tick", 0)


def test_refreshing_again_and_saving_again_tell_nothing_more(vips, patient):
    change(patient, tags=["vip"])
    refresh()
    change(patient, city="Cluj")
    refresh()
    assert refresh() == 0
    assert told() == [("segment.entered", "record")]


def test_leaving_and_coming_back_are_told_and_the_row_stays(vips, patient):
    for tags in (["vip"], [], ["vip", "x"]):
        change(patient, tags=tags)
        refresh()
    assert told() == [("segment.entered", "record"), ("segment.exited", "record"), ("segment.entered", "record")]
    assert SegmentMembership.objects.get().revision == 3


def test_a_crossing_to_and_fro_before_the_refresh_is_none(vips, patient):
    change(patient, tags=["vip"])
    change(patient, tags=[])
    refresh()
    assert told() == []


def test_a_new_patient_enters(vips, clinic):
    new = patients.register(clinic=clinic, given_name="Ana", tags=["vip"])
    refresh()
    assert member_ids(vips) == {new.pk}
    assert told() == [("segment.entered", "record")]


def test_whoever_is_archived_leaves_and_whoever_comes_back_enters(vips, patient):
    change(patient, tags=["vip"])
    refresh()
    patients.archive(patient)
    refresh()
    assert member_ids(vips) == set()
    patients.reactivate(patient)
    refresh()
    assert [key for key, _ in told()] == ["segment.entered", "segment.exited", "segment.entered"]


def test_a_record_of_another_app_marks_its_patient(clinic, patient):
    busy = dynamic(clinic, {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_not_empty"}]})
    visit(patient)
    refresh()
    assert member_ids(busy) == {patient.pk}


def test_where_no_dynamic_segment_is_nothing_is_marked(clinic, patient):
    manual(clinic)
    change(patient, tags=["vip"])
    assert DirtyPatient.objects.count() == 0


def test_a_segment_of_another_clinic_is_not_concerned(vips, stranger_patient):
    change(stranger_patient, tags=["vip"])
    assert DirtyPatient.objects.count() == 0
    assert member_ids(vips) == set()


def test_what_rolls_back_marks_nobody(vips, patient):
    with transaction.atomic():
        change(patient, tags=["vip"])
        transaction.set_rollback(True)
    assert DirtyPatient.objects.count() == 0


def test_a_change_that_concerns_no_segment_is_looked_at_by_none(vips, patient, django_assert_max_num_queries):
    visit(patient)
    with django_assert_max_num_queries(12):
        assert refreshing.refresh_marked() == 1
    assert DirtyPatient.objects.count() == 0


def test_many_patients_cost_as_many_queries_as_a_few(vips, clinic, django_assert_max_num_queries):
    some = [Patient(clinic=clinic, given_name=f"P{n}", tags=["vip"]) for n in range(60)]
    Patient.objects.bulk_create(some)
    with django_assert_max_num_queries(32):
        assert refreshing.refresh_marked() == 60
    assert len(told()) == 60


# --- silence ---


def test_a_silent_change_moves_the_patient_at_once_and_tells_nothing(vips, patient):
    with silently("import"):
        change(patient, tags=["vip"])
    assert member_ids(vips) == {patient.pk}
    assert DirtyPatient.objects.count() == 0
    assert told() == []
    change(patient, city="Cluj")
    refresh()
    assert told() == []


def test_what_follows_a_silent_change_is_told(vips, patient):
    with silently("import"):
        change(patient, city="Cluj")
    change(patient, tags=["vip"])
    refresh()
    assert told() == [("segment.entered", "record")]


def test_what_was_heard_just_before_a_silent_change_is_told_and_the_silent_change_is_not(vips, clinic, patient):
    cluj = {"match": "all", "items": [{"field": "patient.city", "op": "is", "value": "Cluj"}]}
    dynamic(clinic, cluj, "cluj")
    change(patient, tags=["vip"])
    with silently("import"):
        change(patient, city="Cluj")
    assert told() == [("segment.entered", "record")]
    assert Event.objects.get(trigger="segment.entered", muted="").data["new"]["segment_id"] == vips.pk


def test_many_silent_changes_cost_one_refresh_at_their_end(vips, clinic, django_assert_max_num_queries):
    rows = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}") for n in range(40)])
    refresh()
    for row in rows:
        row.tags = ["vip"]
    with django_assert_max_num_queries(30), silently("import"):
        Patient.objects.bulk_update(rows, ["tags"])
    assert member_ids(vips) == {row.pk for row in rows}
    assert told() == []


def test_a_silent_exit_stops_what_entering_planned(vips, clinic, patient):
    later = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}
    rule = published(clinic, "segment.entered", later, config={"segment": "vips"})
    change(patient, tags=["vip"])
    drain_all()
    assert states(rule) == [("a1", "pending", "")]
    with silently("import"):
        change(patient, tags=[])
    assert states(rule) == [("a1", "cancelled", "stopped")]
    assert told() == [("segment.entered", "record")]


# --- time ---


def test_a_birthday_moves_a_patient_after_the_clinics_midnight(clinic, patient):
    today = clock.now().astimezone(ZoneInfo(clinic.time_zone)).date()
    change(patient, birth_date=today.replace(year=today.year - 65) + timedelta(days=2))
    old = dynamic(clinic, older_than(65), "old")
    assert member_ids(old) == set()
    for stop, count in walk_to(clock.now() + timedelta(days=3)):
        if told():
            break
        del stop, count
    assert told() == [("segment.entered", "time")]
    local = clock.now().astimezone(ZoneInfo(clinic.time_zone))
    assert (local.hour, local.minute) == (0, 0)
    assert local.date() == today + timedelta(days=2)


def test_a_segment_that_time_cannot_change_is_never_swept(vips):
    assert Segment.objects.get().next_sweep_at is None
    assert building.next_due() is None


def test_a_relative_date_makes_a_segment_depend_on_time(clinic, patient):
    recent = {"field": "patient.registered_at", "op": "in_last", "value": {"amount": 1, "unit": "days"}}
    new = dynamic(clinic, {"match": "all", "items": [recent]})
    assert member_ids(new) == {patient.pk}
    for _ in walk_to(clock.now() + timedelta(days=2)):
        pass
    assert member_ids(new) == set()
    assert told() == [("segment.exited", "time")]


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("Europe/Bucharest", "2026-11-24T10:20:00+00:00", "2026-11-24T11:00:00+00:00"),
        ("Asia/Kathmandu", "2026-11-24T18:05:00+00:00", "2026-11-24T18:15:00+00:00"),
    ],
)
def test_it_is_swept_each_hour_and_after_local_midnight(clinic, zone, now, due):
    clinic.time_zone = zone
    clinic.save()
    segment = dynamic(clinic, older_than(65))
    [one] = refreshing.usable([segment])
    assert building.next_sweep(one, datetime.fromisoformat(now)) == datetime.fromisoformat(due)


# --- rules ---


def test_a_rule_runs_when_its_segment_is_entered_and_for_no_other(vips, clinic, patient):
    dynamic(clinic, tagged("other"), "others")
    published(clinic, "segment.entered", {"type": "jot", "title": "In"}, config={"segment": "vips"}, name="in")
    published(clinic, "segment.exited", {"type": "jot", "title": "Out"}, config={"segment": "vips"}, name="out")
    change(patient, tags=["other"])
    drain_all()
    assert titles() == []
    change(patient, tags=["vip"])
    drain_all()
    assert titles() == ["In"]
    change(patient, tags=[])
    drain_all()
    assert titles() == ["In", "Out"]


def test_unknown_is_not_a_member(clinic, patient):
    change(patient, birth_date=None)
    assert member_ids(dynamic(clinic, older_than(0), "known")) == set()
    change(patient, birth_date=date(1990, 1, 1))
    refresh()
    assert told() == [("segment.entered", "record")]


def test_the_chain_of_causes_passes_through_the_refresh(vips, clinic, patient):
    published(clinic, "appointment.booked", {"type": "add_tag", "tag": "vip"}, name="tag")
    published(clinic, "segment.entered", {"type": "jot", "title": "In"}, config={"segment": "vips"}, name="in")
    visit(patient)
    drain_all()
    event = Event.objects.get(trigger="segment.entered")
    assert (event.caused_by.action, event.depth, event.data["new"]["reason"]) == ("add_tag", 1, "record")
    assert titles() == ["In"]


def test_rules_that_cause_each_other_through_segments_stop_at_the_limit_of_depth(vips, clinic, patient):
    for number in range(12):
        dynamic(clinic, tagged(f"t{number}"), f"s{number}")
        action = {"type": "add_tag", "tag": f"t{number + 1}"}
        published(clinic, "segment.entered", action, config={"segment": f"s{number}"}, name=f"r{number}")
    change(patient, tags=["t0"])
    drain_all()
    depths = list(Event.objects.filter(trigger="segment.entered").order_by("pk").values_list("depth", flat=True))
    assert depths == list(range(9))
    assert Patient.objects.get(pk=patient.pk).tags == [f"t{n}" for n in range(9)]
