"""Starting a rule for patients who were there before it: who, how many a minute, and what keeps it from doing so."""

from datetime import date, timedelta

import pytest

from accounts.actor import Actor, acting_as
from automations import enrolling, lifecycle, ticking
from automations.models import Enrolment, Event, Rule, Run, Step
from automations.tests.builders import published, titles
from clinic import clock
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from patients.models import Patient

pytestmark = pytest.mark.django_db
OLD = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 65}]}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def people(clinic):
    """Ten patients, P0 to P9, who were there before any rule; the even ones are 70."""
    rows = Patient.objects.bulk_create(
        Patient(clinic=clinic, given_name=f"P{n}", birth_date=date(1956 if n % 2 == 0 else 2000, 1, 1))
        for n in range(10)
    )
    Event.objects.all().update(state="matched")
    return rows


@pytest.fixture
def rule(clinic, people):
    """A rule on new patients aged 65 and over, published after they came."""
    actions = [{"type": "jot", "title": "Welcome"}, {"type": "jot", "title": "Off", "disabled": True}]
    return published(clinic, "patient.onboarded", *actions, conditions=OLD)


def walk(**span):
    for _ in ticking.walk_to(clock.now() + timedelta(**span)):
        pass


def started():
    return Event.objects.filter(rule__isnull=False)


# --- for many ---


def test_the_preview_tells_how_many_and_who_and_writes_nothing(rule, people):
    before = (Event.objects.count(), Enrolment.objects.count())
    found = enrolling.preview(rule, everybody=True)
    assert (found.of, found.already, found.count, found.steps) == (10, 0, 5, {"jot": 5})
    assert [one.given_name for one in found.sample] == ["P0", "P2", "P4", "P6", "P8"]
    assert (Event.objects.count(), Enrolment.objects.count()) == before


def test_everybody_who_meets_the_conditions_gets_the_steps_once(rule):
    enrolling.enrol(rule, everybody=True, per_minute=600)
    walk(minutes=5)
    assert titles() == ["Welcome"] * 5
    enrolment = Enrolment.objects.get()
    assert (enrolment.state, enrolment.started, enrolment.who) == ("done", 10, "all")
    assert {event.trigger for event in started()} == {"patient.onboarded"}


def test_enrolling_again_leaves_out_those_for_whom_it_ran(rule):
    enrolling.enrol(rule, everybody=True, per_minute=600)
    walk(minutes=5)
    assert enrolling.preview(rule, everybody=True).already == 5
    enrolling.enrol(rule, everybody=True, per_minute=600)
    walk(minutes=5)
    assert titles() == ["Welcome"] * 5


def test_no_other_rule_hears_of_it(rule, clinic):
    other = published(clinic, "patient.onboarded", {"type": "jot", "title": "Other"}, name="Other")
    enrolling.enrol(rule, everybody=True, per_minute=600)
    walk(minutes=5)
    assert not Run.objects.filter(rule=other).exists()


def test_so_many_a_minute_and_no_burst_after_a_pause_of_the_engine(rule):
    enrolling.enrol(rule, everybody=True, per_minute=12)
    assert enrolling.sweep_enrolments() == 3  # a round of two patients
    clock.advance_by(timedelta(seconds=9))
    assert enrolling.sweep_enrolments() == 0
    clock.advance_by(timedelta(seconds=2))
    assert enrolling.sweep_enrolments() == 3
    clock.advance_by(timedelta(minutes=30))
    assert enrolling.sweep_enrolments() == 3
    assert started().count() == 6


def test_cancelling_starts_it_for_nobody_more(rule):
    enrolment = enrolling.enrol(rule, everybody=True, per_minute=12)
    enrolling.sweep_enrolments()
    enrolling.cancel(enrolment)
    enrolling.cancel(enrolment)
    walk(minutes=5)
    assert (Enrolment.objects.get().state, started().count()) == ("cancelled", 2)


def test_what_is_done_cannot_be_cancelled(rule):
    enrolment = enrolling.enrol(rule, everybody=True, per_minute=600)
    walk(minutes=1)
    with pytest.raises(ImpossibleTransition):
        enrolling.cancel(enrolment)


def test_whoever_leaves_before_their_turn_is_passed_over(rule, people):
    enrolling.enrol(rule, everybody=True, per_minute=12)
    Patient.objects.filter(pk=people[8].pk).update(status="archived")
    walk(minutes=5)
    assert not started().filter(patient=people[8]).exists()
    assert titles() == ["Welcome"] * 4


