"""A patient turns the notifications of their phone on, is told, and turns them off."""

import json
from dataclasses import asdict

import pytest
from django.test import Client

from messaging import services
from messaging.delivery import drain_due
from messaging.models import PushSubscription
from messaging.testing.pushserver import PushServer
from portal.tests.builders import signed_in

pytestmark = pytest.mark.django_db
ON, OFF = "/portal/push/on/", "/portal/push/off/"


@pytest.fixture
def device():
    with PushServer() as server:
        made = server.device()
        made.server = server
        yield made


@pytest.fixture
def phone(patient):
    return signed_in(patient)


def post(client, address, body):
    return client.post(address, json.dumps(body), content_type="application/json")


def owners():
    return list(PushSubscription.objects.order_by("pk").values_list("recipient", "patient"))


def test_from_the_click_to_the_message(phone, device, patient):
    assert post(phone, ON, asdict(device.browser)).status_code == 204

    services.notify([services.Note(clinic_id=patient.clinic_id, patient_id=patient.pk, title="Your pain is 8 of 10")])
    drain_due()

    [pushed] = device.server.taken
    assert pushed.payload["title"] == "You have a new message from North Clinic"
    assert pushed.payload["url"] == "/portal/messages/"
    assert "Your pain is 8 of 10" in phone.get(pushed.payload["url"]).content.decode()


def test_off_on_this_phone_and_off_everywhere(phone, device, patient):
    post(phone, ON, asdict(device.browser))
    assert post(phone, OFF, {"endpoint": device.endpoint}).status_code == 204
    assert owners() == []
    post(phone, ON, asdict(device.browser))
    assert phone.post(OFF)["Location"] == "/portal/messages/"
    assert owners() == []


def test_another_patient_turns_off_nothing_of_theirs(phone, device, patient, stranger_patient):
    post(phone, ON, asdict(device.browser))
    other = signed_in(stranger_patient)
    post(other, OFF, {"endpoint": device.endpoint})
    other.post(OFF)
    assert owners() == [(None, patient.pk)]


def test_who_is_not_signed_in_turns_on_nothing(client, device, patient):
    assert post(client, ON, asdict(device.browser)).status_code == 302
    assert owners() == []


def test_a_person_of_the_staff_turns_on_nothing_for_patients(as_admin, device, patient):
    assert post(as_admin, ON, asdict(device.browser)).status_code == 302
    assert owners() == []


def test_another_site_cannot_turn_it_on(device, patient):
    client = signed_in(patient, client=Client(enforce_csrf_checks=True))
    assert post(client, ON, asdict(device.browser)).status_code == 403
    assert owners() == []


def test_the_button_stands_below_the_messages(phone, device):
    html = phone.get("/portal/messages/").content.decode()
    assert f'data-push-key="{device.key}"' in html
    assert 'data-push-scope="/portal/"' in html
    assert 'data-push-worker="/push-worker.js"' in html
