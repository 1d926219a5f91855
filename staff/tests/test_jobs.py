"""Long work: claimed, carried on in turns, cancelled, taken up again after a worker was killed."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from accounts.actor import current
from accounts.models import AuditEntry, Membership
from automations import enrolling, lifecycle
from automations.models import Rule
from automations.tests.builders import document, move, service, visit
from automations.ticking import drain_all, next_due
from clinic import clock
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from staff import jobs, jobs_kinds, jobs_running, tasks
from staff.jobs import Kind, Lost
from staff.models import Job
from tests.cast import acting, make_member

pytestmark = pytest.mark.django_db

TASK = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}


@pytest.fixture
def kind(monkeypatch):
    """A kind of job whose work the test sets: `kind.work = …`."""

    made = SimpleNamespace(work=lambda held: True, cancelled=[], failed=[])
    found = Kind(
        "made",
        "Made",
        lambda held: made.work(held),  # noqa: PLW0108 - tests replace it
        cancelled=lambda job: made.cancelled.append(job.pk),
        failed=lambda job: made.failed.append(job.pk),
    )
    monkeypatch.setitem(jobs._kinds, "made", found)
    return made


@pytest.fixture
def job(clinic, admin, kind):
    with acting(admin):
        return jobs.ask(clinic=clinic, kind="made", title="Count the patients", total=3)


def test_asking_is_recorded_and_names_who_asked(job, admin):
    assert (job.state, job.asked_by, job.done, job.total, job.percent) == ("queued", admin, 0, 3, 0)
    entry = AuditEntry.objects.get(action="job.asked")
    assert (entry.actor_id, entry.detail) == (admin.user_id, {"kind": "made"})


def test_only_the_roles_of_the_kind_may_ask(clinic, front_desk, kind):
    with acting(front_desk), pytest.raises(Refused):
        jobs.ask(clinic=clinic, kind="made", title="Count", total=3)
    assert not Job.objects.exists()


def test_a_job_goes_on_in_turns_and_ends(job, kind):
    def work(held):
        with held.part(1) as row:
            row.result = {"seen": row.done + 1}
        return held.job.done == 3

    kind.work = work
    assert jobs_running.turn() is True
    job.refresh_from_db()
    assert (job.state, job.done, job.percent, job.result, job.lease_until) == ("running", 1, 33, {"seen": 1}, None)

    assert drain_all() == 2
    job.refresh_from_db()
    assert (job.state, job.done, job.percent, job.turn) == ("done", 3, 100, 3)
    assert job.started_at <= job.finished_at
    assert jobs_running.next_due() is None


def test_it_acts_as_the_person_who_asked(job, kind, admin):
    seen = []
    kind.work = lambda held: seen.append(current().user_id) or True
    jobs_running.drain()
    assert seen == [admin.user_id]


def test_somebody_who_left_has_no_more_done_in_their_name(job, kind, admin):
    admin.is_active = False
    admin.save()
    jobs_running.drain()
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "This takes the role clinic admin at this clinic.")
    assert kind.failed == [job.pk]


def test_a_refusal_ends_it_with_its_words(job, kind):
    def work(held):
        raise ClinicError("The rule is gone.")

    kind.work = work
    jobs_running.drain()
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "The rule is gone.")


def test_a_broken_part_is_written_not_at_all_and_tried_again_later(job, kind, clinic):
    def work(held):
        with held.part(1):
            make_member(clinic, "specialist", "gone", "Gone")
            raise ZeroDivisionError

    kind.work = work
    assert jobs_running.drain() == 1
    job.refresh_from_db()
    assert (job.state, job.done, job.attempts, job.lease_until) == ("running", 0, 1, None)
    assert job.next_at > clock.now()
    assert not Membership.objects.filter(slug="gone").exists()

    for _attempt in range(4):
        clock.advance_by(timedelta(hours=1))
        jobs_running.drain()
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("failed", 5)
    assert job.error == "Something is wrong with the program (ZeroDivisionError); tell whoever runs it."


def test_a_job_of_a_killed_worker_is_taken_up_again_where_it_stood(job, kind):
    held = jobs.Held(jobs.claim(), float("inf"))
    with held.part(2):
        pass
    assert jobs_running.turn() is False  # nobody knows yet that the worker is gone
    assert next_due(clock.now()) == Job.objects.get().lease_until

    clock.advance_by(jobs.LEASE)
    seen = []
    kind.work = lambda held: seen.append(held.job.done) or True
    assert jobs_running.turn() is True
    assert seen == [2]
    with pytest.raises(Lost), held.part(1):
        pass
    job.refresh_from_db()
    assert (job.state, job.done, job.turn) == ("done", 2, 2)


def test_a_job_that_kills_every_worker_ends(job, kind):
    for _life in range(jobs_running.MAX_ATTEMPTS):
        jobs.claim()
        clock.advance_by(jobs.LEASE)
    jobs_running.drain()
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "It was begun 5 times and never came to an end.")


def test_cancelling_stops_a_worker_in_the_middle(job, kind, admin, clinic):
    held = jobs.Held(jobs.claim(), float("inf"))
    with acting(admin):
        jobs.cancel(job)
        jobs.cancel(job)
    with pytest.raises(Lost), held.part(1):
        make_member(clinic, "specialist", "late", "Late")
    job.refresh_from_db()
    assert (job.state, job.done, kind.cancelled) == ("cancelled", 0, [job.pk])
    assert not Membership.objects.filter(slug="late").exists()
    assert AuditEntry.objects.filter(action="job.cancelled").count() == 1


def test_what_is_over_cannot_be_cancelled(job, kind, admin):
    jobs_running.drain()
    with acting(admin), pytest.raises(ImpossibleTransition):
        jobs.cancel(job)


def test_only_who_asked_or_an_admin_cancels(job, front_desk, admin, stranger):
    for other in (front_desk, stranger):
        with acting(other), pytest.raises(Refused):
            jobs.cancel(job)
    job.refresh_from_db()
    assert job.state == "queued"


def test_one_job_at_a_time_is_in_the_hands_of_workers(clinic, admin, kind, job):
    with acting(admin):
        jobs.ask(clinic=clinic, kind="made", title="Another", total=1)
    assert jobs.claim() == job
    assert jobs_running.turn() is False
    assert jobs_running.busy() is True


@pytest.mark.django_db(transaction=True)
def test_a_message_of_celery_only_says_look(job, kind):
    assert tasks.tick() is True
    assert tasks.drain() is False
    job.refresh_from_db()
    assert job.state == "done"


# --- the kinds about rules ---


@pytest.fixture
def rule(clinic, patient, admin):
    service(clinic)
    made = lifecycle.create_rule(clinic=clinic, name="Call", document=document("appointment.completed", TASK))
    lifecycle.publish(made)
    for _visit in range(2):
        move(visit(patient), status="completed")
    drain_all()
    return made


def test_a_backtest_counts_as_the_page_does(rule, admin):
    with acting(admin):
        job = jobs_kinds.ask_backtest(rule, days=30)
    jobs_running.drain()
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == ("done", 2, 2)
    found = {key: job.result[key] for key in ("days", "evaluated", "matched", "ran", "most")}
    assert found == {"days": 30, "evaluated": 2, "matched": 2, "ran": 2, "most": 2}
    assert sum(count for _day, count in job.result["per_day"]) == 2
    assert len(job.result["per_day"]) == 30


def test_a_backtest_of_other_days_is_refused(rule, admin):
    with acting(admin), pytest.raises(ClinicError):
        jobs_kinds.ask_backtest(rule, days=0)
    assert not Job.objects.exists()


@pytest.fixture
def onboarding(clinic, patient):
    made = lifecycle.create_rule(clinic=clinic, name="Welcome", document=document("patient.onboarded", TASK))
    lifecycle.publish(made)
    return made


def test_an_enrolment_is_followed_to_its_end(onboarding, admin, patient):
    with acting(admin):
        job = jobs_kinds.ask_enrolment(onboarding, everybody=True)
    assert job.total == 1
    drain_all()
    clock.advance_by(timedelta(minutes=1))
    drain_all()
    job.refresh_from_db()
    assert (job.state, job.done, job.result["started"]) == ("done", 1, 1)


def test_cancelling_the_job_cancels_the_enrolment(onboarding, admin):
    with acting(admin):
        job = jobs_kinds.ask_enrolment(onboarding, everybody=True)
        jobs.cancel(job)
    assert onboarding.enrolments.get().state == "cancelled"


def test_an_enrolment_cancelled_elsewhere_ends_the_job(onboarding, admin):
    with acting(admin):
        job = jobs_kinds.ask_enrolment(onboarding, everybody=True)
        enrolling.cancel(onboarding.enrolments.get())
    jobs_running.drain()
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_paused_rule_lets_its_job_wait(onboarding, admin):
    with acting(admin):
        job = jobs_kinds.ask_enrolment(onboarding, everybody=True)
    Rule.objects.filter(pk=onboarding.pk).update(mode="paused")
    assert jobs_running.drain() == 1
    job.refresh_from_db()
    assert (job.state, job.done) == ("running", 0)
    assert job.next_at > clock.now() + timedelta(minutes=50)


def test_the_health_check_hears_of_jobs_that_nobody_takes_up(job):
    assert jobs_running.oldest_due() == job.next_at
    jobs.claim()
    assert jobs_running.oldest_due() is None
