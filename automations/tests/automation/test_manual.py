"""The trigger manual: staff start the rule for patients of their choice, and nothing else does."""

import pytest

from accounts.actor import Actor, acting_as
from automations import enrolling, ticking
from automations.models import Event
from automations.tests.builders import published, titles
from clinic.errors import ClinicError, Refused
from patients.models import Patient

pytestmark = pytest.mark.django_db
KEY = "manual"


@pytest.fixture
def rule(clinic):
    return published(clinic, KEY, {"type": "jot", "title": "Call {{ patient }}"})


@pytest.fixture
def nora(clinic):
    return Patient.objects.create(clinic=clinic, given_name="Nora", external_id="A-18")


def test_nothing_starts_it_by_itself(rule, patient, nora):
    ticking.drain_all()
    assert titles() == []


def test_it_runs_for_the_chosen_patients_each_time_it_is_started(rule, patient, nora):
    for _ in range(2):
        enrolling.run_by_hand(rule, [patient.pk, patient.pk])
        ticking.drain_engine()
    assert len(titles()) == 2
    assert set(Event.objects.filter(trigger=KEY).values_list("patient_id", "rule_id")) == {(patient.pk, rule.pk)}


def test_conditions_and_reentry_count_as_of_any_event(clinic, patient, nora):
    rule = published(
        clinic,
        KEY,
        conditions={"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]},
        settings={"reentry": {"mode": "once_per_patient"}},
    )
    for _ in range(2):
        enrolling.run_by_hand(rule, [patient.pk, nora.pk])
    ticking.drain_engine()
    assert [(run.patient.given_name, run.outcome) for run in rule.runs.order_by("pk")] == [
        ("Maria", "matched"),
        ("Maria", "suppressed"),
    ]


def test_all_staff_may_start_it_and_strangers_may_not(rule, patient, front_desk, stranger):
    with acting_as(Actor("user", user_id=front_desk.user_id)):
        assert len(enrolling.run_by_hand(rule, [patient.pk])) == 1
    with acting_as(Actor("user", user_id=stranger.user_id)), pytest.raises(Refused):
        enrolling.run_by_hand(rule, [patient.pk])
    assert Event.objects.filter(trigger=KEY).count() == 1


def test_another_clinics_patient_one_who_left_nobody_and_too_many_are_refused(rule, patient, nora, stranger_patient):
    Patient.objects.filter(pk=nora.pk).update(status="archived")
    for chosen in ([patient.pk, stranger_patient.pk], [nora.pk], [], range(1, 300)):
        with pytest.raises(ClinicError) as refused:
            enrolling.run_by_hand(rule, chosen)
        assert refused.value.path == "patients"
    assert not Event.objects.filter(trigger=KEY).exists()


def test_a_rule_that_starts_by_itself_is_not_started_by_hand(clinic, patient):
    rule = published(clinic, "patient.onboarded")
    with pytest.raises(Refused) as refused:
        enrolling.run_by_hand(rule, [patient.pk])
    assert refused.value.code == "not_by_hand"


def test_it_can_be_enrolled_for_many_too_whether_or_not_it_ran_before(rule, patient, nora):
    enrolling.run_by_hand(rule, [patient.pk])
    ticking.drain_engine()
    assert enrolling.preview(rule, everybody=True).already == 0
    enrolling.enrol(rule, everybody=True, per_minute=600)
    ticking.drain_all()
    assert len(titles()) == 3


def test_the_front_desk_starts_it_on_the_page_for_a_few_and_enrols_nobody(as_front_desk, rule, patient):
    page = f"/admin/automations/rule/{rule.pk}/enrol/"
    assert page in as_front_desk.get(f"/admin/automations/rule/{rule.pk}/change/").content.decode()
    assert as_front_desk.get(page).status_code == 200
    assert as_front_desk.post(page, {"who": "all"}).status_code == 409
    assert as_front_desk.post(page, {"who": "chosen", "patients": "A-17"}).status_code == 302
    assert Event.objects.filter(trigger=KEY).count() == 1


def test_the_admin_names_patients_by_number_on_the_page(as_admin, rule, patient, nora):
    page = f"/admin/automations/rule/{rule.pk}/enrol/"
    response = as_admin.post(page, {"who": "chosen", "patients": f"A-17\n{nora.pk}\nA-17"})
    assert response.status_code == 302
    assert sorted(Event.objects.filter(trigger=KEY).values_list("patient__given_name", flat=True)) == ["Maria", "Nora"]
