"""The pages of segments: who is in one and why, who adds and removes, and which rules name it."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from automations.models import Rule
from automations.references import rules_naming
from automations.tests.builders import document, published
from patients.models import Patient
from segments import services
from segments.models import SegmentMembership
from segments.tests.builders import change, dynamic, manual, member_ids, older_than, tagged
from staff.tests.pages.counting import queries_of

pytestmark = pytest.mark.django_db


def at(name, *args):
    return reverse(f"staff:{name}", args=args)


def another(clinic, name, **fields):
    return Patient.objects.create(clinic=clinic, given_name=name, **fields)


def test_the_list_says_who_is_in_each_and_how_many(clinic, patient, as_front_desk):
    dynamic(clinic, older_than(65), "elderly")
    manual(clinic)
    html = as_front_desk.get(at("segments")).content.decode()
    for text in ("Elderly", "Age is at least 65", "Needs-A-Call", "whoever is added", ">1<", ">0<"):
        assert text in html
    assert "New segment" not in html


def test_an_empty_list_has_one_button_for_the_admin(as_admin, as_specialist):
    assert as_admin.get(at("segments")).content.decode().count(reverse("admin:segments_segment_add")) == 1
    assert "Clinic admins define them." in as_specialist.get(at("segments")).content.decode()


def test_the_list_and_the_page_cost_the_same_whatever_there_is(clinic, patient, as_specialist):
    segment = dynamic(clinic, tagged("vip"), "vip")
    change(patient, tags=["vip"])
    addresses = [at("segments"), at("segment", segment.pk)]
    before = [queries_of(as_specialist, address) for address in addresses]
    for n in range(4):
        dynamic(clinic, older_than(n), f"older-{n}")
        another(clinic, f"P{n}", tags=["vip"])
    assert [queries_of(as_specialist, address) for address in addresses] == before


def test_the_page_shows_who_is_in_it_since_when_and_why(clinic, patient, as_specialist):
    segment = manual(clinic)
    services.add_member(segment, patient)
    html = as_specialist.get(at("segment", segment.pk)).content.decode()
    for text in ("Maria Marin", "1 patient in it", "a person decided", "No rule names it."):
        assert text in html
    actions = list(AuditEntry.objects.filter(action__startswith="membership").values_list("action", "detail"))
    assert actions == [("membership.listed", {"patients": [patient.pk]})]


def test_who_left_is_kept_apart(clinic, patient, as_specialist):
    segment = manual(clinic)
    services.add_member(segment, patient)
    services.remove_member(segment, patient)
    assert "Nobody is in it." in as_specialist.get(at("segment", segment.pk)).content.decode()
    left = as_specialist.get(at("segment", segment.pk), {"show": "left"})
    assert [one.patient for one in left.context["paged"].rows] == [patient]


# --- by hand ---


def test_the_front_desk_adds_a_patient_and_removes_them(clinic, patient, as_front_desk):
    segment = manual(clinic)
    assert "Add Maria Marin" in as_front_desk.get(at("segment-add", segment.pk), {"q": "maria"}).content.decode()
    response = as_front_desk.post(at("segment-add", segment.pk), {"patient": patient.pk})
    assert (response["Location"], member_ids(segment)) == (at("segment", segment.pk), {patient.pk})
    as_front_desk.post(at("segment-remove", segment.pk), {"patient": patient.pk})
    assert member_ids(segment) == set()
    actions = AuditEntry.objects.filter(object_type="segments.segmentmembership").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["segment.member_added", "segment.member_removed"]


def test_a_dynamic_segment_takes_nobody_by_hand(clinic, patient, as_admin):
    segment = dynamic(clinic, tagged("vip"))
    response = as_admin.post(at("segment-add", segment.pk), {"patient": patient.pk}, follow=True)
    assert "its conditions decide who is in it" in response.content.decode()
    assert member_ids(segment) == set()


@pytest.mark.parametrize("given", ["", "x", "999999999999999999999", "7"])
def test_nobody_in_particular_is_not_found(clinic, as_admin, given):
    assert as_admin.post(at("segment-add", manual(clinic).pk), {"patient": given}).status_code == 404


# --- why ---


def test_why_not_is_answered_with_the_value_that_stands_in_the_way(clinic, patient, as_specialist):
    segment = dynamic(clinic, older_than(90), "very-old")
    response = as_specialist.get(at("segment-why", segment.pk), {"patient": patient.pk})
    html = response.content.decode()
    assert "Why is Maria Marin not in it?" in html
    [line] = response.context["lines"]
    assert (line.mark, line.text, line.actual) == ("✗", "Patient · Age ≥ 90", "was 69")
    entry = AuditEntry.objects.get(action="segment.asked")
    assert (entry.patient_id, entry.object_id) == (patient.pk, str(segment.pk))


def test_why_is_answered_too(clinic, patient, as_specialist):
    segment = dynamic(clinic, older_than(65), "elderly")
    response = as_specialist.get(at("segment-why", segment.pk), {"patient": patient.pk})
    assert "Why is Maria Marin in it?" in response.content.decode()
    assert (response.context["lines"][0].mark, response.context["why"].settling) == ("✓", False)


def test_a_manual_one_says_who_decided(clinic, patient, as_specialist):
    segment = manual(clinic)
    page = {"patient": patient.pk}
    assert "Nobody ever added them." in as_specialist.get(at("segment-why", segment.pk), page).content.decode()
    services.add_member(segment, patient)
    assert "a person decided" in as_specialist.get(at("segment-why", segment.pk), page).content.decode()


def test_without_a_patient_the_page_looks_for_one(clinic, patient, as_specialist):
    segment = dynamic(clinic, tagged("vip"))
    html = as_specialist.get(at("segment-why", segment.pk), {"q": "marin"}).content.decode()
    assert f"?patient={patient.pk}" in html


def test_conditions_that_cannot_be_used_say_so(clinic, patient, as_specialist):
    segment = dynamic(clinic, tagged("vip"))
    type(segment).objects.filter(pk=segment.pk).update(conditions={"match": "all", "items": [{"field": "gone"}]})
    html = as_specialist.get(at("segment-why", segment.pk), {"patient": patient.pk}).content.decode()
    assert "The segment cannot be worked out" in html
    assert as_specialist.get(at("segments")).status_code == 200


# --- where it is used ---


def test_rules_that_name_it_are_listed_published_or_drafted(clinic, admin, as_admin):
    segment = dynamic(clinic, tagged("vip"), "vip")
    other = dynamic(clinic, tagged("no"), "other")
    wording = document("segment.entered", config={"segment": "vip"})
    live = published(clinic, "segment.entered", config={"segment": "vip"}, name="Live")
    drafted = Rule.objects.create(clinic=clinic, slug="drafted", name="Drafted", draft=wording)
    Rule.objects.create(clinic=clinic, slug="gone", name="Gone", draft=wording, mode="archived")

    found = rules_naming(segment)

    assert [(one.rule, one.published) for one in found] == [(drafted, False), (live, True)]
    assert rules_naming(other) == []
    html = as_admin.get(at("segment", segment.pk)).content.decode()
    assert ("Live" in html, "Drafted" in html, "in the draft only" in html, "Gone" in html) == (True, True, True, False)


# --- who may ---


@pytest.mark.parametrize("name", ["segment", "segment-why", "segment-add", "segment-remove"])
def test_a_stranger_finds_nothing_and_moves_nobody(clinic, patient, as_stranger, name):
    segment = manual(clinic)
    services.add_member(segment, patient)
    address, data = at(name, segment.pk), {"patient": patient.pk}
    assert as_stranger.get(address, data).status_code in (404, 405)
    assert as_stranger.post(address, data).status_code in (404, 405)
    assert member_ids(segment) == {patient.pk}


def test_a_patient_of_another_clinic_is_not_found(clinic, stranger_patient, as_admin):
    segment = manual(clinic)
    for name in ("segment-add", "segment-remove"):
        assert as_admin.post(at(name, segment.pk), {"patient": stranger_patient.pk}).status_code == 404
    assert as_admin.get(at("segment-why", segment.pk), {"patient": stranger_patient.pk}).status_code == 404
    assert SegmentMembership.objects.count() == 0
