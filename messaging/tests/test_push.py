"""Web push with a real push service at the other end: what it says, where it goes, and how that ended."""

import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from http_ece import ECEException

from accounts.models import Pause
from clinic import clock
from messaging import delivery as sending
from messaging import leases, outside, push, services, subscriptions, vapid
from messaging.delivery import drain_due
from messaging.models import Delivery, DeliveryAttempt, Notification, PushSubscription
from messaging.postman import Postman
from messaging.selectors import messages_to, not_arrived
from messaging.testing.pushserver import HANG, HANG_UP, PushServer
from patients import services as patients
from worklist.models import Task

pytestmark = pytest.mark.django_db

SECRET_WORDS = "Painful knee: score nine"


@pytest.fixture
def push_server(settings):
    """A push service that takes everything, and little patience."""
    settings.PUSH_TIMEOUT = 1
    with PushServer() as server:
        yield server


@pytest.fixture
def phone(push_server, patient):
    """Maria's phone, on which notifications are turned on."""
    device = push_server.device()
    subscriptions.subscribe([patient], device.browser)
    return device


@pytest.fixture
def desk(push_server, front_desk):
    """The front desk's browser, on which notifications are turned on."""
    device = push_server.device()
    subscriptions.subscribe([front_desk], device.browser)
    return device


@pytest.fixture
def tell(patient):
    """Return a function that tells Maria, or a member of the staff, something inside the platform."""

    def tell(member=None, **changes):
        given = {
            "clinic_id": patient.clinic_id,
            "patient_id": patient.pk,
            "title": SECRET_WORDS,
            "body": "Look at it together.",
            "recipient_id": member.pk if member else None,
        }
        [note] = services.notify([services.Note(**(given | changes))])
        return note

    return tell


def only():
    """Return the one delivery that there is."""
    [delivery] = Delivery.objects.all()
    return delivery


def state():
    return only().state, only().reason


def attempts():
    return list(DeliveryAttempt.objects.order_by("number").values_list("number", "outcome"))


def make_due():
    """Let the pause before the next attempt pass."""
    Delivery.objects.update(not_before=clock.now())


def test_a_phone_is_told_that_there_is_a_message_and_nothing_of_what_it_says(tell, phone, push_server, patient):
    note = tell()

    assert drain_due() == 1

    [pushed] = push_server.taken
    assert pushed.device is phone
    assert pushed.payload == {
        "title": "You have a new message from North Clinic",
        "url": "/portal/messages/",
        "tag": f"clinic-{patient.clinic_id}",
        "lang": "en",
        "dir": "ltr",
    }
    everything = json.dumps([pushed.payload, pushed.headers, pushed.claims]) + pushed.body.decode("latin-1")
    for word in (*SECRET_WORDS.split(), *note.body.split(), "Maria", "Marin", "maria@"):
        assert len(word) < 4 or word not in everything


def test_its_delivery_is_a_row_as_any_other(tell, phone, patient):
    note = tell(category="survey")

    drain_due()

    row = only()
    assert (row.channel, row.purpose, row.category, row.patient_id) == ("push", "push", "survey", patient.pk)
    assert (row.state, row.attempts, row.address) == ("sent", 1, "127.0.0.1")
    assert (row.subject, row.body_text) == ("You have a new message from North Clinic",) * 2
    assert row.context == {"notification": note.pk, "subscription": PushSubscription.objects.get().pk}
    assert attempts() == [(1, "sent")]


def test_the_headers_say_how_long_it_is_of_use_and_what_it_replaces(tell, phone, push_server, patient):
    moment = clock.now()
    tell(visible_at=moment, not_after=moment + timedelta(hours=2))
    drain_due()
    [pushed] = push_server.taken
    assert 7190 <= int(pushed.headers["TTL"]) <= 7200
    assert pushed.headers["Topic"] == f"clinic-{patient.clinic_id}"
    assert pushed.headers["Content-Encoding"] == "aes128gcm"
    assert pushed.headers["Urgency"] == "normal"


def test_the_signature_names_this_installation_and_the_push_service(tell, phone, push_server):
    tell()
    drain_due()
    [pushed] = push_server.taken
    assert pushed.claims["aud"] == f"http://127.0.0.1:{push_server.port}"
    assert pushed.claims["sub"] == "mailto:clinic@localhost"
    assert push_server.refused == []


