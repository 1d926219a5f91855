"""Claims and leases: who may send, what stops them, and what a worker that died leaves behind."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from accounts.models import Pause
from clinic import clock
from clinic.db import lock_patients
from clinic.testing import rounds
from messaging import delivery as sending
from messaging import leases, selectors, services
from messaging.delivery import drain_due
from messaging.models import Delivery, DeliveryAttempt
from messaging.tests.delivering import attempts_of, prepare, send, state_of


def lose_lease(delivery):
    """Let real time pass the lease's end."""
    Delivery.objects.filter(pk=delivery.pk).update(lease_until="2020-01-01T00:00:00Z")


class TestPauses:
    pytestmark = pytest.mark.django_db

    def test_nothing_is_taken_while_the_clinic_is_paused(self, queue, clinic, mail_server):
        delivery = queue()
        pause = Pause.objects.create(clinic=clinic, scope="clinic", why="test")
        assert (drain_due(), state_of(delivery)) == (0, ("queued", ""))
        assert (selectors.next_due(), selectors.oldest_due()) == (None, None)
        pause.ended_at = clock.now()
        pause.save()
        assert (drain_due(), state_of(delivery)) == (1, ("sent", ""))

    def test_a_pause_of_one_patient_stops_only_their_messages(self, queue, clinic, patient, mail_server):
        delivery = queue()
        Pause.objects.create(clinic=clinic, scope="patient", target_id=patient.pk + 1, why="somebody else")
        assert leases.claim(10) != []
        Delivery.objects.update(state="queued", attempts=0)
        Pause.objects.create(clinic=clinic, scope="patient", target_id=patient.pk, why="test")
        assert (leases.claim(10), state_of(delivery)) == ([], ("queued", ""))

    def test_a_pause_that_comes_after_the_claim_still_holds_the_message_back(self, queue, clinic, mail_server):
        delivery = queue()
        [held] = leases.claim(1)
        Pause.objects.create(clinic=clinic, scope="clinic", why="test")
        send(held)
        fresh = Delivery.objects.get(pk=delivery.pk)
        assert (fresh.state, fresh.attempts, mail_server.seen) == ("queued", 0, [])

    def test_a_pause_of_another_clinic_stops_nothing_here(self, queue, other_clinic, mail_server):
        queue()
        Pause.objects.create(clinic=other_clinic, scope="clinic", why="test")
        assert drain_due() == 1