def test_a_paused_rule_waits_and_an_archived_one_ends_it(rule):
    enrolling.enrol(rule, everybody=True, per_minute=12)
    lifecycle.pause(rule)
    assert (enrolling.sweep_enrolments(), enrolling.next_due()) == (0, None)
    lifecycle.resume(rule)
    assert enrolling.sweep_enrolments() == 3
    lifecycle.archive(rule)
    walk(minutes=5)
    assert (Enrolment.objects.get().state, started().count()) == ("cancelled", 2)


def test_only_those_named(rule, people, stranger_patient):
    enrolling.enrol(rule, patients=[people[0].pk, people[1].pk, stranger_patient.pk], per_minute=600)
    walk(minutes=1)
    assert sorted(started().values_list("patient__given_name", flat=True)) == ["P0", "P1"]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({}, "all"),
        ({"everybody": True, "patients": [1]}, "all"),
        ({"everybody": True, "per_minute": 0}, "per_minute"),
        ({"everybody": True, "per_minute": 10**6}, "per_minute"),
        ({"planet": "mars"}, "planet"),
        ({"segment": "nowhere"}, "segment"),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_its_place(rule, asked, path):
    with pytest.raises(ClinicError) as refused:
        enrolling.enrol(rule, **asked)
    assert refused.value.path == path
    assert not Enrolment.objects.exists()


def test_a_rule_is_enrolled_once_at_a_time(rule):
    enrolling.enrol(rule, everybody=True)
    with pytest.raises(Refused, match="already"):
        enrolling.enrol(rule, everybody=True)


@pytest.mark.parametrize("trigger", ["appointment.completed", "form.signed"])
def test_rules_about_other_things_than_the_patient_are_refused(clinic, trigger):
    with pytest.raises(Refused) as refused:
        enrolling.enrol(published(clinic, trigger), everybody=True)
    assert refused.value.code == "not_for_existing"


def test_a_rule_that_is_not_on_is_refused(rule):
    lifecycle.pause(rule)
    with pytest.raises(Refused) as refused:
        enrolling.preview(Rule.objects.get(pk=rule.pk), everybody=True)
    assert refused.value.code == "not_on"


def test_only_the_clinics_admins_may(rule, specialist, stranger, admin):
    for person in (specialist, stranger):
        with acting_as(Actor("user", user_id=person.user_id)), pytest.raises(Refused):
            enrolling.enrol(rule, everybody=True)
    with acting_as(Actor("user", user_id=admin.user_id)):
        assert enrolling.enrol(rule, everybody=True).started_by == admin


# --- the page ---


def page(rule):
    return f"/admin/automations/rule/{rule.pk}/enrol/"


def test_the_admin_previews_starts_and_cancels(as_admin, rule):
    assert page(rule) in as_admin.get(f"/admin/automations/rule/{rule.pk}/change/").content.decode()
    shown = as_admin.get(page(rule), {"who": "all", "per_minute": "12"}).content.decode()
    assert "5 meet the conditions" in shown
    assert not Enrolment.objects.exists()
    assert as_admin.post(page(rule), {"who": "all", "per_minute": "12"}).status_code == 302
    assert Enrolment.objects.get().per_minute == 12
    assert as_admin.post(page(rule), {"cancel": Enrolment.objects.get().pk}).status_code == 302
    assert Enrolment.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"who": "chosen", "patients": "nobody"},
        {"who": "chosen", "patients": "9" * 30},
        {"who": "all", "per_minute": "many"},
        {"who": "segment", "segment": "nowhere"},
        {"cancel": "x"},
    ],
)
def test_what_is_posted_wrongly_is_said_and_does_nothing(as_admin, rule, posted):
    assert as_admin.post(page(rule), posted).status_code == 409
    assert not Enrolment.objects.exists()
    assert not started().exists()


def test_the_page_is_the_admins_of_that_clinic_alone(as_specialist, as_stranger, rule):
    assert as_specialist.get(page(rule)).status_code == 403
    assert as_stranger.get(page(rule)).status_code in (302, 404)
    assert as_specialist.post(page(rule), {"who": "all"}).status_code == 403
    assert not Enrolment.objects.exists()
    assert not Step.objects.exists()
