"""The admin pages of segments: the builder, its count, the list of members."""

from __future__ import annotations

import json

import pytest

from accounts.models import AuditEntry
from automations.admin.convert import Editor
from automations.tests.admin.typed import config_of, opened
from segments import definition, services
from segments.models import Segment, SegmentMembership
from segments.tests.builders import change, dynamic, manual, member_ids, older_than, tagged, told

pytestmark = pytest.mark.django_db
PAGES = "/admin/segments/segment/"
ADD = f"{PAGES}add/"
MEMBERS = "/admin/segments/segmentmembership/"
NESTED = {
    "match": "any",
    "items": [
        *older_than(65)["items"],
        {"field": "patient.appointment_count", "op": "eq", "value": 0, "window": {"amount": 3, "unit": "months"}},
        {"field": "group", "match": "none", "items": tagged("vip")["items"]},
    ],
}


def typed(clinic, conditions):
    """Return conditions as the editor's script posts them."""
    return json.dumps(Editor(clinic.pk, "", definition.offered()).show({"conditions": conditions})["conditions"])


def test_an_admin_defines_a_dynamic_segment(as_admin, clinic, patient):
    posted = opened(as_admin, ADD) | {"name": "Elderly", "kind": "dynamic", "conditions": typed(clinic, older_than(65))}
    response = as_admin.post(ADD, posted)
    assert response.status_code == 302
    segment = Segment.objects.get()
    assert (segment.slug, segment.conditions, segment.clinic) == ("elderly", older_than(65), clinic)
    assert member_ids(segment) == {patient.pk}
    assert AuditEntry.objects.filter(action="segment.created").count() == 1


def test_opening_and_saving_changes_nothing(as_admin, clinic):
    segment = dynamic(clinic, NESTED)
    page = f"{PAGES}{segment.pk}/change/"
    assert as_admin.post(page, opened(as_admin, page)).status_code == 302
    segment.refresh_from_db()
    assert (segment.conditions, segment.version) == (NESTED, 1)


def test_an_edit_defines_it_anew_and_a_stale_one_is_refused(as_admin, clinic, patient):
    segment = dynamic(clinic, tagged("vip"))
    page = f"{PAGES}{segment.pk}/change/"
    posted = opened(as_admin, page) | {"conditions": typed(clinic, older_than(18))}
    assert as_admin.post(page, posted).status_code == 302
    assert member_ids(segment) == {patient.pk}
    stale = as_admin.post(page, {**posted, "conditions": typed(clinic, tagged("x"))})
    assert "was changed by somebody else" in stale.content.decode()
    assert member_ids(segment) == {patient.pk}


@pytest.mark.parametrize("emptied", ["", "null", "[]", '{"match": "all"}', "not json"])
def test_emptied_conditions_never_become_everyone(as_admin, clinic, patient, emptied):
    segment = dynamic(clinic, tagged("vip"))
    page = f"{PAGES}{segment.pk}/change/"
    response = as_admin.post(page, opened(as_admin, page) | {"conditions": emptied})
    assert response.status_code == 200
    segment.refresh_from_db()
    assert (segment.conditions, member_ids(segment)) == (tagged("vip"), set())


def test_what_is_wrong_is_marked_at_its_line(as_admin, clinic):
    lost = {"match": "all", "items": [{"field": "patient.segments", "op": "has_any_of", "value": ["vips"]}]}
    posted = opened(as_admin, ADD) | {"name": "x", "kind": "dynamic", "conditions": typed(clinic, lost)}
    response = as_admin.post(ADD, posted)
    assert response.status_code == 200
    assert "cannot ask which segments" in response.content.decode()
    assert config_of(response.content.decode(), "conditions")["errorMap"]
    assert Segment.objects.count() == 0


def test_the_kind_and_the_slug_stay_and_which_segments_one_is_in_is_not_offered(as_admin, clinic):
    segment = manual(clinic)
    page = as_admin.get(f"{PAGES}{segment.pk}/change/").content.decode()
    assert 'name="kind"' not in page
    assert 'name="slug"' not in page
    assert 'name="conditions"' not in page
    assert "patient.age" in as_admin.get(ADD).content.decode()
    assert "patient.segments" not in as_admin.get(ADD).content.decode()


