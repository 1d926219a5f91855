"""Deliveries that do not leave: nobody to read them, too late, no text, called off; and trying again by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinic import clock
from clinic.changes import silently
from messaging import delivery as sending
from messaging import leases, services
from messaging.delivery import drain_due
from messaging.models import Delivery, MessageBody
from messaging.testing.mailserver import HANG_UP_AFTER_DOT
from messaging.tests.delivering import make_due, prepare, send, state_of
from patients import services as patients
from patients.models import Patient
from worklist.models import Task

pytestmark = pytest.mark.django_db


def test_an_archived_patient_gets_nothing(queue, mail_server, patient):
    delivery = queue()
    with silently("test"):
        patients.archive(patient)
    drain_due()
    assert state_of(delivery) in [("suppressed", "patient_inactive"), ("withdrawn", "stopped")]
    assert mail_server.seen == []


def test_a_message_whose_time_has_passed_is_not_sent(queue, mail_server):
    delivery = queue(not_after=clock.now() - timedelta(seconds=1))
    drain_due()
    assert (state_of(delivery), mail_server.seen) == (("suppressed", "too_late"), [])


@pytest.mark.parametrize(("category", "tasks"), [("clinical", 1), ("survey", 0)])
def test_without_an_address_the_front_desk_is_asked_where_it_matters(queue, mail_server, patient, category, tasks):
    Patient.objects.filter(pk=patient.pk).update(email="")
    deliveries = [queue(category=category), queue(category=category)]
    drain_due()
    assert [state_of(one) for one in deliveries] == [("suppressed", "no_address")] * 2
    assert (Task.objects.count(), mail_server.seen) == (tasks, [])


def test_a_text_that_cannot_be_made_fails_with_its_reason_and_takes_nobody_along(queue, mail_server, reminder):
    MessageBody.objects.filter(template=reminder, language="en").update(text="{{ appointment.nothing }}")
    broken = queue()
    fine = queue(recipient_id=None, purpose="template")
    Patient.objects.filter(pk=fine.patient_id).update(language="en")
    drain_due()
    fresh = Delivery.objects.get(pk=broken.pk)
    assert (fresh.state, fresh.reason) == ("failed", "rule_broken")
    assert "appointment" in fresh.last_error
    assert mail_server.seen == []


def test_withdrawn_before_sending_it_never_leaves(queue, mail_server):
    delivery = queue()
    assert services.withdraw_deliveries([delivery.pk]) == 1
    assert drain_due() == 0
    assert (state_of(delivery), mail_server.seen) == (("withdrawn", "stopped"), [])


def test_withdrawn_while_held_and_not_yet_begun_it_does_not_leave(queue, mail_server):
    delivery = queue()
    [held] = leases.claim(1)
    services.withdraw_deliveries([delivery.pk])
    assert state_of(delivery) == ("sending", "")
    send(held)
    assert (state_of(delivery), mail_server.seen) == (("withdrawn", "stopped"), [])


def test_withdrawn_after_it_may_have_left_it_is_not_sent_again_and_stays_unknown(queue, mail_server):
    mail_server.data = [HANG_UP_AFTER_DOT, "250 ok"]
    delivery = queue()
    drain_due()
    services.withdraw_deliveries([delivery.pk])
    assert state_of(delivery) == ("unknown", "stopped")
    assert drain_due(now=clock.now() + timedelta(days=1)) == 0
    assert len(mail_server.seen) == 1


def test_withdrawn_while_it_is_being_sent_it_is_not_tried_again(queue, mail_server):
    mail_server.rcpt = ["451 later"]
    delivery = queue()
    [held] = leases.claim(1)
    message, deadline, _untried = prepare(held)
    services.withdraw_deliveries([delivery.pk])
    with sending.Mailer() as mailer:
        sending._settle(held, mailer.send(message, deadline))
    assert state_of(delivery) == ("withdrawn", "stopped")


def test_a_delivery_goes_on_for_the_number_of_attempts_and_then_fails(queue, mail_server):
    mail_server.rcpt = ["450 busy"]
    delivery = queue()
    Delivery.objects.filter(pk=delivery.pk).update(attempts=18, state="retry")
    drain_due()
    assert state_of(delivery) == ("retry", "temporary")
    make_due(delivery)
    drain_due()
    assert state_of(delivery) == ("failed", "gave_up")


def test_a_person_can_have_a_failed_one_tried_again(queue, mail_server):
    mail_server.data = ["554 no", "250 ok"]
    delivery = queue()
    drain_due()
    services.retry_failed(delivery)
    assert state_of(delivery) == ("queued", "")
    drain_due()
    assert state_of(delivery) == ("sent", "")
    assert mail_server.ids == [delivery.message_id]


def test_message_ids_are_unique_and_carry_the_senders_domain(queue):
    ids = {queue().message_id for _number in range(50)}
    assert len(ids) == 50
    assert all(one.startswith("<") and one.endswith("@localhost>") for one in ids)
