"""Web push with a real push service at the other end: what it says, where it goes, who is not told."""

import json
from datetime import timedelta

import pytest

from accounts.models import Pause
from clinic import clock
from messaging import services, subscriptions
from messaging.delivery import drain_due
from messaging.models import Delivery, Notification, PushSubscription
from messaging.selectors import messages_to
from messaging.tests.pushing import SECRET_WORDS, attempts, only, state
from patients import services as patients
from worklist.models import Task

pytestmark = pytest.mark.django_db


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
