"""Segments over HTTP: defined by conditions or by hand, tried before they are stored."""

from __future__ import annotations

import pytest

from segments.models import Segment, SegmentMembership
from segments.tests.builders import dynamic, manual, member_ids, older_than

pytestmark = pytest.mark.django_db


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


def test_a_dynamic_one_is_defined_and_has_its_members(api, patient):
    made = api.post("segments/", {"name": "Elderly", "conditions": older_than(65)})
    assert made.status_code == 201, made.content
    assert (made.json()["slug"], made.json()["member_count"], made.json()["built"]) == ("elderly", 1, True)
    members = api.get("segments/elderly/members/").json()["results"]
    assert [(one["patient"], one["reason"]) for one in members] == [(str(patient.pk), "definition")]
    changed = api.patch("segments/elderly/", {"conditions": older_than(90)}).json()
    assert (changed["version"], changed["member_count"]) == (2, 0)
    added = api.post("segments/elderly/members/", {"patient": str(patient.pk)})
    assert (added.status_code, faults(added)) == (422, [("/segment", "dynamic_segment")])


def test_wrong_conditions_are_named_deep_inside(api):
    tree = {"match": "all", "items": [{"field": "group", "match": "any", "items": [{"field": "patient.aeg"}]}]}
    for path, body in (("segments/", {"name": "X", "conditions": tree}), ("segments/preview/", {"conditions": tree})):
        answer = api.post(path, body)
        assert answer.status_code == 422
        assert faults(answer)[0][0].startswith("/conditions/items/0/items/0")
    assert Segment.objects.count() == 0


def test_a_preview_counts_and_stores_nothing(api, patient):
    answer = api.post("segments/preview/", {"conditions": older_than(65)})
    assert answer.json() == {"count": 1, "of": 1, "sample": [{"id": str(patient.pk), "name": "Maria Marin"}]}
    then = api.post("segments/preview/", {"conditions": older_than(65), "as_of": "2000-01-01T00:00:00Z"})
    assert (then.json()["count"], then.json()["of"]) == (0, 1)
    assert (Segment.objects.count(), SegmentMembership.objects.count()) == (0, 0)


def test_people_are_added_to_a_manual_one_and_taken_out(api, patient, clinic):
    segment = manual(clinic)
    path = f"segments/{segment.slug}/members/"
    assert [api.post(path, {"patient": {"external_id": "A-17"}}).status_code for _n in range(2)] == [201, 200]
    assert member_ids(segment) == {patient.pk}
    assert [api.send("DELETE", f"{path}{patient.pk}/").status_code for _n in range(2)] == [204, 204]
    assert member_ids(segment) == set()
    assert api.send("DELETE", f"{path}999/").status_code == 404


def test_one_is_put_away_and_taken_back(api, clinic, patient):
    dynamic(clinic, older_than(65))
    assert api.patch("segments/vips/", {"archived": True}).json()["archived"] is True
    assert api.get("segments/?archived=false").json()["results"] == []
    assert api.patch("segments/vips/", {"archived": False}).json()["archived"] is False
