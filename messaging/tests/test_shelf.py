"""What is read for a whole batch of deliveries is never older than what the next message may know."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import pause, update_membership
from messaging import delivery as sending
from messaging import leases, services, shelf
from messaging.models import Delivery, MessageBody
from messaging.shelf import Shelf
from messaging.tests.delivering import state_of
from messaging.transport import Mailer
from patients import services as patients
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def john(clinic):
    return Patient.objects.create(
        clinic=clinic, given_name="John", family_name="Iancu", email="john@patients.example", language="en"
    )


@pytest.fixture
def begun(queue, john, mail_server):
    """A batch of two whose first message has been taken: Maria's; John's lies on the shelf."""
    first, second = queue(), queue(patient_id=john.pk)
    batch = leases.claim(2)
    assert [held.pk for held in batch] == [first.pk, second.pk]
    reading = Shelf(batch)
    assert reading.take(batch[0])[0] == first
    return reading, batch[1]


def carry(begun):
    reading, held = begun
    with Mailer() as mailer:
        return sending._deliver(held, mailer, reading)


def addresses(mail_server):
    return [mail["To"] for mail in mail_server.taken]


def test_the_wide_query_is_asked_once_a_batch(queue):
    for _ in range(3):
        queue()
    batch = leases.claim(3)
    reading = Shelf(batch)

    with CaptureQueriesContext(connection) as asked:
        rows = [reading.take(held)[0] for held in batch]

    assert [row.pk for row in rows] == [held.pk for held in batch]
    wide = [one["sql"] for one in asked.captured_queries if '"messaging_messagetemplate"' in one["sql"]]
    assert len(wide) == 1
    assert len(asked) == 3 + 2  # one for each message; the wide one and its templates' bodies


def test_a_new_address_is_used_by_the_next_message_of_the_batch(begun, john, mail_server):
    patients.update(john, email="john@new.example")

    carry(begun)

    assert addresses(mail_server) == ["john@new.example"]


def test_a_colleague_who_left_meanwhile_is_not_written_to(queue, specialist, mail_server):
    first, second = queue(), queue(recipient_id=specialist.pk)
    batch = leases.claim(2)
    reading = Shelf(batch)
    assert reading.take(batch[0])[0] == first
    update_membership(specialist, is_active=False)

    carry((reading, batch[1]))

    assert state_of(second) == ("suppressed", "no_address")
    assert mail_server.taken == []


def test_nothing_leaves_to_a_patient_who_was_archived_meanwhile(begun, john, mail_server):
    patients.archive(john)

    carry(begun)

    assert state_of(Delivery(pk=begun[1].pk))[0] in ("suppressed", "withdrawn")
    assert mail_server.taken == []


def test_what_was_called_off_meanwhile_stays(begun, mail_server):
    services.withdraw_deliveries([begun[1].pk])

    carry(begun)

    assert state_of(Delivery(pk=begun[1].pk)) == ("withdrawn", "stopped")
    assert mail_server.taken == []


def test_a_stop_switch_thrown_meanwhile_gives_it_back(begun, clinic, mail_server):
    pause(clinic=clinic, scope="clinic", why="Wrong template")

    carry(begun)

    assert state_of(Delivery(pk=begun[1].pk)) == ("queued", "")
    assert mail_server.taken == []


def test_what_another_process_took_over_is_not_taken_from_the_shelf(begun, mail_server):
    Delivery.objects.filter(pk=begun[1].pk).update(attempts=2)

    assert begun[0].take(begun[1]) == (None, False)
    carry(begun)

    assert mail_server.taken == []


def test_after_two_seconds_the_rest_is_read_again(begun, reminder, mail_server, monkeypatch):
    MessageBody.objects.filter(template=reminder, language="en").update(subject="A new subject")
    monkeypatch.setattr(shelf.time, "monotonic", lambda: begun[0]._read_at + 2.5)

    row, _is_paused = begun[0].take(begun[1])

    assert sorted(body.subject for body in row.template.bodies.all()) == [
        "A new subject",
        "Programarea ta, {{ patient.given_name }}",
    ]
