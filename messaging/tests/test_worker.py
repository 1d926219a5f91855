"""Real Celery workers at a real broker: woken by the commit alone, killed and stopped at the worst moment."""

from __future__ import annotations

import threading

import pytest

from clinic.embedded.process import wait_until
from messaging import leases
from messaging.delivery import drain_due
from messaging.models import Delivery
from messaging.tests.delivering import attempts_of, make_due, state_of
from messaging.tests.test_leases import lose_lease

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_worker_sends_what_was_committed(start_worker, queue, mail_server):
    start_worker("deliver", beat=False, TEST_EMAIL_PORT=str(mail_server.port))
    delivery = queue()
    assert wait_until(lambda: state_of(delivery) == ("sent", ""), 60)
    assert mail_server.ids == [delivery.message_id]


@pytest.mark.parametrize(("category", "copies", "state"), [("clinical", 2, "sent"), ("survey", 1, "unknown")])
def test_killed_between_the_final_dot_and_its_answer(start_worker, queue, mail_server, category, copies, state):
    worker = start_worker("deliver", beat=False, TEST_EMAIL_PORT=str(mail_server.port))
    mail_server.on_data = worker.kill
    delivery = queue(category=category)
    assert wait_until(lambda: worker.process.poll() is not None, 60)
    mail_server.on_data = None
    assert state_of(delivery) == ("sending", "")
    lose_lease(delivery)
    drain_due()
    make_due(delivery)
    drain_due()
    assert state_of(delivery)[0] == state
    assert [str(message["Message-ID"]) for message in mail_server.seen] == [delivery.message_id] * copies


def test_stopped_past_its_lease_and_woken_it_changes_nothing_that_is_newer(start_worker, queue, mail_server):
    worker = start_worker("deliver", beat=False, TEST_EMAIL_PORT=str(mail_server.port))
    stopped, go_on = threading.Event(), threading.Event()

    def stop_once():
        mail_server.on_data = None
        worker.pause()
        stopped.set()
        go_on.wait(20)

    mail_server.on_data = stop_once
    delivery = queue(category="survey")
    assert stopped.wait(10)
    lose_lease(delivery)
    assert leases.reap() == 1
    assert state_of(delivery) == ("unknown", "worker_lost")
    go_on.set()
    worker.resume()
    assert wait_until(lambda: attempts_of(delivery) == [(1, "sent")], 60)  # its own line in the log, and no more
    assert state_of(delivery) == ("unknown", "worker_lost")
    assert Delivery.objects.get(pk=delivery.pk).attempts == 1
    assert mail_server.ids == [delivery.message_id]
