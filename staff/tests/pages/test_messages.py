"""The pages of messages: what left, what waits, what did not leave and why; again, and back."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from clinic.clock import now
from messaging.models import Delivery, DeliveryAttempt
from messaging.reasons import words
from messaging.sealed import mark
from messaging.services import queue_email
from messaging.tests.builders import make_step
from patients.models import Patient
from staff.tests.pages.counting import queries_of

pytestmark = pytest.mark.django_db


def at(name, *args):
    return reverse(f"staff:{name}", args=args)


def mail(patient, state="queued", **fields):
    """Return a delivery in a state; one that was tried has a text."""
    step = fields.pop("source_step_id", None)
    row = queue_email(clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", source_step_id=step)
    given = {"state": state, "subject": "Tomorrow", "body_text": "See you at nine.\n", "body_html": "<p>See you</p>"}
    if state in ("sent", "failed", "unknown"):
        given |= {"finished_at": now(), "address": patient.email, "language": "en", "attempts": 1}
    else:
        given = {"state": state}
    Delivery.objects.filter(pk=row.pk).update(**given | fields)
    return Delivery.objects.get(pk=row.pk)


# --- the list ---


def test_the_list_says_what_became_of_each_message_in_words(patient, as_front_desk):
    step = make_step("send_email", patient)
    mail(patient, "failed", reason="refused", source_step_id=step.id)
    html = as_front_desk.get(at("messages")).content.decode()
    for text in ("Maria Marin", "failed", words("refused"), "Rule", "Try again"):
        assert text in html
    assert "See you" not in html
    entry = AuditEntry.objects.get(action="delivery.listed")
    assert (entry.clinic_id, entry.detail) == (patient.clinic_id, {"patients": [patient.pk]})


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("", {"queued", "sent", "failed", "unknown", "suppressed", "withdrawn"}),
        ("waiting", {"queued"}),
        ("sent", {"sent"}),
        ("trouble", {"failed", "unknown"}),
        ("kept", {"suppressed", "withdrawn"}),
        ("nonsense", {"queued", "sent", "failed", "unknown", "suppressed", "withdrawn"}),
    ],
)
def test_the_list_is_narrowed_by_state(patient, as_front_desk, state, shown):
    for one in ("queued", "sent", "failed", "unknown", "suppressed", "withdrawn"):
        mail(patient, one)
    rows = as_front_desk.get(at("messages"), {"state": state}).context["paged"].rows
    assert {row.state for row in rows} == shown


@pytest.mark.parametrize(
    ("purpose", "called"),
    [("forms", "Forms to fill in"), ("sign_in", "Link to sign in"), ("template", "transactional")],
)
def test_a_message_without_a_template_is_called_by_what_it_is_for(patient, as_front_desk, purpose, called):
    mail(patient, "sent", purpose=purpose)
    assert called in as_front_desk.get(at("messages")).content.decode()


def test_the_list_is_narrowed_by_patient_and_by_rule(clinic, patient, as_front_desk):
    other = Patient.objects.create(clinic=clinic, given_name="Ana", email="ana@patients.example")
    step = make_step("send_email", patient)
    hers, his = mail(patient, "sent", source_step_id=step.id), mail(other, "sent")
    of_patient = as_front_desk.get(at("messages"), {"patient": other.pk}).context["paged"].rows
    of_rule = as_front_desk.get(at("messages"), {"rule": step.rule_id}).context["paged"].rows
    assert ([row.pk for row in of_patient], [row.pk for row in of_rule]) == ([his.pk], [hers.pk])


def test_an_empty_list_leads_to_the_templates(as_front_desk):
    html = as_front_desk.get(at("messages")).content.decode()
    assert "No message has been written yet" in html


def test_the_list_costs_the_same_whatever_there_is(patient, as_front_desk):
    mail(patient, "failed", source_step_id=make_step("send_email", patient).id)
    before = queries_of(as_front_desk, at("messages"))
    for _number in range(4):
        mail(patient, "failed", source_step_id=make_step("send_email", patient).id)
    assert queries_of(as_front_desk, at("messages")) == before


# --- one message ---


def test_the_page_shows_the_text_that_was_sent_and_each_try(patient, as_specialist):
    row = mail(patient, "sent")
    DeliveryAttempt.objects.create(
        clinic=row.clinic, delivery=row, number=1, started_at=now(), outcome="sent", answer="250 Ok"
    )
    response = as_specialist.get(at("message", row.pk))
    html = response.content.decode()
    for text in ("Tomorrow", "See you at nine.", "250 Ok", "maria@patients.example", at("message-html", row.pk)):
        assert text in html
    assert "frame-src 'self'" in response["Content-Security-Policy"]
    entry = AuditEntry.objects.get(action="delivery.read")
    assert (entry.patient_id, entry.object_id) == (patient.pk, str(row.pk))


def test_the_html_stands_under_a_policy_of_its_own(patient, as_specialist):
    row = mail(patient, "sent")
    response = as_specialist.get(at("message-html", row.pk))
    assert response.content.decode() == "<p>See you</p>"
    policy = {part.split()[0]: part.split()[1:] for part in response["Content-Security-Policy"].split(";") if part}
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert policy["style-src-attr"] == ["'unsafe-inline'"]
    assert (policy["sandbox"], "script-src" in policy) == ([], False)
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert AuditEntry.objects.filter(action="delivery.read", detail={"part": "html"}).count() == 1


def test_a_message_without_a_text_has_no_html(patient, as_specialist):
    row = mail(patient)
    assert "put into words when it leaves" in as_specialist.get(at("message", row.pk)).content.decode()
    assert as_specialist.get(at("message-html", row.pk)).status_code == 404


def test_where_a_link_had_its_secret_an_ellipsis_stands(patient, as_front_desk):
    link = f"https://clinic.example/f/{mark('form', 12)}/"
    row = mail(patient, "sent", body_text=f"Please: {link}\n", body_html=f'<a href="{link}">{link}</a>')
    for address in (at("message", row.pk), at("message-html", row.pk)):
        html = as_front_desk.get(address).content.decode()
        assert ("https://clinic.example/f/…/" in html, "~form" in html) == (True, False)


# --- again, and back ---


def test_a_failed_message_is_tried_again(patient, as_front_desk):
    row = mail(patient, "failed", reason="refused")
    response = as_front_desk.post(at("message-again", row.pk), {"next": at("messages") + "?state=trouble"})
    row.refresh_from_db()
    assert (row.state, row.reason, response["Location"]) == ("queued", "", at("messages") + "?state=trouble")
    assert AuditEntry.objects.filter(action="delivery.retried").count() == 1


def test_a_message_whose_time_has_passed_is_not_tried_again(patient, as_front_desk):
    row = mail(patient, "failed", not_after=now() - timedelta(hours=1))
    html = as_front_desk.post(at("message-again", row.pk), follow=True).content.decode()
    row.refresh_from_db()
    assert (row.state, "It was too late to send it." in html) == ("failed", True)


def test_a_waiting_message_is_taken_back_once(patient, as_front_desk):
    row = mail(patient)
    for _time in range(2):
        as_front_desk.post(at("message-take-back", row.pk))
    row.refresh_from_db()
    assert (row.state, row.reason) == ("withdrawn", "stopped")
    assert AuditEntry.objects.filter(action="delivery.withdrawn").count() == 1


def test_what_has_left_is_not_taken_back(patient, as_front_desk):
    row = mail(patient, "sent")
    html = as_front_desk.post(at("message-take-back", row.pk), follow=True).content.decode()
    row.refresh_from_db()
    assert (row.state, "alert-danger" in html) == ("sent", True)


@pytest.mark.parametrize("name", ["message", "message-html", "message-again", "message-take-back"])
def test_a_stranger_finds_nothing_and_changes_nothing(patient, as_stranger, name):
    rows = [mail(patient, "failed"), mail(patient)]
    for row in rows:
        assert as_stranger.get(at(name, row.pk)).status_code in (404, 405)
        assert as_stranger.post(at(name, row.pk)).status_code in (404, 405)
    assert [Delivery.objects.get(pk=row.pk).state for row in rows] == ["failed", "queued"]
    assert as_stranger.get(at("messages")).context["paged"].rows == []