class TestLeases:
    pytestmark = pytest.mark.django_db

    def test_what_one_worker_holds_no_other_gets(self, queue):
        queue()
        assert len(leases.claim(10)) == 1
        assert leases.claim(10) == []

    def test_who_walks_the_clock_sees_what_a_worker_holds_until_its_lease_ends(self, queue):
        delivery = queue()
        assert not selectors.is_sending()
        leases.claim(1)
        assert selectors.is_sending()
        lose_lease(delivery)
        assert not selectors.is_sending()

    def test_a_worker_that_died_before_it_began_costs_nothing(self, queue, mail_server):
        delivery = queue(category="marketing")
        leases.claim(1)
        lose_lease(delivery)
        assert leases.reap() == 1
        assert state_of(delivery) == ("retry", "worker_lost")
        assert Delivery.objects.get(pk=delivery.pk).maybe_left is False

    @pytest.mark.parametrize(("category", "state"), [("clinical", "retry"), ("survey", "unknown")])
    def test_a_worker_that_died_in_the_conversation_leaves_it_open(self, queue, mail_server, category, state):
        delivery = queue(category=category)
        [held] = leases.claim(1)
        prepare(held)
        lose_lease(delivery)
        assert leases.reap() == 1
        assert state_of(delivery) == (state, "worker_lost")
        assert Delivery.objects.get(pk=delivery.pk).maybe_left is True
        assert attempts_of(delivery) == [(1, "unknown")]

    def test_called_off_while_its_worker_was_dying_it_is_not_sent_again(self, queue, mail_server):
        delivery = queue()
        [held] = leases.claim(1)
        prepare(held)
        services.withdraw_deliveries([delivery.pk])
        lose_lease(delivery)
        leases.reap()
        assert state_of(delivery) == ("unknown", "worker_lost")

    def test_a_worker_that_wakes_too_late_does_not_overwrite_the_newer_state(self, queue, mail_server):
        delivery = queue()
        [held] = leases.claim(1)
        prepare(held)
        lose_lease(delivery)
        assert drain_due(now=clock.now() + timedelta(minutes=5)) == 2  # reaped, then sent by somebody else
        assert state_of(delivery) == ("sent", "")
        sending._settle(held, sending.Outcome(sending.Result.REFUSED, "554 no"))
        assert state_of(delivery) == ("sent", "")
        assert attempts_of(delivery) == [(1, "refused"), (2, "sent")]

    def test_a_worker_that_wakes_too_late_does_not_send_the_final_dot(self, queue, mail_server):
        delivery = queue()
        [held] = leases.claim(1)
        message, _deadline, _untried = prepare(held)
        with sending.Mailer() as mailer:
            outcome = mailer.send(message, deadline=time.monotonic() - 1)
        assert (outcome.result, mail_server.seen) == (sending.Result.NOT_TRIED, [])
        sending._settle(held, outcome)
        assert state_of(delivery) == ("retry", "not_tried")

    def test_a_lease_outlives_a_clock_that_jumps(self, queue, mail_server):
        delivery = queue()
        leases.claim(1)
        clock.advance_by(timedelta(days=14))
        assert (leases.reap(), state_of(delivery)) == (0, ("sending", ""))

    def test_what_is_given_back_does_not_count_as_tried(self, queue):
        delivery = queue()
        leases.release(leases.claim(1))
        fresh = Delivery.objects.get(pk=delivery.pk)
        assert (fresh.state, fresh.attempts, fresh.lease_until) == ("queued", 0, None)

    def test_the_walker_of_the_clock_hears_when_the_next_is_due(self, queue):
        due = clock.now() + timedelta(hours=3)
        queue(not_before=due)
        queue(not_before=due + timedelta(hours=1))
        assert (selectors.next_due(), selectors.oldest_due()) == (due, None)


def in_thread(work):
    """Run `work` on a database connection of its own; return the thread and the list its result goes to."""
    results = []

    def run():
        try:
            results.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_patient_whose_records_are_being_changed_is_left_for_later_without_waiting(self, queue, patient):
        delivery = queue()
        with transaction.atomic():
            lock_patients([patient.pk])
            thread, taken = in_thread(lambda: leases.claim(10))
            thread.join(5)
            assert taken == [[]]
            services.withdraw_deliveries([delivery.pk])
        thread, taken = in_thread(lambda: leases.claim(10))
        thread.join(5)
        assert (taken, state_of(delivery)) == ([[]], ("withdrawn", "stopped"))

    def test_withdrawn_or_sent_before_but_never_both(self, queue, patient, mail_server):
        deliveries = []
        before = _deadlocks()
        for number in range(rounds(15, 100)):
            delivery = queue()
            deliveries.append(delivery)
            start = threading.Barrier(2)

            def withdraw(delivery=delivery, start=start, number=number):
                connection.ensure_connection()
                start.wait()
                time.sleep(number % 12 * 0.02)  # so that each of the two is first now and then, also on a busy machine
                with transaction.atomic():
                    lock_patients([patient.pk])
                    return services.withdraw_deliveries([delivery.pk])

            def drain(start=start):
                connection.ensure_connection()
                start.wait()
                return drain_due()

            threads = [in_thread(withdraw)[0], in_thread(drain)[0]]
            for thread in threads:
                thread.join(20)
            drain_due()
        ends = {delivery.message_id: state_of(delivery)[0] for delivery in deliveries}
        arrived = set(mail_server.ids)
        assert len(mail_server.ids) == len(arrived)
        assert {one for one, state in ends.items() if state == "sent"} == arrived
        assert set(ends.values()) == {"sent", "withdrawn"}
        assert DeliveryAttempt.objects.count() == len(arrived)
        assert _deadlocks() == before

    def test_two_workers_send_each_message_once(self, queue, mail_server):
        deliveries = [queue() for _number in range(40)]
        threads = [in_thread(drain_due)[0] for _worker in range(3)]
        for thread in threads:
            thread.join(30)
        drain_due()
        assert sorted(mail_server.ids) == sorted(one.message_id for one in deliveries)
        assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


def _deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]
