"""Refreshers, sweeps, writers and an editor at once: no crossing is told twice, none is lost, nobody locks up."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from threading import Event as Flag

import pytest

from automations.models import Event
from clinic.errors import StaleRecord
from clinic.testing import rounds
from patients.models import Patient
from segments import building, difference, refreshing, services
from segments.models import DirtyPatient, Segment, SegmentMembership
from segments.tests.builders import change, dynamic, manual, member_ids, tagged, told
from tests.races.arena import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]
ROUNDS = rounds(6, 100)
PEOPLE = 12


@pytest.fixture
def people(clinic):
    """Twelve patients without tags."""
    return Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}") for n in range(PEOPLE)])


def matching(segment):
    """Return who should be in the segment, asked one by one in Python."""
    wanted = set(segment.conditions["items"][0]["value"])
    return {row.pk for row in Patient.objects.filter(clinic=segment.clinic) if wanted & set(row.tags)}


def assert_told_once_and_in_turn(segment):
    """Assert that each patient's crossings alternate, one event a revision, and end where the membership stands."""
    for row in SegmentMembership.objects.filter(segment=segment):
        events = Event.objects.filter(subject_type="segment", subject_id=row.pk).order_by("pk")
        keys = list(events.values_list("trigger", flat=True))
        assert keys == ["segment.entered", "segment.exited"] * (len(keys) // 2) + ["segment.entered"] * (len(keys) % 2)
        assert list(events.values_list("revision", flat=True)) == list(range(1, row.revision + 1))
        assert row.is_member is (keys[-1] == "segment.entered")


@pytest.mark.usefixtures("no_deadlocks")
def test_four_refreshers_and_two_writers_tell_each_crossing_once(clinic, people):
    segment = dynamic(clinic, tagged("vip"))
    for number in range(ROUNDS):
        done = Flag()
        writers = [Flag(), Flag()]

        def write(which, number=number, writers=writers, done=done):
            random = Random(number * 2 + which)
            try:
                for _ in range(8):
                    with suppress(StaleRecord):  # the other writer was quicker
                        change(random.choice(people), tags=random.choice([["vip"], [], ["vip", "x"]]))
            finally:
                writers[which].set()
                if all(flag.is_set() for flag in writers):
                    done.set()

        def refresh(done=done):
            while not done.is_set():
                refreshing.refresh_marked(5)
                building.drain()

        at_once(lambda write=write: write(0), lambda write=write: write(1), refresh, refresh, refresh, refresh)
        building.drain()
        assert DirtyPatient.objects.count() == 0
        assert member_ids(segment) == matching(segment)
        assert_told_once_and_in_turn(segment)
    assert len(told()) > ROUNDS


@pytest.mark.usefixtures("no_deadlocks")
def test_two_sweeps_and_a_refresher_of_one_segment_tell_each_crossing_once(clinic, people):
    segment = dynamic(clinic, tagged("vip"))
    for number in range(ROUNDS):
        for row in people:
            change(row, tags=["vip"] if number % 2 == 0 else [])

        def sweep():
            [one] = refreshing.usable(Segment.objects.filter(pk=segment.pk).select_related("clinic"))
            building._whole(one, building.now())

        at_once(sweep, sweep, refreshing.refresh_marked)
        building.drain()
        assert len(told()) == PEOPLE * (number + 1)
        assert member_ids(segment) == matching(segment)
    assert_told_once_and_in_turn(segment)


@pytest.mark.usefixtures("no_deadlocks")
def test_an_edit_among_refreshers_is_silent_and_the_new_definition_decides(clinic, people):
    segment = dynamic(clinic, tagged("even"))
    for row in people:
        change(row, tags=["even"] if row.pk % 2 == 0 else ["odd"])
    building.drain()
    before = len(told())
    for number in range(ROUNDS):
        wanted = ("odd", "even")[number % 2]
        for row in people:
            change(row, city=f"C{number}")  # marks them, and moves nobody

        def edit(wanted=wanted):
            services.update(segment, conditions=tagged(wanted))

        at_once(edit, refreshing.refresh_marked, building.drain, refreshing.refresh_marked)
        building.drain()
        segment.refresh_from_db()
        assert member_ids(segment) == matching(segment)
        assert set(SegmentMembership.objects.filter(is_member=True).values_list("version", flat=True)) == {
            segment.version
        }
    assert len(told()) == before


@pytest.mark.usefixtures("no_deadlocks")
def test_two_people_who_add_the_same_patient_add_them_once(clinic, people):
    calls = manual(clinic)
    for row in people[: min(ROUNDS, PEOPLE)]:
        done = at_once(lambda row=row: services.add_member(calls, row), lambda row=row: services.add_member(calls, row))
        assert sorted(done) == [False, True]
    assert len(told()) == min(ROUNDS, PEOPLE)


def test_the_difference_alone_would_tell_twice(clinic, people):
    """What holds the proof up is the lock: two that compare before either writes both see the crossing."""
    segment = dynamic(clinic, tagged("vip"))
    Patient.objects.filter(pk=people[0].pk).update(tags=["vip"])
    [one] = refreshing.usable([segment])
    seen = at_once(lambda: difference.crossings(one, building.now()), lambda: difference.crossings(one, building.now()))
    assert [len(rows) for rows in seen] == [1, 1]