def test_staff_are_told_too_with_a_page_of_their_own(tell, desk, phone, push_server, front_desk):
    tell(front_desk)
    drain_due()
    [pushed] = push_server.taken
    assert pushed.device is desk
    assert pushed.payload["url"] == "/staff/notifications/"


def test_every_browser_of_a_person_is_told_once(tell, phone, push_server, patient):
    tablet = push_server.device()
    subscriptions.subscribe([patient], tablet.browser)
    tell()
    assert drain_due() == 2
    assert drain_due() == 0
    assert [pushed.device for pushed in push_server.seen] == [phone, tablet]


def test_the_readers_language_decides_the_words_direction(tell, phone, push_server, patient):
    type(patient).objects.filter(pk=patient.pk).update(language="ar")
    tell()
    drain_due()
    assert (push_server.taken[0].payload["lang"], push_server.taken[0].payload["dir"]) == ("ar", "rtl")


def test_nobody_is_told_without_having_asked(tell, push_server, front_desk):
    tell()
    tell(front_desk)
    assert not Delivery.objects.exists()


def test_it_leaves_when_the_notification_can_be_seen(tell, phone, push_server):
    tell(visible_at=clock.now() + timedelta(hours=1))
    assert drain_due() == 0
    assert drain_due(now=clock.now() + timedelta(hours=1)) == 1
    assert len(push_server.taken) == 1


def test_who_turns_it_on_meanwhile_is_told_of_what_waits(tell, push_server, patient, front_desk):
    tell(visible_at=clock.now() + timedelta(hours=1))
    tell(front_desk, visible_at=clock.now() + timedelta(hours=1))
    tell()
    device = push_server.device()
    subscriptions.subscribe([patient], device.browser)
    subscriptions.subscribe([patient], device.browser)
    assert drain_due(now=clock.now() + timedelta(hours=2)) == 1
    assert [pushed.device for pushed in push_server.taken] == [device]


def test_what_was_read_meanwhile_is_not_told(tell, desk, push_server, front_desk):
    note = tell(front_desk)
    services.mark_read(notification_ids=[note.pk], recipient=front_desk)
    drain_due()
    assert (state(), push_server.seen) == (("suppressed", "nothing_to_say"), [])


def test_what_was_taken_back_is_not_told(tell, phone, push_server):
    note = tell()
    Notification.objects.filter(pk=note.pk).update(withdrawn_at=clock.now())
    drain_due()
    assert (state(), push_server.seen) == (("suppressed", "nothing_to_say"), [])


def test_who_does_not_want_it_this_way_is_not_told_and_nobody_has_to_act(tell, phone, push_server, patient):
    patients.set_consents(patient, [{"category": "clinical", "channel": "push", "granted": False}])
    tell()
    drain_due()
    assert (state(), push_server.seen) == (("suppressed", "no_consent"), [])
    assert not Task.objects.exists()


def test_a_no_to_email_is_no_no_to_push(tell, phone, push_server, patient):
    patients.set_consents(patient, [{"category": "clinical", "channel": "email", "granted": False}])
    tell()
    drain_due()
    assert state() == ("sent", "")


def test_marketing_needs_a_yes(tell, phone, push_server, patient):
    tell(category="marketing")
    drain_due()
    assert state() == ("suppressed", "no_consent")


def test_while_the_clinic_is_paused_nothing_leaves(tell, phone, push_server, clinic):
    Pause.objects.create(clinic=clinic, scope="clinic", why="test")
    tell()
    assert drain_due() == 0
    assert push_server.seen == []


def test_a_notification_and_its_push_count_as_one_message(tell, phone, patient):
    since = clock.now() - timedelta(hours=1)
    tell(category="survey")
    drain_due()
    assert [one.category for one in messages_to([patient.pk], since=since)[patient.pk]] == ["survey"]


def test_in_a_list_of_many_the_list_alone_is_told(desk, push_server, front_desk, patient):
    head, entry = (
        Notification.objects.create(clinic=patient.clinic, patient=patient, recipient=front_desk, title="x")
        for _number in range(2)
    )
    entry.listed_in = head
    subscriptions.announce([(head, None), (entry, None)])
    assert only().context["notification"] == head.pk


# --- how it ends ---


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


# --- keys ---


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
