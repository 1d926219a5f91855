"""The pages of long work: a list to come back to, progress, cancelling, and the two questions to rules."""

from datetime import timedelta

import pytest
from django.urls import reverse

from automations import lifecycle
from automations.models import Enrolment
from automations.tests.builders import document, move, service, visit
from automations.ticking import drain_all
from clinic import clock
from patients.models import Patient
from staff import jobs, jobs_kinds
from staff.models import Job
from tests.cast import acting

pytestmark = pytest.mark.django_db

TASK = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}


@pytest.fixture
def rule(clinic, patient):
    service(clinic)
    made = lifecycle.create_rule(clinic=clinic, name="Call older", document=document("appointment.completed", TASK))
    lifecycle.publish(made)
    move(visit(patient), status="completed")
    drain_all()
    return made


@pytest.fixture
def welcome(clinic, patient):
    made = lifecycle.create_rule(clinic=clinic, name="Welcome", document=document("patient.onboarded", TASK))
    lifecycle.publish(made)
    return made


@pytest.fixture
def job(rule, admin):
    with acting(admin):
        return jobs_kinds.ask_backtest(rule, days=30)


def address(job, name="job"):
    return reverse(f"staff:{name}", args=[job.pk])


def test_the_empty_list_offers_an_import(as_front_desk):
    html = as_front_desk.get(reverse("staff:jobs")).content.decode()
    assert "Import a spreadsheet" in html
    assert "Back-test a rule" not in html


def test_who_may_not_import_is_offered_what_is_open(as_specialist):
    html = as_specialist.get(reverse("staff:jobs")).content.decode()
    assert "Nothing that takes long was asked for" in html
    assert "Import a spreadsheet" not in html
    assert f'<a class="btn btn-primary" href="{reverse("staff:home")}">Home</a>' in html


def test_the_list_shows_what_one_asked_for_and_an_admin_sees_all(job, as_admin, as_front_desk):
    assert "Back-test of “Call older”, 30 days" in as_admin.get(reverse("staff:jobs")).content.decode()
    assert "Back-test of" not in as_front_desk.get(reverse("staff:jobs")).content.decode()


def test_the_list_takes_as_many_queries_for_many_as_for_one(rule, admin, as_admin, django_assert_num_queries, job):
    with django_assert_num_queries(5):
        as_admin.get(reverse("staff:jobs"))
    with acting(admin):
        for days in (7, 90, 365):
            jobs_kinds.ask_backtest(rule, days=days)
    with django_assert_num_queries(5):
        as_admin.get(reverse("staff:jobs"))


def test_an_open_job_asks_again_by_itself_and_has_a_link_for_those_without_scripts(job, as_admin):
    html = as_admin.get(address(job)).content.decode()
    assert f'hx-get="{address(job, "job-progress")}"' in html
    assert 'hx-trigger="every 1s"' in html
    assert "Look again" in html
    drain_all()
    part = as_admin.get(address(job, "job-progress")).content.decode()
    assert "hx-get" not in part
    assert "<strong>1</strong> run in the last 30 days, out of 1 such events" in part


def test_a_stranger_and_a_colleague_get_not_found_and_nothing_is_cancelled(job, as_stranger, as_front_desk):
    for who in (as_stranger, as_front_desk):
        assert who.get(address(job)).status_code == 404
        assert who.get(address(job, "job-progress")).status_code == 404
        assert who.post(address(job, "job-cancel")).status_code == 404
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_job_is_cancelled(job, as_admin):
    answer = as_admin.post(address(job, "job-cancel"), follow=True)
    assert "Cancelled; what was done stays." in answer.content.decode()
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_asking_by_get_cancels_nothing(job, as_admin):
    assert as_admin.get(address(job, "job-cancel")).status_code == 405


def test_an_error_is_told_in_words(job, as_admin, rule):
    Job.objects.filter(pk=job.pk).update(params={"rule": 0, "days": 30})
    drain_all()
    assert "The rule is no longer there." in as_admin.get(address(job)).content.decode()


def test_a_small_backtest_is_answered_at_once(rule, as_admin):
    answer = as_admin.post(reverse("staff:job-backtest"), {"rule": rule.pk, "days": 7}, follow=True)
    html = answer.content.decode()
    assert "in the last 7 days, out of 1 such events" in html
    assert "Back-test of “Call older”, 7 days" in html
    assert Job.objects.get().state == "done"


def test_a_rule_of_another_clinic_cannot_be_chosen(rule, as_stranger):
    for name, extra in (("job-backtest", {"days": 7}), ("job-enrol", {"per_minute": 60, "start": "1"})):
        answer = as_stranger.post(reverse(f"staff:{name}"), {"rule": rule.pk, **extra})
        assert "Select a valid choice" in answer.content.decode()
    assert not Job.objects.exists()


def test_only_clinic_admins_ask_and_start_rules(rule, welcome, as_front_desk, as_specialist):
    for who in (as_front_desk, as_specialist):
        assert who.post(reverse("staff:job-backtest"), {"rule": rule.pk, "days": 7}).status_code == 403
        given = {"rule": welcome.pk, "per_minute": 60, "start": "1"}
        assert who.post(reverse("staff:job-enrol"), given).status_code == 403
    assert not Job.objects.exists()
    assert not Enrolment.objects.exists()


def test_a_rule_is_started_after_a_look_at_what_would_happen(welcome, clinic, as_admin):
    Patient.objects.create(clinic=clinic, given_name="Ana")
    drain_all()
    Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{number}") for number in range(3)])
    given = {"rule": welcome.pk, "per_minute": 600}
    html = as_admin.post(reverse("staff:job-enrol"), {**given, "preview": "1"}).content.decode()
    assert "<strong>5</strong> patients are meant." in html
    assert "1 had the rule before and is left out." in html
    assert not Job.objects.exists()

    answer = as_admin.post(reverse("staff:job-enrol"), {**given, "start": "1"}, follow=True)
    assert "Start “Welcome” for patients" in answer.content.decode()
    drain_all()
    clock.advance_by(timedelta(minutes=1))
    drain_all()
    job = Job.objects.get()
    assert (job.state, job.done, job.total) == ("done", 4, 4)


def test_a_rule_that_runs_already_says_so(welcome, as_admin):
    given = {"rule": welcome.pk, "per_minute": 1, "start": "1"}
    as_admin.post(reverse("staff:job-enrol"), given)
    html = as_admin.post(reverse("staff:job-enrol"), given).content.decode()
    assert "This rule is being enrolled already; cancel that first." in html
    assert Job.objects.count() == 1


def test_what_is_over_says_that_it_cannot_be_cancelled(job, as_admin):
    drain_all()
    html = as_admin.post(address(job, "job-cancel"), follow=True).content.decode()
    assert "it cannot become cancelled from there" in html
    assert jobs.claim() is None
