"""What is done to tasks, and what is refused."""

from datetime import UTC, datetime

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from tests.cast import make_member
from worklist import selectors, services
from worklist.models import Task


def person(membership):
    return Actor("user", user_id=membership.user_id, clinic_id=membership.clinic_id)


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.fixture
def task(clinic, patient):
    return services.create(clinic=clinic, title="Call Maria", patient=patient, role="front_desk")


def test_a_task_is_for_a_role_or_a_person(clinic, task, specialist):
    other = services.create(clinic=clinic, title="Read", assignee=specialist)

    assert (task.role, task.assignee) == ("front_desk", None)
    assert (other.role, other.assignee) == ("", specialist)
    assert actions() == ["task.created", "task.created"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"title": "x"}, "role"),
        ({"title": "x", "role": "pilot"}, "role"),
        ({"title": "", "role": "front_desk"}, "title"),
    ],
)
def test_a_wrong_task_is_refused_and_not_stored(clinic, fields, path):
    with pytest.raises(ClinicError) as refusal:
        services.create(clinic=clinic, **fields)

    assert refusal.value.path == path
    assert not Task.objects.exists()


def test_a_stranger_gets_no_task_here(clinic, stranger):
    with pytest.raises(ClinicError) as refusal:
        services.create(clinic=clinic, title="x", assignee=stranger)

    assert refusal.value.path == "assignee"
    assert not Task.objects.exists()


def test_the_first_of_the_role_who_claims_it_has_it(task, front_desk):
    fiona = make_member(front_desk.clinic, "front_desk", "fiona", "Fiona")
    with acting_as(person(front_desk)):
        services.claim(task)
        services.claim(task)

    with acting_as(person(fiona)), pytest.raises(Refused, match="Felix Front has this task already"):
        services.claim(task)

    task.refresh_from_db()
    assert task.assignee == front_desk
    assert actions() == ["task.created", "task.claimed"]


@pytest.mark.parametrize("who", ["specialist", "stranger"])
def test_another_role_or_clinic_cannot_claim_it(task, who, request):
    with acting_as(person(request.getfixturevalue(who))), pytest.raises(Refused):
        services.claim(task)

    task.refresh_from_db()
    assert task.assignee is None


def test_done_says_by_whom_and_twice_is_once(task, front_desk):
    with acting_as(person(front_desk)):
        services.complete(task)
        again = services.complete(task)

    assert (again.status, again.finished_by) == ("done", front_desk)
    assert again.finished_at is not None
    assert actions() == ["task.created", "task.done"]


def test_a_finished_task_stays_finished(task, front_desk):
    services.cancel(task)

    for verb in (services.complete, lambda one: services.assign(one, assignee=front_desk)):
        with pytest.raises(ImpossibleTransition):
            verb(task)

    task.refresh_from_db()
    assert (task.status, task.assignee) == ("cancelled", None)


def test_a_task_goes_to_a_colleague_and_back_to_the_role(task, specialist):
    assert services.assign(task, assignee=specialist).assignee == specialist
    assert services.assign(task, assignee=None).assignee is None


def test_a_task_of_one_person_has_no_role_to_go_back_to(clinic, specialist):
    task = services.create(clinic=clinic, title="Read", assignee=specialist)

    with pytest.raises(ClinicError, match="name a person"):
        services.assign(task, assignee=None)


# --- who looks at what ---


def test_a_person_sees_their_own_and_their_roles_unclaimed_tasks(clinic, task, specialist, front_desk, other_clinic):
    own = services.create(clinic=clinic, title="Own", assignee=front_desk, due_at=datetime(2026, 1, 1, tzinfo=UTC))
    services.create(clinic=clinic, title="Specialist's", assignee=specialist, role="front_desk")
    services.create(clinic=clinic, title="Admins'", role="clinic_admin")
    services.create(clinic=other_clinic, title="Elsewhere", role="front_desk")
    services.complete(services.create(clinic=clinic, title="Done", role="front_desk"))

    assert list(selectors.open_tasks_of(front_desk)) == [own, task]
    assert list(selectors.open_tasks_of()) == []


def test_the_more_urgent_comes_first_among_the_undated(clinic, task):
    urgent = services.create(clinic=clinic, title="Urgent", role="front_desk", priority="urgent")

    assert list(selectors.open_tasks()) == [urgent, task]


def test_overdue_is_told(clinic):
    services.create(clinic=clinic, title="Old", role="front_desk", due_at=datetime(2026, 1, 1, tzinfo=UTC))
    services.create(clinic=clinic, title="New", role="front_desk", due_at=datetime(2026, 1, 3, tzinfo=UTC))

    rows = selectors.with_overdue(selectors.open_tasks(), datetime(2026, 1, 2, tzinfo=UTC))

    assert [(one.title, vars(one)["is_overdue"]) for one in rows] == [("Old", True), ("New", False)]


def test_a_task_that_is_over_is_put_back_on_the_list_once(task, front_desk):
    with acting_as(person(front_desk)):
        services.claim(task)
        services.complete(task)
        services.reopen(task)
        reopened = services.reopen(task)

    assert (reopened.status, reopened.assignee, reopened.finished_at, reopened.finished_by) == (
        "open",
        front_desk,
        None,
        None,
    )
    assert actions() == ["task.created", "task.claimed", "task.done", "task.reopened"]
    assert AuditEntry.objects.get(action="task.reopened").detail == {"from": "done"}


def test_a_stranger_puts_nothing_back(task, stranger):
    services.cancel(task)

    with acting_as(person(stranger)), pytest.raises(Refused):
        services.reopen(task)

    task.refresh_from_db()
    assert task.status == "cancelled"


def test_a_clinics_tasks_are_its_own_open_or_over(clinic, task, stranger_patient):
    other = services.create(clinic=clinic, title="Done", role="front_desk")
    services.complete(other)
    services.create(clinic=stranger_patient.clinic, title="Theirs", role="front_desk")

    assert list(selectors.tasks_at(clinic)) == [task]
    assert list(selectors.tasks_at(clinic, over=True)) == [other]
