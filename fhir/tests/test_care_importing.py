"""Importing plans and pain: once, in any order, for whoever the patient is by now."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from appointments.tests.builders import changes_of
from automations.models import Event
from clinic import clock
from fhir.tests.builders import ndjson, patient, run
from fhir.tests.care import care_plan, pain
from treatments import closing
from treatments.models import Exercise, PainScore, PlanPause, PlanVersion, Program, TreatmentPlan, WeeklyAdherence

pytestmark = pytest.mark.django_db


def load(clinic, tmp_path, *resources, fire=False):
    return run(clinic, ndjson(tmp_path / "a.ndjson", *resources), fire=fire)


def outcomes(report, noun="CarePlan"):
    return {name: count for name, count in report.counts[noun].items() if count}


def test_a_plan_and_its_patient_arrive_in_any_order_and_again_change_nothing(clinic, tmp_path):
    resources = [care_plan(), pain(), patient()]
    report = load(clinic, tmp_path, *resources)
    assert (outcomes(report), outcomes(report, "Observation"), report.problems) == ({"created": 1}, {"created": 1}, [])
    plan = TreatmentPlan.objects.get(external_id="c1")
    assert (plan.status, plan.program.slug, plan.starts_on) == (
        "active",
        "physical-therapy-procedure",
        date(2026, 3, 2),
    )
    version = PlanVersion.objects.get(plan=plan)
    assert (version.number, version.from_on, version.sessions_per_week) == (1, plan.starts_on, 3)
    assert list(Exercise.objects.values_list("name", "sessions_per_week")) == [("Stretching exercises", 3), ("Rest", 0)]
    assert PainScore.objects.get().value == 6.5

    def again():
        report = load(clinic, tmp_path, *resources)
        assert outcomes(report) == outcomes(report, "Observation") == {"unchanged": 1}

    assert changes_of(again) == []
    assert (Program.objects.count(), PlanVersion.objects.count(), Exercise.objects.count()) == (1, 1, 2)


@pytest.mark.parametrize("gone", [{"active": False}, {"deceasedDateTime": "2026-03-03"}])
@pytest.mark.parametrize("word", ["active", "completed", "on-hold", "draft", "revoked"])
def test_the_plans_of_patients_who_left_are_kept_too(clinic, tmp_path, gone, word):
    report = load(clinic, tmp_path, patient(**gone), care_plan(status=word), pain())
    assert report.problems == []
    assert TreatmentPlan.objects.count() == PainScore.objects.count() == 1


def test_a_plan_moves_on_with_the_file_and_not_back(clinic, tmp_path):
    load(clinic, tmp_path, patient(), care_plan(status="draft"))
    for word, status in [("active", "active"), ("on-hold", "paused"), ("active", "active"), ("completed", "completed")]:
        assert outcomes(load(clinic, tmp_path, care_plan(status=word))) == {"updated": 1}
        assert TreatmentPlan.objects.get().status == status
    assert PlanPause.objects.get().until_on is not None
    report = load(clinic, tmp_path, care_plan(status="active"))
    assert outcomes(report) == {"refused": 1}
    assert "a.ndjson:1" in report.problems[0].place
    assert "it is completed here and cannot become active" in report.problems[0].text
    assert TreatmentPlan.objects.get().status == "completed"


def test_other_activities_are_a_new_version(clinic, tmp_path):
    load(clinic, tmp_path, patient(), care_plan())
    daily = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    changed = care_plan(activity=[{"detail": {"code": {"text": "Squats"}, "scheduledTiming": daily}}])
    assert outcomes(load(clinic, tmp_path, changed)) == {"updated": 1}
    assert list(PlanVersion.objects.values_list("number", "sessions_per_week")) == [(1, 3), (2, 7)]


def test_what_was_entered_in_error_is_left_out_or_ends(clinic, tmp_path):
    wrong = care_plan(status="entered-in-error")
    report = load(clinic, tmp_path, patient(), wrong)
    assert (outcomes(report), TreatmentPlan.objects.count()) == ({"refused": 1}, 0)
    load(clinic, tmp_path, care_plan(), pain())
    report = load(clinic, tmp_path, wrong, pain(status="entered-in-error"))
    assert outcomes(report) == outcomes(report, "Observation") == {"updated": 1}
    assert (TreatmentPlan.objects.get().status, PainScore.objects.get().status) == ("cancelled", "entered_in_error")


def test_a_score_that_differs_is_corrected(clinic, tmp_path):
    load(clinic, tmp_path, patient(), pain())
    assert outcomes(load(clinic, tmp_path, pain(valueQuantity={"value": 3})), "Observation") == {"updated": 1}
    assert PainScore.objects.get().value == 3


@pytest.mark.parametrize("resource", [care_plan(), pain()])
def test_the_patient_must_be_known_and_stay_the_same(clinic, tmp_path, resource):
    noun = resource["resourceType"]
    report = load(clinic, tmp_path, resource)
    assert (outcomes(report, noun), "import the Patient first" in report.problems[0].text) == ({"refused": 1}, True)
    load(clinic, tmp_path, patient(), patient("p2"), resource)
    report = load(clinic, tmp_path, resource | {"subject": {"reference": "Patient/p2"}})
    assert (outcomes(report, noun), "another patient" in report.problems[0].text) == ({"refused": 1}, True)


def test_a_score_of_tomorrow_is_refused_and_its_neighbour_kept(clinic, tmp_path):
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    report = load(clinic, tmp_path, patient(), pain(), pain("o2", effectiveDateTime=tomorrow))
    assert outcomes(report, "Observation") == {"created": 1, "refused": 1}
    assert "it lies in the future" in report.problems[0].text


def test_weeks_before_the_import_are_not_judged(clinic, tmp_path):
    load(clinic, tmp_path, patient(), care_plan(period={"start": "1957-03-02"}))
    assert closing.drain() == 0
    clock.advance_to(clock.now() + timedelta(days=15))
    assert closing.drain() == 1
    assert WeeklyAdherence.objects.earliest("pk").first_on >= TreatmentPlan.objects.get().created_at.date()


def test_a_fired_import_tells_when_it_happened(clinic, tmp_path):
    ended = {"start": "2026-03-02T09:00:00+02:00", "end": "2026-04-02T09:00:00+02:00"}
    load(clinic, tmp_path, patient(), care_plan(), care_plan("c2", status="completed", period=ended), fire=True)
    told = Event.objects.filter(subject_type="treatment").order_by("occurred_at", "pk")
    assert [(one.trigger, f"{one.occurred_at:%m-%d %H:%M}", one.state) for one in told] == [
        ("treatment.assigned", "03-02 07:00", "new"),
        ("treatment.ended", "04-02 07:00", "matched"),
        ("treatment.completed", "04-02 07:00", "new"),
    ]
