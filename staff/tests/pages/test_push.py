"""Turning the notifications of a browser on and off, and the service worker."""

import json
from dataclasses import asdict

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from messaging import services
from messaging.delivery import drain_due
from messaging.models import PushSubscription
from messaging.testing.pushserver import PushServer
from tests.cast import client_of

ON, OFF = "/staff/push/on/", "/staff/push/off/"


@pytest.fixture
def push_server():
    with PushServer() as server:
        yield server


@pytest.fixture
def device(push_server):
    return push_server.device()


def post(client, address, body):
    return client.post(address, json.dumps(body), content_type="application/json")


def turn_on(client, device):
    return post(client, ON, asdict(device.browser))


def owners():
    return list(PushSubscription.objects.order_by("pk").values_list("recipient", "patient"))


def test_from_the_click_to_the_message(device, push_server, front_desk, as_front_desk, patient):
    assert turn_on(as_front_desk, device).status_code == 204

    services.notify(
        [services.Note(clinic_id=patient.clinic_id, patient_id=patient.pk, recipient_id=front_desk.pk, title="Look")]
    )
    drain_due()

    [pushed] = push_server.taken
    assert pushed.device is device
    assert as_front_desk.get(pushed.payload["url"]).status_code == 200


def test_it_is_on_for_every_clinic_of_the_person(device, front_desk, other_clinic, as_front_desk):
    there = Membership.objects.create(clinic=other_clinic, user=front_desk.user, role="front_desk", slug="f", name="F")
    turn_on(as_front_desk, device)
    assert owners() == [(front_desk.pk, None), (there.pk, None)]


def test_off_again(device, as_front_desk, front_desk):
    turn_on(as_front_desk, device)
    assert post(as_front_desk, OFF, {"endpoint": device.endpoint}).status_code == 204
    assert owners() == []


def test_off_everywhere_without_javascript(push_server, as_front_desk, front_desk, specialist, as_specialist):
    turn_on(as_front_desk, push_server.device())
    turn_on(as_front_desk, push_server.device())
    turn_on(as_specialist, push_server.device())
    response = as_front_desk.post(OFF, follow=True)
    assert "No browser of yours is told any more." in response.content.decode()
    assert owners() == [(specialist.pk, None)]


def test_nobody_turns_off_somebody_elses(device, as_front_desk, front_desk, as_stranger, as_specialist):
    turn_on(as_front_desk, device)
    for other in (as_stranger, as_specialist):
        post(other, OFF, {"endpoint": device.endpoint})
        other.post(OFF)
    assert owners() == [(front_desk.pk, None)]


def test_who_works_nowhere_turns_on_nothing(device, operator):
    assert turn_on(client_of(operator), device).status_code == 403
    assert owners() == []


def test_a_visitor_turns_on_nothing(device, client, db):
    assert turn_on(client, device)["Location"].startswith(reverse("account_login"))
    assert owners() == []


def test_another_site_cannot_turn_it_on(device, front_desk):
    client = Client(enforce_csrf_checks=True)
    client.force_login(front_desk.user, backend="django.contrib.auth.backends.ModelBackend")
    assert turn_on(client, device).status_code == 403
    assert owners() == []


def test_it_takes_a_post(as_front_desk, front_desk):
    assert (as_front_desk.get(ON).status_code, as_front_desk.get(OFF).status_code) == (405, 405)


@pytest.mark.parametrize(
    "body",
    ["[]", "null", "{", "1" * 5000, '{"endpoint": 1}', '{"endpoint": "\\u0000"}', "[" * 4000, '{"endpoint": ""}'],
)
def test_what_no_browser_sends_is_refused(as_front_desk, front_desk, body):
    for address in (ON, OFF):
        response = as_front_desk.post(address, body, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_plain_form_turns_nothing_on(as_front_desk, front_desk, device):
    assert as_front_desk.post(ON, asdict(device.browser)).status_code == 400
    assert owners() == []


def test_an_address_inside_the_house_is_refused_with_the_reason(device, as_front_desk, front_desk):
    body = asdict(device.browser) | {"endpoint": "https://192.168.1.1/x"}
    response = post(as_front_desk, ON, body)
    assert response.status_code == 400
    assert response.json()["field"] == "endpoint"
    assert owners() == []


def test_the_button_is_on_the_list(as_front_desk, front_desk, device):
    turn_on(as_front_desk, device)
    html = as_front_desk.get(reverse("staff:notifications")).content.decode()
    assert f'data-push-key="{device.key}"' in html
    assert 'data-push-on="/staff/push/on/"' in html
    assert 'data-push-scope="/staff/"' in html
    assert "They are on in 1 browser of yours." in html


def test_without_a_key_there_is_no_button(as_front_desk, front_desk, settings):
    settings.CLINIC_MODE = "production"
    html = as_front_desk.get(reverse("staff:notifications")).content.decode()
    assert "data-push" not in html


def test_the_worker_comes_from_the_root_and_is_never_old(client, db):
    response = client.get("/push-worker.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert (response["Service-Worker-Allowed"], response["Cache-Control"]) == ("/", "no-cache")
    assert b'addEventListener("push"' in response.content
    assert client.post("/push-worker.js").status_code == 405
