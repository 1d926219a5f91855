"""How a push ends: gone browsers, services in trouble, lost answers; and what holds up nobody."""

from datetime import timedelta

import pytest

from clinic import clock
from messaging import delivery as sending
from messaging import leases, services
from messaging.delivery import drain_due
from messaging.models import Delivery, PushSubscription
from messaging.postman import Postman
from messaging.selectors import not_arrived
from messaging.testing.pushserver import HANG, HANG_UP
from messaging.tests.pushing import attempts, make_due, only, state
from worklist.models import Task

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(tell, phone, push_server, status):
    push_server.answers = [status]
    tell()
    drain_due()
    assert state() == ("failed", "refused")
    assert only().last_error == f"{status} scripted {status}"
    assert not PushSubscription.objects.exists()
    tell()
    assert Delivery.objects.count() == 1
    assert not Task.objects.exists()
    assert list(not_arrived(only().clinic)) == []


def test_what_waits_for_a_browser_that_is_gone_is_suppressed(tell, phone, push_server):
    push_server.answers = [410]
    tell()
    tell()
    drain_due()
    assert sorted(Delivery.objects.values_list("state", "reason")) == [
        ("failed", "refused"),
        ("suppressed", "unsubscribed"),
    ]
    assert len(push_server.seen) == 1


@pytest.mark.parametrize("status", [400, 403, 413, 302])
def test_another_refusal_ends_it_and_the_browser_stays(tell, phone, push_server, status):
    push_server.answers = [(status, {"Location": "/device/1"})]
    tell()
    drain_due()
    assert state() == ("failed", "refused")
    assert PushSubscription.objects.count() == 1
    assert len(push_server.seen) == 1


def test_it_waits_as_long_as_the_service_asks(tell, phone, push_server):
    push_server.answers = [(429, {"Retry-After": "600"}), 201]
    tell()
    moment = clock.now()
    drain_due()
    assert state() == ("retry", "temporary")
    assert timedelta(seconds=595) < only().not_before - moment < timedelta(seconds=610)
    assert drain_due() == 0
    make_due()
    drain_due()
    assert (state(), attempts()) == (("sent", ""), [(1, "temporary"), (2, "sent")])


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_a_service_in_trouble_is_tried_again(tell, phone, push_server, status):
    push_server.answers = [status, 201]
    tell()
    drain_due()
    assert state() == ("retry", "temporary")
    make_due()
    drain_due()
    assert state() == ("sent", "")
    assert len(push_server.taken) == 1


@pytest.mark.parametrize("ending", [HANG_UP, HANG])
def test_a_lost_answer_is_tried_once_more_and_then_unknown(tell, phone, push_server, ending):
    push_server.answers = [ending]
    tell()
    drain_due()
    assert (state(), only().maybe_left) == (("retry", "connection_lost"), True)
    make_due()
    drain_due()
    assert state() == ("unknown", "connection_lost")
    assert attempts() == [(1, "unknown"), (2, "unknown")]
    assert {pushed.headers["Topic"] for pushed in push_server.seen} == {f"clinic-{only().clinic_id}"}
    assert list(not_arrived(only().clinic)) == []


def test_a_survey_whose_answer_was_lost_is_not_sent_again(tell, phone, push_server):
    push_server.answers = [HANG_UP, 201]
    tell(category="survey")
    drain_due()
    assert state() == ("unknown", "connection_lost")
    assert drain_due(now=clock.now() + timedelta(days=2)) == 0
    assert len(push_server.seen) == 1


def test_a_service_that_is_away_is_tried_again_and_does_not_hold_up_mail(tell, phone, push_server, mail_server, queue):
    push_server.__exit__()
    tell()
    tell()
    mail = queue()
    assert drain_due() == 3
    assert Delivery.objects.get(pk=mail.pk).state == "sent"
    pushes = Delivery.objects.filter(channel="push").order_by("pk")
    assert list(pushes.values_list("state", "reason")) == [("retry", "unreachable"), ("retry", "not_tried")]
    push_server.__enter__()


def test_a_mail_server_that_is_away_does_not_hold_up_push(tell, phone, push_server, queue, settings):
    settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
    mails = [queue(), queue()]
    tell()
    drain_due()
    assert len(push_server.taken) == 1
    states = Delivery.objects.filter(pk__in=[mail.pk for mail in mails]).order_by("pk").values_list("state", flat=True)
    assert list(states) == ["retry", "queued"]


def test_a_worker_that_died_after_it_began_is_not_taken_for_one_that_sent_nothing(tell, phone, push_server):
    tell(category="survey")
    [held] = leases.claim(1)
    sending._prepare(held)
    Delivery.objects.update(lease_until=clock.now() - timedelta(hours=1))
    drain_due()
    assert state() == ("unknown", "worker_lost")
    assert push_server.seen == []


def test_called_off_while_it_is_sent_it_stays_sent(tell, phone, push_server):
    tell()
    [held] = leases.claim(1)
    assert held.channel == "push"
    services.withdraw_deliveries([held.pk])
    with Postman() as postman:
        sending._deliver(held, postman)
    assert (state(), push_server.seen) == (("withdrawn", "stopped"), [])


def test_somebody_who_left_is_not_told(tell, desk, push_server, front_desk):
    tell(front_desk)
    type(front_desk).objects.filter(pk=front_desk.pk).update(is_active=False)
    drain_due()
    assert (state(), push_server.seen) == (("suppressed", "unsubscribed"), [])


def test_too_late_it_is_not_told(tell, phone, push_server):
    moment = clock.now() - timedelta(hours=5)
    tell(visible_at=moment, not_after=moment + timedelta(hours=1))
    drain_due()
    assert (state(), push_server.seen) == (("suppressed", "too_late"), [])
