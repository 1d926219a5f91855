"""What becomes of a delivery, with a real mail server at the other end."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from clinic import clock
from messaging import delivery as sending
from messaging import leases
from messaging.delivery import drain_due
from messaging.models import Delivery, MessageBody
from messaging.testing.mailserver import HANG_AFTER_DOT, HANG_UP_AFTER_DOT, HANG_UP_AT_DATA
from messaging.tests.delivering import attempts_of, make_due, prepare, state_of
from patients.models import Patient
from worklist.models import Task

pytestmark = pytest.mark.django_db


def test_a_message_leaves_as_text_and_html_and_its_outcome_is_kept(queue, mail_server, patient):
    delivery = queue()
    assert drain_due() == 1
    fresh = Delivery.objects.get(pk=delivery.pk)
    assert (fresh.state, fresh.reason, fresh.attempts) == ("sent", "", 1)
    assert (fresh.address, fresh.language, fresh.subject) == ("maria@patients.example", "en", "Your visit, Maria")
    assert fresh.body_text == "Dear Maria,\n\nsee you.\n"
    assert fresh.finished_at is not None
    assert attempts_of(delivery) == [(1, "sent")]
    [message] = mail_server.taken
    assert message["Message-ID"] == delivery.message_id
    assert message["To"] == "maria@patients.example"
    assert message["From"] == "North Clinic <clinic@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_body(("plain",)).get_content().strip() == "Dear Maria,\n\nsee you."
    assert '<html lang="en" dir="ltr">' in message.get_body(("html",)).get_content()
    assert Patient.objects.get(pk=patient.pk).email_status == "works"


def test_the_patients_language_decides_the_text(queue, mail_server, patient):
    Patient.objects.filter(pk=patient.pk).update(language="ro-RO")
    queue()
    drain_due()
    assert mail_server.taken[0]["Subject"] == "Programarea ta, Maria"
    assert mail_server.taken[0]["Content-Language"] == "ro"


def test_text_and_address_are_read_when_it_leaves(queue, mail_server, patient, reminder):
    queue()
    Patient.objects.filter(pk=patient.pk).update(email="new@patients.example")
    MessageBody.objects.filter(template=reminder, language="en").update(subject="Changed")
    drain_due()
    assert (mail_server.taken[0]["To"], mail_server.taken[0]["Subject"]) == ("new@patients.example", "Changed")


def test_nothing_leaves_before_its_time(queue, mail_server):
    delivery = queue(not_before=clock.now() + timedelta(hours=1))
    assert drain_due() == 0
    assert (state_of(delivery), mail_server.seen) == (("queued", ""), [])
    assert drain_due(now=clock.now() + timedelta(hours=2)) == 1
    assert state_of(delivery) == ("sent", "")


def test_a_line_that_begins_with_a_dot_arrives_whole(queue, mail_server, reminder):
    MessageBody.objects.filter(template=reminder, language="en").update(text="one\n.\n..two\n.three")
    queue()
    drain_due()
    assert mail_server.taken[0].get_body(("plain",)).get_content().strip() == "one\n.\n..two\n.three"


def test_one_connection_serves_a_batch(queue, mail_server):
    for _number in range(3):
        queue()
    assert drain_due() == 3
    assert mail_server.connections == 1
    assert len(set(mail_server.ids)) == 3


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_temporary_refusal_is_tried_again_with_the_same_id(queue, mail_server, where):
    setattr(mail_server, where, ["451 4.7.1 greylisted", "250 ok"])
    delivery = queue()
    drain_due()
    fresh = Delivery.objects.get(pk=delivery.pk)
    assert (fresh.state, fresh.reason, fresh.last_error) == ("retry", "temporary", "451 4.7.1 greylisted")
    assert fresh.not_before <= clock.now() + timedelta(seconds=30)
    make_due(delivery)
    drain_due()
    assert state_of(delivery) == ("sent", "")
    assert attempts_of(delivery) == [(1, "temporary"), (2, "sent")]
    assert mail_server.ids == [delivery.message_id]


def test_a_permanent_refusal_ends_with_the_servers_words_and_a_task(queue, mail_server, patient):
    mail_server.data = ["554 5.7.1 looks like spam"]
    delivery = queue()
    drain_due()
    fresh = Delivery.objects.get(pk=delivery.pk)
    assert (fresh.state, fresh.reason, fresh.last_error) == ("failed", "refused", "554 5.7.1 looks like spam")
    assert Patient.objects.get(pk=patient.pk).email_status == "untried"
    [task] = Task.objects.all()
    assert (task.role, task.patient_id) == ("front_desk", patient.pk)


def test_a_hard_bounce_marks_the_address_and_the_next_message_is_not_tried(
    queue, mail_server, patient, wants_marketing
):
    mail_server.rcpt = ["550 5.1.1 no such user"]
    first, second = queue(), queue(category="marketing")
    drain_due()
    assert state_of(first) == ("failed", "refused")
    assert Patient.objects.get(pk=patient.pk).email_status == "bounced"
    assert state_of(second) == ("suppressed", "no_address")
    assert attempts_of(second) == []
    assert Task.objects.count() == 1


def test_an_address_that_was_corrected_meanwhile_is_not_marked(queue, mail_server, patient):
    mail_server.rcpt = ["550 5.1.1 no such user"]
    delivery = queue()
    [held] = leases.claim(1)
    message, deadline, _untried = prepare(held)
    Patient.objects.filter(pk=patient.pk).update(email="right@patients.example")
    with sending.Mailer() as mailer:
        sending._settle(held, mailer.send(message, deadline))
    assert state_of(delivery) == ("failed", "refused")
    assert Patient.objects.get(pk=patient.pk).email_status == "untried"


def test_a_refusal_for_another_reason_than_the_address_marks_nothing(queue, mail_server, patient):
    mail_server.rcpt = ["550 5.7.1 relaying denied"]
    drain_due_of = queue()
    drain_due()
    assert state_of(drain_due_of) == ("failed", "refused")
    assert Patient.objects.get(pk=patient.pk).email_status == "untried"


@pytest.mark.parametrize("category", ["transactional", "clinical"])
@pytest.mark.parametrize("ending", [HANG_UP_AFTER_DOT, HANG_AFTER_DOT])
def test_lost_after_the_final_dot_it_is_sent_once_more_and_then_unknown(queue, mail_server, category, ending):
    mail_server.data = [ending]
    delivery = queue(category=category)
    drain_due()
    fresh = Delivery.objects.get(pk=delivery.pk)
    assert (fresh.state, fresh.reason, fresh.maybe_left) == ("retry", "connection_lost", True)
    make_due(delivery)
    drain_due()
    assert state_of(delivery) == ("unknown", "connection_lost")
    assert attempts_of(delivery) == [(1, "unknown"), (2, "unknown")]
    assert {str(message["Message-ID"]) for message in mail_server.seen} == {delivery.message_id}
    assert drain_due() == 0
    assert len(mail_server.seen) == 2


@pytest.mark.parametrize("category", ["survey", "marketing"])
def test_lost_after_the_final_dot_surveys_and_marketing_are_never_sent_again(
    queue, mail_server, category, wants_marketing
):
    mail_server.data = [HANG_UP_AFTER_DOT, "250 ok"]
    delivery = queue(category=category)
    drain_due()
    assert state_of(delivery) == ("unknown", "connection_lost")
    assert drain_due(now=clock.now() + timedelta(days=2)) == 0
    assert (len(mail_server.seen), mail_server.taken) == (1, [])


def test_sent_once_more_means_the_same_text(queue, mail_server, reminder):
    mail_server.data = [HANG_UP_AFTER_DOT, "250 ok"]
    delivery = queue()
    drain_due()
    MessageBody.objects.filter(template=reminder).update(subject="Changed")
    make_due(delivery)
    drain_due()
    assert state_of(delivery) == ("sent", "")
    assert [str(message["Subject"]) for message in mail_server.seen] == ["Your visit, Maria"] * 2


def test_refused_after_it_may_have_left_it_stays_unknown(queue, mail_server):
    mail_server.data = [HANG_UP_AFTER_DOT, "554 5.7.1 no"]
    delivery = queue()
    drain_due()
    make_due(delivery)
    drain_due()
    assert state_of(delivery) == ("unknown", "refused")


def test_lost_before_the_final_dot_nothing_left_so_even_marketing_is_tried_again(queue, mail_server, wants_marketing):
    mail_server.data = [HANG_UP_AT_DATA, "250 ok"]
    delivery = queue(category="marketing")
    drain_due()
    assert state_of(delivery) == ("retry", "temporary")
    make_due(delivery)
    drain_due()
    assert state_of(delivery) == ("sent", "")


def test_without_a_mail_server_everything_waits_and_only_one_message_was_tried(queue, settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_PORT = taken.getsockname()[1]
        first, second = queue(), queue()
        assert drain_due() == 1
    assert state_of(first) == ("retry", "unreachable")
    assert state_of(second) == ("queued", "")
    assert (attempts_of(first), attempts_of(second)) == ([(1, "unreachable")], [])
    assert Delivery.objects.get(pk=second.pk).attempts == 0