def test_a_manual_segment_is_defined_whatever_stands_in_its_conditions(as_admin, clinic):
    posted = opened(as_admin, ADD) | {"name": "Calls", "kind": "manual", "slug": "calls"}
    assert as_admin.post(ADD, posted).status_code == 302
    assert Segment.objects.get().kind == "manual"


# --- the count ---


def test_it_counts_while_somebody_types_and_stores_nothing(as_admin, clinic, patient):
    posted = opened(as_admin, ADD) | {"name": "x", "kind": "dynamic", "conditions": typed(clinic, older_than(65))}
    page = as_admin.post(f"{PAGES}count/", posted).content.decode()
    assert "1 of 1 active patients" in page
    assert "Age is at least 65" in page
    change(patient, birth_date=None)
    assert "0 of 1 active patients" in as_admin.post(f"{PAGES}count/", posted).content.decode()
    assert Segment.objects.count() == 0


def test_while_the_conditions_are_not_whole_it_says_what_is_missing(as_admin, clinic):
    bad = {"match": "all", "items": [{"field": "patient.age", "op": "gte"}]}
    posted = opened(as_admin, ADD) | {"name": "x", "kind": "dynamic", "conditions": typed(clinic, bad)}
    assert "Not whole yet" in as_admin.post(f"{PAGES}count/", posted).content.decode()


def test_only_admins_count_and_get_no_page(as_admin, as_front_desk, as_stranger, clinic):
    segment = dynamic(clinic, tagged("vip"))
    posted = opened(as_admin, f"{PAGES}{segment.pk}/change/") | {"rule": segment.pk}
    for client, status in ((as_front_desk, 403), (as_stranger, 404)):
        for view in ("count/", "lines/"):
            assert client.post(f"{PAGES}{view}", posted).status_code == status
    assert as_admin.get(f"{PAGES}count/").status_code == 404
    lines = as_admin.post(f"{PAGES}lines/", posted).json()
    assert set(lines["parts"]) == {"conditions"}
    assert "patient.age" in lines["hidden"]["op"]


# --- lists ---


def test_the_list_says_who_is_in_it_in_words_and_how_many(as_front_desk, clinic, patient):
    dynamic(clinic, older_than(65), "elderly")
    manual(clinic)
    page = as_front_desk.get(PAGES).content.decode()
    assert "Age is at least 65" in page
    assert "whoever is added" in page
    one = as_front_desk.get(f"{PAGES}{Segment.objects.get(slug='elderly').pk}/change/").content.decode()
    assert "Age is at least 65" in one
    assert 'name="_save"' not in one


def test_archiving_and_restoring_in_the_list(as_admin, clinic):
    segment = dynamic(clinic, tagged("vip"))
    for verb, gone in (("archive", True), ("restore", False)):
        as_admin.post(PAGES, {"action": verb, "_selected_action": [segment.pk]})
        segment.refresh_from_db()
        assert (segment.archived_at is not None) is gone


def test_the_staff_add_and_remove_members_of_manual_segments(as_front_desk, clinic, patient, front_desk):
    calls, vips = manual(clinic), dynamic(clinic, tagged("vip"))
    add = f"{MEMBERS}add/"
    assert vips.name not in as_front_desk.get(add).content.decode()
    assert as_front_desk.post(add, {"segment": calls.pk, "patient": patient.pk}).status_code == 302
    assert member_ids(calls) == {patient.pk}
    row = SegmentMembership.objects.get()
    as_front_desk.post(MEMBERS, {"action": "remove", "_selected_action": [row.pk]})
    assert member_ids(calls) == set()
    assert told() == [("segment.entered", "staff"), ("segment.exited", "staff")]


def test_nobody_sees_the_members_of_another_clinic(as_stranger, clinic, patient):
    calls = manual(clinic)
    services.add_member(calls, patient)
    assert "Maria" not in as_stranger.get(MEMBERS).content.decode()
    assert as_stranger.get(f"{PAGES}{calls.pk}/change/").status_code == 302
