"""What people do to segments: who may, what is refused, what the audit trail says."""

from __future__ import annotations

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from clinic.errors import ClinicError, Refused, StaleRecord
from segments import selectors, services
from segments.models import Segment, SegmentMembership
from segments.tests.builders import dynamic, manual, member_ids, tagged, told

pytestmark = pytest.mark.django_db


def acting(user):
    """Let this person be the one who does what happens inside."""
    return acting_as(Actor(kind="user", user_id=user.pk))


def test_names_give_slugs_and_slugs_are_unique_in_a_clinic(clinic, other_clinic):
    slugs = [services.create(clinic=clinic, name="High Pain + Inactive").slug for _ in range(2)]
    assert slugs == ["high-pain-inactive", "high-pain-inactive-2"]
    assert services.create(clinic=other_clinic, name="High Pain + Inactive").slug == "high-pain-inactive"
    with pytest.raises(ClinicError) as refused:
        services.create(clinic=clinic, name="x", slug="high-pain-inactive")
    assert (refused.value.code, refused.value.path) == ("taken", "slug")


def test_a_slug_holds_a_letter_because_numbers_alone_are_ids(clinic):
    for slug, code in (("17", "number"), ("x" * 81, "too_long"), ("No Good", "slug")):
        with pytest.raises(ClinicError) as refused:
            services.create(clinic=clinic, name="x", slug=slug)
        assert (refused.value.code, refused.value.path) == (code, "slug")
    assert services.create(clinic=clinic, name="2026").slug == "segment-2026"


@pytest.mark.parametrize("slug", ["No Good", "ümlaut", "x" * 81])
def test_a_slug_that_is_none_is_refused(clinic, slug):
    with pytest.raises(ClinicError) as refused:
        services.create(clinic=clinic, name="x", slug=slug)
    assert refused.value.path == "slug"


@pytest.mark.parametrize(
    ("field", "given"), [("kind", {"kind": "odd"}), ("name", {"name": " "}), ("name", {"name": "x" * 201})]
)
def test_a_wrong_field_is_named(clinic, field, given):
    with pytest.raises(ClinicError) as refused:
        services.create(**{"clinic": clinic, "name": "x", **given})
    assert refused.value.path == field
    assert Segment.objects.count() == 0


def test_a_manual_segment_has_no_conditions(clinic):
    with pytest.raises(ClinicError) as refused:
        services.create(clinic=clinic, name="x", kind="manual", conditions=tagged("vip"))
    assert refused.value.code == "manual_segment"


def test_a_dynamic_segment_without_conditions_holds_everybody(clinic, patient):
    assert member_ids(services.create(clinic=clinic, name="All")) == {patient.pk}


def test_a_stale_edit_is_refused(clinic):
    segment = dynamic(clinic, tagged("vip"))
    services.update(segment, conditions=tagged("even"), version=1)
    with pytest.raises(StaleRecord):
        services.update(segment, conditions=tagged("odd"), version=1)
    segment.refresh_from_db()
    assert segment.conditions == tagged("even")


# --- members ---


def test_people_add_and_remove_and_doing_it_again_does_nothing(clinic, patient, front_desk):
    calls = manual(clinic)
    with acting(front_desk.user):
        done = [services.add_member(calls, patient), services.add_member(calls, patient)]
        done += [services.remove_member(calls, patient), services.remove_member(calls, patient)]
    assert done == [True, False, True, False]
    assert told() == [("segment.entered", "staff"), ("segment.exited", "staff")]
    trail = AuditEntry.objects.filter(action__startswith="segment.member").order_by("pk")
    assert list(trail.values_list("action", "patient_id")) == [
        ("segment.member_added", patient.pk),
        ("segment.member_removed", patient.pk),
    ]


def test_nobody_is_put_into_a_dynamic_or_an_archived_segment_or_one_of_another_clinic(
    clinic, patient, stranger_patient
):
    calls, vips = manual(clinic), dynamic(clinic, tagged("vip"))
    for segment, who, code in ((vips, patient, "dynamic_segment"), (calls, stranger_patient, "not_found")):
        with pytest.raises(ClinicError) as refused:
            services.add_member(segment, who)
        assert refused.value.code == code
    with pytest.raises(ClinicError) as refused:
        services.add_member(services.archive(calls), patient)
    assert refused.value.code == "archived"
    assert SegmentMembership.objects.count() == 0


def test_only_admins_define_and_only_the_clinics_own_people_add(clinic, patient, front_desk, specialist, stranger):
    calls = manual(clinic)
    for member in (front_desk, specialist, stranger):
        with acting(member.user), pytest.raises(Refused):
            services.create(clinic=clinic, name="x")
        for verb in (services.update, services.archive, services.restore):
            with acting(member.user), pytest.raises(Refused):
                verb(calls)
    with acting(stranger.user), pytest.raises(Refused):
        services.add_member(calls, patient)
    assert member_ids(calls) == set()


def test_members_and_segments_are_found_from_both_sides(clinic, patient):
    calls, others = manual(clinic), manual(clinic, "others")
    services.add_member(calls, patient)
    services.add_member(others, patient)
    services.archive(others)
    assert [row.patient for row in selectors.members(calls)] == [patient]
    assert list(selectors.segments_of(patient)) == [calls]
    assert selectors.by_slug(clinic, "needs-a-call") == calls
    with pytest.raises(ClinicError, match="no segment"):
        selectors.by_slug(clinic, "nowhere")
