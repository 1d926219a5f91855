"""A definition moves patients in and out and tells nobody; what breaks is set aside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations.models import Event
from automations.tests.builders import published, states
from automations.ticking import drain_all
from clinic import clock
from patients.models import Patient
from segments import building, refreshing, services
from segments.models import Segment, SegmentMembership
from segments.tests.builders import change, dynamic, member_ids, refresh, tagged, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(clinic):
    """Twenty patients; the first ten are tagged "vip", every second one "even"."""
    rows = [
        Patient(clinic=clinic, given_name=f"P{n}", tags=["vip"] * (n < 10) + ["even"] * (n % 2 == 0)) for n in range(20)
    ]
    return Patient.objects.bulk_create(rows)


def ids(people, wanted):
    return {people[n].pk for n in wanted}


def test_the_first_build_is_told_to_nobody(clinic, people):
    segment = dynamic(clinic, tagged("vip"))
    assert member_ids(segment) == ids(people, range(10))
    refresh()
    assert Event.objects.filter(subject_type="segment").count() == 0
    assert set(SegmentMembership.objects.values_list("reason", "version")) == {("definition", 1)}


def test_an_edit_moves_patients_and_is_told_to_nobody(clinic, people):
    segment = dynamic(clinic, tagged("vip"))
    segment = services.update(segment, conditions=tagged("even"))
    refresh()
    assert (segment.version, segment.built_version) == (2, 2)
    assert member_ids(segment) == ids(people, range(0, 20, 2))
    assert Event.objects.filter(subject_type="segment").count() == 0
    stamped = SegmentMembership.objects.filter(is_member=True).values_list("version", flat=True)
    assert set(stamped) == {2}


def test_an_edit_of_the_name_alone_builds_nothing(clinic, people):
    segment = services.update(dynamic(clinic, tagged("vip")), name="Regulars", conditions=tagged("vip"))
    assert (segment.name, segment.version) == ("Regulars", 1)


def test_whoever_an_edit_puts_out_gets_nothing_more_of_what_entering_planned(clinic, patient):
    segment = dynamic(clinic, tagged("vip"))
    later = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}
    rule = published(clinic, "segment.entered", later, config={"segment": "vips"})
    change(patient, tags=["vip"])
    drain_all()
    services.update(segment, conditions=tagged("even"))
    drain_all()
    assert states(rule) == [("a1", "cancelled", "stopped")]
    assert told() == [("segment.entered", "record")]


@pytest.fixture
def large(monkeypatch):
    """Treat every clinic as a large one, whose segments the workers build."""
    monkeypatch.setattr(building, "SMALL_CLINIC", 3)


def test_in_a_large_clinic_nothing_is_told_until_the_build_has_ended(clinic, people, large):
    segment = dynamic(clinic, tagged("vip"))
    assert (member_ids(segment), segment.built_version) == (set(), 0)
    change(people[0], tags=[])
    change(people[15], tags=["vip"])
    refreshing.refresh_marked()
    assert member_ids(segment) == {people[15].pk}
    refresh()
    assert member_ids(segment) == ids(people, [*range(1, 10), 15])
    assert told() == []
    change(people[0], tags=["vip"])
    refresh()
    assert told() == [("segment.entered", "record")]


def test_a_build_in_chunks_is_the_same(clinic, people, large, monkeypatch):
    monkeypatch.setattr(building, "CHUNK", 3)
    segment = dynamic(clinic, tagged("vip"))
    assert refresh() == 1
    assert member_ids(segment) == ids(people, range(10))
    assert refresh() == 0


def test_a_build_that_is_overtaken_by_an_edit_stops_and_the_next_one_ends(clinic, people, large, monkeypatch):
    monkeypatch.setattr(building, "CHUNK", 3)
    segment = dynamic(clinic, tagged("vip"))
    really, edits = building._chunk, [tagged("even")]

    def chunk(one, patients):
        done = really(one, patients)
        if edits:
            services.update(segment, conditions=edits.pop())
        return done

    monkeypatch.setattr(building, "_chunk", chunk)
    refresh()
    segment.refresh_from_db()
    assert (segment.version, segment.built_version) == (2, 2)
    assert member_ids(segment) == ids(people, range(0, 20, 2))
    assert told() == []


def test_a_worker_that_died_is_replaced_after_its_lease(clinic, people, large):
    segment = dynamic(clinic, tagged("vip"))
    Segment.objects.update(lease_until=clock.now() + building.LEASE)
    assert (refresh(), building.busy()) == (0, True)
    clock.advance_by(building.LEASE + timedelta(seconds=1))
    assert (building.busy(), refresh()) == (False, 1)
    assert member_ids(segment) == ids(people, range(10))


# --- archiving ---


def test_an_archived_segment_changes_no_more_and_coming_back_is_silent(clinic, people):
    segment = dynamic(clinic, tagged("vip"))
    services.archive(segment)
    change(people[0], tags=[])
    refresh()
    assert people[0].pk in member_ids(segment)
    services.restore(segment)
    assert member_ids(segment) == ids(people, range(1, 10))
    assert told() == []


# --- what breaks ---


@pytest.mark.django_db(transaction=True)
def test_a_definition_that_cannot_be_read_is_set_aside_and_keeps_no_other_back(clinic, patient):
    good, bad = dynamic(clinic, tagged("vip")), dynamic(clinic, tagged("vip"), "bad")
    Segment.objects.filter(pk=bad.pk).update(conditions={"match": "all", "items": [{"field": "patient.gone"}]})
    change(patient, tags=["vip"])
    refresh()
    assert member_ids(good) == {patient.pk}
    assert member_ids(bad) == set()
    bad.refresh_from_db()
    assert "patient.gone" in bad.broken
    assert building.oldest_due() is None
    bad = services.update(bad, conditions=tagged("vip"))
    assert (bad.broken, member_ids(bad)) == ("", {patient.pk})
    assert len(told()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_segment_that_breaks_while_it_is_refreshed_is_undone_alone(clinic, patient, monkeypatch):
    good, bad = dynamic(clinic, tagged("vip")), dynamic(clinic, tagged("vip"), "bad")
    really = refreshing.memberships.move

    def move(place, moves, moment):
        count = really(place, moves, moment)
        return 1 // 0 if place.segment_id == bad.pk else count

    monkeypatch.setattr(refreshing.memberships, "move", move)
    change(patient, tags=["vip"])
    refresh()
    assert (member_ids(good), member_ids(bad)) == ({patient.pk}, set())
    assert len(told()) == 1
    bad.refresh_from_db()
    assert bad.broken.startswith("ZeroDivisionError")
