"""The worklist: whose tasks are shown, in which order, and what is done with them by whom."""

from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from clinic.clock import now
from tests.cast import make_member
from worklist import services
from worklist.models import Task

LIST = "/staff/worklist/"


def make(patient, title="Call Maria", **fields):
    fields = {"role": "front_desk"} | fields
    return services.create(clinic=patient.clinic, title=title, patient=patient, **fields)


def press(client, task, verb, **given):
    return client.post(reverse("staff:task-move", args=[task.pk, verb]), given, follow=True)


def titles(client, **asked):
    html = unescape(client.get(LIST, asked).content.decode())
    every = Task.objects.order_by("pk").values_list("title", flat=True)
    found = [(html.index(f"<strong>{one}<"), one) for one in every if f"<strong>{one}<" in html]
    return [one for _at, one in sorted(found)]


def test_the_overdue_stand_first_and_say_so(patient, as_front_desk):
    make(patient, "No date")
    make(patient, "Tomorrow", due_at=now() + timedelta(days=1))
    make(patient, "Yesterday", due_at=now() - timedelta(days=1))

    assert titles(as_front_desk) == ["Yesterday", "Tomorrow", "No date"]
    assert as_front_desk.get(LIST).content.decode().count(">overdue<") == 1


def test_the_list_is_filtered(patient, specialist, front_desk, as_front_desk):
    make(patient, "Mine", assignee=front_desk)
    make(patient, "My role's", priority="urgent")
    make(patient, "The specialist's", assignee=specialist, role="")
    make(patient, "The admins'", role="clinic_admin")
    services.complete(make(patient, "Over"))

    assert titles(as_front_desk) == ["My role's", "Mine"]
    assert titles(as_front_desk, show="unclaimed") == ["My role's", "The admins'"]
    assert titles(as_front_desk, show="all") == ["My role's", "Mine", "The specialist's", "The admins'"]
    assert titles(as_front_desk, show="all", role="clinic_admin") == ["The admins'"]
    assert titles(as_front_desk, show="all", priority="urgent") == ["My role's"]
    assert titles(as_front_desk, show="over") == ["Over"]
    assert titles(as_front_desk, show="nonsense", role="pilot", priority="purple") == ["My role's", "Mine"]


def test_a_link_names_one_task(patient, as_front_desk):
    make(patient, "Another")
    over = services.complete(make(patient, "This one"))
    assert titles(as_front_desk, task=over.pk) == ["This one"]


def test_a_task_is_claimed_done_and_put_back(patient, front_desk, as_front_desk):
    task = make(patient)
    for verb, state, owner in (
        ("claim", "open", front_desk),
        ("done", "done", front_desk),
        ("reopen", "open", front_desk),
        ("cancel", "cancelled", front_desk),
    ):
        press(as_front_desk, task, verb)
        task.refresh_from_db()
        assert (task.status, task.assignee) == (state, owner)


def test_a_task_is_given_to_a_person_and_back_to_its_role(patient, specialist, as_front_desk):
    task = make(patient)
    address = reverse("staff:task-assign", args=[task.pk])

    as_front_desk.post(address, {"assignee": specialist.pk})
    task.refresh_from_db()
    assert task.assignee == specialist

    as_front_desk.post(address, {"assignee": ""})
    task.refresh_from_db()
    assert task.assignee is None


def test_nobody_from_elsewhere_or_who_left_gets_a_task(patient, specialist, stranger, as_front_desk):
    task = make(patient)
    specialist.is_active = False
    specialist.save()
    for member in (stranger, specialist):
        response = as_front_desk.post(reverse("staff:task-assign", args=[task.pk]), {"assignee": member.pk})
        assert response.status_code == 404
    task.refresh_from_db()
    assert task.assignee is None


def test_a_task_of_another_role_is_refused_with_words(patient, as_specialist):
    task = make(patient)
    assert "This task is for another role." in press(as_specialist, task, "claim").content.decode()
    task.refresh_from_db()
    assert task.assignee is None


