"""The keys of web push and the addresses it goes to: changed, retired, refused, not trusted."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from http_ece import ECEException

from messaging import outside, push, subscriptions, vapid
from messaging.delivery import drain_due
from messaging.models import Delivery, PushSubscription
from messaging.tests.pushing import only, state

pytestmark = pytest.mark.django_db


def test_after_a_change_of_keys_a_browser_is_served_with_the_one_it_knows(tell, phone, push_server, patient, settings):
    before = (settings.LOCAL_DIR / "vapid_key").read_text().strip()
    settings.VAPID_PRIVATE_KEY, settings.VAPID_OLD_PRIVATE_KEYS = vapid.new_key(), [before]
    newer = push_server.device()
    subscriptions.subscribe([patient], newer.browser)
    assert newer.key != phone.key
    tell()
    drain_due()
    assert [pushed.device for pushed in push_server.taken] == [phone, newer]
    assert push_server.refused == []


def test_a_browser_that_knows_only_a_retired_key_is_forgotten(tell, phone, push_server, settings):
    settings.VAPID_PRIVATE_KEY = vapid.new_key()
    tell()
    drain_due()
    assert (state(), push_server.seen) == (("suppressed", "unsubscribed"), [])
    assert not PushSubscription.objects.exists()


def test_the_service_refuses_another_key(tell, phone, push_server, settings):
    before = (settings.LOCAL_DIR / "vapid_key").read_text().strip()
    settings.VAPID_PRIVATE_KEY, settings.VAPID_OLD_PRIVATE_KEYS = vapid.new_key(), [before]
    PushSubscription.objects.update(vapid_key=vapid.public_key())
    tell()
    drain_due()
    assert (state(), only().last_error) == (("failed", "refused"), "403 the key does not match")
    assert len(push_server.refused) == 1


def test_another_browser_cannot_read_it(tell, phone, push_server):
    tell()
    drain_due()
    other = push_server.device()
    with pytest.raises(ECEException):
        other.decrypt(push_server.taken[0].body)


def test_without_a_key_in_production_there_is_no_push(tell, phone, settings, patient):
    settings.CLINIC_MODE = "production"
    assert vapid.public_key() == ""
    tell()
    assert not Delivery.objects.exists()
    assert subscriptions.switch([patient], on="/on", off="/off", scope="/") is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("99999999999", 86400), ("", None), ("soon", None), ("-5", None), ("Mon, 30 Nov 2026", None)],
)
def test_retry_after_in_seconds(header, seconds):
    assert push.waiting_time(header) == (None if seconds is None else timedelta(seconds=seconds))


def test_retry_after_as_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    assert timedelta(minutes=9) < push.waiting_time(soon) <= timedelta(minutes=10)
    past = format_datetime(datetime.now(UTC) - timedelta(minutes=10), usegmt=True)
    assert push.waiting_time(past) == timedelta(0)


def test_an_address_that_is_not_trusted_any_more_is_forgotten(tell, phone, push_server, settings):
    PushSubscription.objects.update(endpoint="https://10.0.0.1/x")
    tell()
    drain_due()
    assert (state(), only().last_error) == (("failed", "refused"), "10.0.0.1 is not a public address.")
    assert not PushSubscription.objects.exists()


def test_an_answer_that_drips_does_not_hold_up_the_house(push_server, settings):
    """A second a byte would take an hour; the deadline ends it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        sock, _address = listener.accept()
        with sock:
            try:
                for letter in "HTTP/1.1 201 Created" * 20:
                    sock.sendall(letter.encode())
                    time.sleep(0.05)
            except OSError:
                return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    began = time.monotonic()
    with pytest.raises(outside.Lost):
        outside.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x", {}, seconds=0.3, hosts=["*"])
    assert time.monotonic() - began < 2
    listener.close()
    thread.join(5)
