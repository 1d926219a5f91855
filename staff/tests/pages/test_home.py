"""The first page: today's visits, drafts of rules in review, messages that did not arrive, and what is done there."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.selectors import local_date
from appointments.tests.builders import make_visit
from automations import lifecycle
from automations.matcher import match_batch
from automations.models import Step
from automations.tests.builders import document, move
from clinic.clock import now
from messaging.models import Delivery, Notification
from staff import days
from tests.cast import make_member
from worklist import services as worklist

HOME = "/staff/"


def html_of(client):
    return client.get(HOME).content.decode()


@pytest.fixture
def soon(clinic):
    """A moment that is today at the clinic."""
    moment = now()
    start, end = days.bounds(clinic, local_date(clinic, moment), local_date(clinic, moment))
    return moment.replace(microsecond=0) if moment + timedelta(minutes=1) < end else start


@pytest.fixture
def draft(clinic, patient):
    """A step that a rule in review planned."""
    rule = lifecycle.create_rule(clinic=clinic, name="Call after the visit", document=document())
    lifecycle.publish(rule, mode="review")
    move(make_visit(patient), status="completed")
    match_batch()
    return Step.objects.get()


@pytest.fixture
def failed(patient):
    return Delivery.objects.create(
        clinic=patient.clinic,
        patient=patient,
        category="clinical",
        recipient_key="patient",
        state="failed",
        last_error="550 no such mailbox",
        message_id="<1@clinic>",
        finished_at=now(),
    )


# --- visits ---


def test_todays_visits_stand_there_with_their_buttons(patient, soon, as_front_desk):
    visit = make_visit(patient, starts_at=soon)
    make_visit(patient, starts_at=soon + timedelta(days=1))
    make_visit(patient, "entered_in_error", starts_at=soon)

    html = html_of(as_front_desk)

    assert html.count('<li class="list-group-item visit') == 1
    for verb in ("confirm", "start", "complete", "no_show"):
        assert html.count(f'<form method="post" action="{reverse("staff:visit-move", args=[visit.pk, verb])}"') == 1


def test_a_click_comes_back_home_with_the_row_changed(patient, soon, as_front_desk):
    visit = make_visit(patient, starts_at=soon)
    response = as_front_desk.post(reverse("staff:visit-move", args=[visit.pk, "start"]), {"next": HOME}, follow=True)
    assert response.redirect_chain == [(HOME, 302)]
    assert "status-in_progress" in response.content.decode()


def test_a_specialist_sees_their_own_visits(patient, specialist, soon, as_specialist):
    other = make_member(patient.clinic, "specialist", "dr-pop", "Dr. Pop")
    make_visit(patient, starts_at=soon, specialist=specialist, location="Mine")
    make_visit(patient, starts_at=soon, specialist=other, location="Another's")

    html = html_of(as_specialist)

    assert "My visits today" in html
    assert ("· Mine" in html, "· Another" in html) == (True, False)


def test_empty_lists_have_one_button_each(clinic, as_front_desk):
    html = html_of(as_front_desk)
    assert "No visits today." in html
    assert f'class="btn btn-primary" href="{reverse("staff:visit-new")}"' in html
    assert f'class="btn btn-primary" href="{reverse("staff:task-new")}"' in html
    assert "Drafts to approve" not in html
    assert "Messages that did not arrive" not in html


# --- drafts ---


def test_a_draft_is_approved_and_will_run(patient, draft, as_specialist):
    html = html_of(as_specialist)
    assert "Drafts to approve" in html
    assert "Call after the visit" in html

    as_specialist.post(reverse("staff:draft-move", args=[draft.pk, "approve"]))

    draft.refresh_from_db()
    assert draft.state == "pending"
    assert "Drafts to approve" not in html_of(as_specialist)
    assert AuditEntry.objects.filter(action="step.released", patient_id=patient.pk).count() == 1


def test_a_draft_is_skipped(draft, as_admin):
    as_admin.post(reverse("staff:draft-move", args=[draft.pk, "skip"]))
    draft.refresh_from_db()
    assert (draft.state, draft.reason) == ("skipped", "skipped_by_person")


def test_the_front_desk_approves_nothing(draft, as_front_desk):
    assert "Drafts to approve" not in html_of(as_front_desk)
    response = as_front_desk.post(reverse("staff:draft-move", args=[draft.pk, "approve"]), follow=True)
    assert "This takes the role" in response.content.decode()
    draft.refresh_from_db()
    assert draft.state == "held"


@pytest.mark.parametrize("verb", ["approve", "skip"])
def test_a_stranger_finds_no_draft(draft, as_stranger, verb):
    assert as_stranger.post(reverse("staff:draft-move", args=[draft.pk, verb])).status_code == 404
    draft.refresh_from_db()
    assert draft.state == "held"


def test_an_unknown_verb_finds_no_draft(draft, as_admin):
    assert as_admin.post(reverse("staff:draft-move", args=[draft.pk, "eat"])).status_code == 404


# --- messages ---


def test_a_message_that_failed_is_tried_again(failed, as_front_desk):
    html = html_of(as_front_desk)
    assert "Messages that did not arrive" in html
    assert "550 no such mailbox" in html

    as_front_desk.post(reverse("staff:message-retry", args=[failed.pk]))

    failed.refresh_from_db()
    assert failed.state == "queued"
    assert "Messages that did not arrive" not in html_of(as_front_desk)


def test_what_failed_long_ago_is_not_there(failed, as_front_desk):
    Delivery.objects.filter(pk=failed.pk).update(finished_at=now() - timedelta(days=8))
    assert "Messages that did not arrive" not in html_of(as_front_desk)


def test_a_stranger_finds_no_message(failed, as_stranger):
    assert as_stranger.post(reverse("staff:message-retry", args=[failed.pk])).status_code == 404
    failed.refresh_from_db()
    assert failed.state == "failed"


# --- the whole ---


def test_what_was_shown_is_recorded(patient, soon, front_desk, as_front_desk):
    make_visit(patient, starts_at=soon)
    html_of(as_front_desk)
    entry = AuditEntry.objects.get(action="home.read")
    assert (entry.clinic_id, entry.detail) == (patient.clinic_id, {"patients": [patient.pk]})


def test_the_first_tasks_stand_there_and_the_others_on_the_worklist(clinic, admin, as_admin):
    for number in range(15):
        worklist.create(clinic=clinic, title=f"Task {number}", assignee=admin)
    html = html_of(as_admin)
    assert sum(f">Task {number}<" in html or f"Task {number} " in html for number in range(15)) == 12
    assert reverse("staff:worklist") in html


def test_home_takes_as_many_queries_for_much_as_for_little(
    patient, soon, admin, specialist, draft, as_admin, django_assert_num_queries
):
    html_of(as_admin)
    for number in range(8):
        make_visit(patient, "completed", starts_at=soon, specialist=specialist)
        worklist.create(clinic=patient.clinic, title=f"Task {number}", patient=patient, assignee=admin)
        Notification.objects.create(clinic=patient.clinic, patient=patient, recipient=admin, title=f"Note {number}")
        Delivery.objects.create(
            clinic=patient.clinic,
            patient=patient,
            category="clinical",
            recipient_key="patient",
            state="unknown",
            message_id=f"<{number}@clinic>",
            finished_at=now(),
        )
    with django_assert_num_queries(12):
        html_of(as_admin)