def test_a_task_is_written_down_about_a_patient(patient, as_front_desk):
    address = f"{reverse('staff:task-new')}?patient={patient.pk}"
    assert "About Maria Marin." in as_front_desk.get(address).content.decode()

    given = {"title": "Call", "whom": "role-specialist", "priority": "high", "due_at": "2026-12-07T10:00"}
    response = as_front_desk.post(reverse("staff:task-new"), given | {"patient": patient.pk, "next": "/staff/"})

    task = Task.objects.get()
    assert response["Location"] == "/staff/"
    assert (task.patient, task.role, task.assignee, task.priority) == (patient, "specialist", None, "high")
    assert task.due_at.isoformat() == "2026-12-07T08:00:00+00:00"


def test_a_task_is_written_down_for_a_person(clinic, specialist, as_front_desk):
    as_front_desk.post(
        reverse("staff:task-new"), {"title": "Read", "whom": f"person-{specialist.pk}", "priority": "normal"}
    )
    assert (Task.objects.get().assignee, Task.objects.get().role) == (specialist, "")


@pytest.mark.parametrize("wrong", [{"title": ""}, {"whom": "person-0"}, {"whom": "role-pilot"}, {"priority": "x"}])
def test_a_wrong_task_comes_back(clinic, as_front_desk, wrong):
    given = {"title": "Read", "whom": "role-specialist", "priority": "normal"} | wrong
    response = as_front_desk.post(reverse("staff:task-new"), given)
    assert response.status_code == 200
    assert not Task.objects.exists()


def test_an_empty_list_has_one_button(clinic, as_front_desk):
    html = as_front_desk.get(LIST).content.decode()
    assert "No open tasks." in html
    assert "Write a task down" in html
    assert "Nothing fits these filters." in as_front_desk.get(LIST, {"priority": "low"}).content.decode()
    assert "No task is over yet." in as_front_desk.get(LIST, {"show": "over"}).content.decode()


def test_the_list_is_recorded_with_its_patients(patient, as_front_desk):
    make(patient)
    as_front_desk.get(LIST)
    entry = AuditEntry.objects.get(action="task.listed")
    assert entry.detail == {"patients": [patient.pk]}


def test_the_list_takes_as_many_queries_for_much_as_for_little(patient, as_front_desk, django_assert_num_queries):
    as_front_desk.get(LIST)
    for number in range(10):
        member = make_member(patient.clinic, "specialist", f"dr-{number}", f"Dr. {number}")
        make(patient, f"Task {number}", assignee=member)
    with django_assert_num_queries(7):
        as_front_desk.get(LIST, {"show": "all"})


# --- strangers ---


@pytest.mark.parametrize("verb", ["claim", "done", "cancel", "reopen"])
def test_a_strangers_click_finds_no_task(patient, as_stranger, verb):
    task = make(patient)
    assert press(as_stranger, task, verb).status_code == 404
    task.refresh_from_db()
    assert (task.status, task.assignee) == ("open", None)


def test_a_stranger_gives_away_and_reads_nothing(patient, stranger, as_stranger):
    task = make(patient)
    address = reverse("staff:task-assign", args=[task.pk])
    assert as_stranger.post(address, {"assignee": stranger.pk}).status_code == 404
    assert as_stranger.get(LIST, {"task": task.pk}).status_code == 404
    assert "Call Maria" not in as_stranger.get(LIST, {"show": "all"}).content.decode()
    task.refresh_from_db()
    assert task.assignee is None


def test_a_stranger_writes_nothing_about_a_patient(patient, as_stranger):
    given = {"title": "x", "whom": "role-specialist", "priority": "normal", "patient": patient.pk}
    assert as_stranger.post(reverse("staff:task-new"), given).status_code == 404
    assert not Task.objects.exists()
