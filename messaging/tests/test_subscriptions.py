"""Turning a browser's notifications on and off: whose it may be, and which addresses are taken."""

import hashlib

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry, Membership
from clinic.errors import ClinicError, Refused
from messaging import outside, subscriptions
from messaging.models import PushSubscription
from messaging.subscriptions import Browser
from messaging.testing.pushserver import PushServer
from tests.cast import acting

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def push_server():
    with PushServer() as server:
        yield server


@pytest.fixture
def device(push_server):
    return push_server.device()


def owners():
    return list(PushSubscription.objects.order_by("pk").values_list("recipient", "patient"))


def changed(browser, **changes):
    fields = {name: getattr(browser, name) for name in ("endpoint", "p256dh", "auth", "key")}
    return Browser(**(fields | changes))


def test_a_patient_turns_on_what_is_theirs_and_nothing_else(device, patient, stranger_patient, front_desk):
    with acting_as(Actor("patient", patient_id=patient.pk, clinic_id=patient.clinic_id)):
        subscriptions.subscribe([patient], device.browser)
        for other in (stranger_patient, front_desk):
            with pytest.raises(Refused):
                subscriptions.subscribe([other], device.browser)
            with pytest.raises(Refused):
                subscriptions.unsubscribe([other])
    assert owners() == [(None, patient.pk)]


def test_a_person_of_the_staff_turns_on_their_own_alone(device, patient, front_desk, specialist):
    with acting(front_desk):
        subscriptions.subscribe([front_desk], device.browser)
        for other in (patient, specialist):
            with pytest.raises(Refused):
                subscriptions.subscribe([other], device.browser)
    assert owners() == [(front_desk.pk, None)]


def test_turning_it_on_twice_changes_nothing_but_the_keys(device, push_server, patient):
    subscriptions.subscribe([patient], device.browser)
    newer = push_server.device().browser
    subscriptions.subscribe([patient], changed(device.browser, p256dh=newer.p256dh))
    [row] = PushSubscription.objects.all()
    assert (row.endpoint, row.p256dh, row.clinic_id) == (device.endpoint, newer.p256dh, patient.clinic_id)
    assert AuditEntry.objects.filter(action="push.turned_on").count() == 1


def test_every_membership_of_a_person_has_its_row(device, front_desk, other_clinic):
    there = Membership.objects.create(clinic=other_clinic, user=front_desk.user, role="front_desk", slug="f", name="F")
    subscriptions.subscribe([front_desk, there], device.browser)
    assert list(PushSubscription.objects.order_by("pk").values_list("clinic", flat=True)) == [
        front_desk.clinic_id,
        other_clinic.pk,
    ]


def test_on_a_shared_computer_the_last_one_has_it(device, front_desk, specialist):
    subscriptions.subscribe([front_desk], device.browser)
    subscriptions.subscribe([specialist], device.browser)
    assert owners() == [(specialist.pk, None)]


def test_an_eleventh_browser_takes_the_place_of_the_first(push_server, patient):
    devices = [push_server.device() for _number in range(11)]
    for one in devices:
        subscriptions.subscribe([patient], one.browser)
    kept = PushSubscription.objects.order_by("pk").values_list("endpoint", flat=True)
    assert list(kept) == [one.endpoint for one in devices[1:]]


def test_turning_off_one_browser_or_all(push_server, patient, front_desk):
    phone, tablet, desk = push_server.device(), push_server.device(), push_server.device()
    subscriptions.subscribe([patient], phone.browser)
    subscriptions.subscribe([patient], tablet.browser)
    subscriptions.subscribe([front_desk], desk.browser)
    assert subscriptions.unsubscribe([patient], desk.endpoint) == 0
    assert subscriptions.unsubscribe([patient], phone.endpoint) == 1
    assert subscriptions.unsubscribe([patient]) == 1
    assert owners() == [(front_desk.pk, None)]
    assert AuditEntry.objects.filter(action="push.turned_off", patient_id=patient.pk).count() == 2


def test_the_button_knows_the_browsers_that_are_on_for_the_whole_person(push_server, front_desk, other_clinic):
    there = Membership.objects.create(clinic=other_clinic, user=front_desk.user, role="front_desk", slug="f", name="F")
    half, whole = push_server.device(), push_server.device()
    subscriptions.subscribe([front_desk], half.browser)
    subscriptions.subscribe([front_desk, there], whole.browser)

    switch = subscriptions.switch([front_desk, there], on="/on", off="/off", scope="/staff/")

    assert switch.known == hashlib.sha256(whole.endpoint.encode()).hexdigest()
    assert (switch.browsers, switch.key) == (2, whole.key)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "another"),
        ("p256dh", "AAAA"),
        ("p256dh", "not base64!"),
        ("p256dh", "é"),
        ("auth", "AAAA"),
        ("auth", "x" * 4000),
        ("endpoint", "ftp://push.example/1"),
        ("endpoint", "https://push.example/" + "x" * 1000),
    ],
)
def test_what_nothing_can_be_sent_to_is_refused_by_name(device, patient, field, value):
    with pytest.raises(ClinicError) as refusal:
        subscriptions.subscribe([patient], changed(device.browser, **{field: value}))
    assert refusal.value.path == field
    assert owners() == []


# --- addresses ---

TRUSTED = ["fcm.googleapis.com", "*.push.example"]


@pytest.mark.parametrize(
    "address", ["https://fcm.googleapis.com/fcm/send/x", "https://a.push.example/1?x=y", "https://a.push.example:443/1"]
)
def test_addresses_of_services_that_are_trusted(settings, address):
    settings.CLINIC_MODE = "production"
    assert outside.check_address(address, TRUSTED).scheme == "https"


@pytest.mark.parametrize(
    "address",
    [
        "http://fcm.googleapis.com/x",
        "http://localhost/x",
        "http://127.0.0.1:8000/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://push.example/x",
        "https://evilpush.example/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com/x#y",
        "https://fcm.googleapis.com/x y",
        "https://fcm.googleapis.com/\r\nHost: x",
        "https://fcm.googleapis.com:x/",
        "https://[::1/x",
        "https:///x",
        "//fcm.googleapis.com/x",
        "",
    ],
)
def test_no_other_address_in_production(settings, address):
    settings.CLINIC_MODE = "production"
    with pytest.raises(outside.NotAllowed):
        outside.check_address(address, TRUSTED)


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "0.0.0.0", "100.64.0.1"),
        *("224.0.0.1", "[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]"),
    ],
)
def test_nothing_inside_the_house_whoever_is_trusted(settings, host):
    settings.CLINIC_MODE = "production"
    with pytest.raises(outside.NotAllowed):
        outside.check_address(f"https://{host}/x", ["*"])


def test_a_name_that_leads_into_the_house_is_not_connected_to(settings):
    settings.CLINIC_MODE = "production"
    with pytest.raises(outside.NotAllowed, match="localhost leads to"):
        outside.post("https://localhost/x", b"x", {}, seconds=1, hosts=["*"])


def test_beside_production_this_machine_may_be_posted_to_and_no_other_without_tls(push_server):
    assert outside.check_address(f"http://127.0.0.1:{push_server.port}/x", [])
    with pytest.raises(outside.NotAllowed):
        outside.check_address("http://push.example/x", ["*"])


def test_nobody_there_means_that_nothing_left():
    with pytest.raises(outside.NotSent):
        outside.post("http://127.0.0.1:9/x", b"x", {}, seconds=1, hosts=["*"])
