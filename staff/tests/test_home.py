"""The desk of the staff: what is new, what is to do, and whose it is."""

import pytest
from django.urls import reverse

from accounts.models import Membership
from messaging.models import Notification
from staff import selectors
from worklist import services as worklist
from worklist.models import Task


def page(patient):
    return reverse("staff:patient-summary", args=[patient.pk])


def test_home_lists_what_is_new_and_what_is_to_do(patient, specialist, front_desk, as_front_desk):
    mine = Notification.objects.create(clinic=patient.clinic, patient=patient, recipient=front_desk, title="Look here")
    Notification.objects.create(clinic=patient.clinic, patient=patient, recipient=specialist, title="Not yours")
    worklist.create(clinic=patient.clinic, title="Call Maria", patient=patient, role="front_desk", priority="urgent")
    worklist.create(clinic=patient.clinic, title="Somebody else's", assignee=specialist)

    html = as_front_desk.get("/staff/").content.decode()

    assert "Felix Front's desk" in html
    assert "Look here" in html
    assert f'href="{page(patient)}"' in html
    assert "Call Maria" in html
    assert "urgent" in html
    assert "Not yours" not in html
    assert "Somebody else" not in html

    as_front_desk.post(reverse("staff:notification-read", args=[mine.pk]))
    assert "Look here" not in as_front_desk.get("/staff/").content.decode()


def test_another_persons_notification_stays_unread(patient, specialist, as_front_desk):
    note = Notification.objects.create(clinic=patient.clinic, patient=patient, recipient=specialist, title="Yours")

    as_front_desk.post(reverse("staff:notification-read", args=[note.pk]))

    note.refresh_from_db()
    assert note.read_at is None


def test_a_task_is_claimed_and_done_from_home(patient, front_desk, as_front_desk):
    task = worklist.create(clinic=patient.clinic, title="Call Maria", patient=patient, role="front_desk")

    as_front_desk.post(reverse("staff:task-move", args=[task.pk, "claim"]))
    task.refresh_from_db()
    assert task.assignee == front_desk

    as_front_desk.post(reverse("staff:task-move", args=[task.pk, "done"]))
    task.refresh_from_db()
    assert (task.status, task.finished_by) == ("done", front_desk)


def test_a_task_of_another_role_cannot_be_claimed_and_home_says_why(patient, as_specialist):
    task = worklist.create(clinic=patient.clinic, title="Call Maria", patient=patient, role="front_desk")

    response = as_specialist.post(reverse("staff:task-move", args=[task.pk, "claim"]), follow=True)

    task.refresh_from_db()
    assert task.assignee is None
    assert "This task is for another role." in response.content.decode()


@pytest.mark.parametrize("verb", ["claim", "done"])
def test_a_strangers_click_finds_no_task(patient, as_stranger, verb):
    task = worklist.create(clinic=patient.clinic, title="Call Maria", patient=patient, role="front_desk")

    response = as_stranger.post(reverse("staff:task-move", args=[task.pk, verb]))

    assert response.status_code == 404
    assert Task.objects.get(pk=task.pk).status == "open"


def test_an_unknown_verb_finds_nothing(patient, as_admin):
    task = worklist.create(clinic=patient.clinic, title="Call", patient=patient, role="front_desk")

    assert as_admin.post(reverse("staff:task-move", args=[task.pk, "eat"])).status_code == 404


def test_a_link_cannot_move_a_task(patient, as_admin):
    task = worklist.create(clinic=patient.clinic, title="Call", patient=patient, role="front_desk")

    assert as_admin.get(reverse("staff:task-move", args=[task.pk, "done"])).status_code == 405
    assert Task.objects.get(pk=task.pk).status == "open"


def test_a_notification_leads_to_the_record_it_names(patient, front_desk):
    task = worklist.create(clinic=patient.clinic, title="Call", patient=patient, role="front_desk")
    note = Notification(clinic=patient.clinic, patient=patient, link_kind="task", link_id=task.pk)

    assert selectors.link_of(note) == f"/staff/worklist/?task={task.pk}"


def test_home_of_a_person_without_a_clinic_leads_to_the_administration(as_operator):
    response = as_operator.get("/staff/")

    assert response.status_code == 403
    html = response.content.decode()
    assert "You do not work at a clinic here." in html
    assert 'class="btn btn-primary" href="/admin/"' in html


def test_home_shows_one_clinic_at_a_time_and_changes_to_another(front_desk, other_clinic, as_front_desk):
    there = Membership.objects.create(
        clinic=other_clinic, user=front_desk.user, role="clinic_admin", slug="felix", name="Felix of the South"
    )
    worklist.create(clinic=front_desk.clinic, title="In the north", role="front_desk")
    worklist.create(clinic=other_clinic, title="In the south", role="clinic_admin")

    html = as_front_desk.get("/staff/").content.decode()
    assert ("In the north" in html, "In the south" in html) == (True, False)

    as_front_desk.post(reverse("staff:desk"), {"membership": there.pk})
    html = as_front_desk.get("/staff/").content.decode()
    assert ("In the north" in html, "In the south" in html) == (False, True)
    assert "Felix of the South's desk" in html


def test_nobody_sits_down_at_a_strangers_desk(stranger, as_front_desk):
    assert as_front_desk.post(reverse("staff:desk"), {"membership": stranger.pk}).status_code == 404


def test_two_roles_at_one_clinic_share_a_desk(front_desk, as_front_desk):
    Membership.objects.create(
        clinic=front_desk.clinic, user=front_desk.user, role="clinic_admin", slug="felix-admin", name="Felix Admin"
    )
    worklist.create(clinic=front_desk.clinic, title="For the desk", role="front_desk")
    worklist.create(clinic=front_desk.clinic, title="For the admin", role="clinic_admin")

    html = as_front_desk.get("/staff/").content.decode()
    assert ("For the desk" in html, "For the admin" in html) == (True, True)


def test_the_front_door_leads_to_the_desk(client):
    assert client.get("/")["Location"] == "/staff/"
