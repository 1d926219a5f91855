"""The bell and web push in a real Chromium: the click, the subscription, the message, the notification, the page."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from playwright.sync_api import expect

from messaging import services
from messaging.delivery import drain_due
from messaging.models import PushSubscription
from messaging.testing.pushserver import PushServer
from portal.frame import COOKIE
from portal.tests.builders import signed_in
from tests.browser.test_rule_editor import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BROWSER = """
// This machine has no way to a push service, so the browser's own one is replaced; all else is Chromium's.
window.asked = 0;
const ask = Notification.requestPermission.bind(Notification);
Notification.requestPermission = () => { window.asked += 1; return ask(); };
const given = %s;
const key = Uint8Array.from(atob(given.key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
const subscription = {
  endpoint: given.endpoint,
  options: { applicationServerKey: key },
  toJSON: () => ({ endpoint: given.endpoint, keys: { p256dh: given.p256dh, auth: given.auth } }),
  unsubscribe: async () => { sessionStorage.removeItem("on"); return true; },
};
PushManager.prototype.getSubscription = async () => (sessionStorage.getItem("on") ? subscription : null);
PushManager.prototype.subscribe = async () => { sessionStorage.setItem("on", "1"); return subscription; };
"""


@pytest.fixture
def device():
    with PushServer() as server:
        made = server.device()
        made.server = server
        yield made


def tell(patient, member=None, title="A questionnaire of Maria's is late"):
    note = services.Note(
        clinic_id=patient.clinic_id, patient_id=patient.pk, recipient_id=member and member.pk, title=title
    )
    services.notify([note])


def test_from_the_click_to_the_notification(live_server, page, sign_in, as_front_desk, front_desk, patient, device):
    page.add_init_script(BROWSER % json.dumps(asdict(device.browser)))
    page.context.grant_permissions(["notifications"], origin=live_server.url)
    devtools = page.context.new_cdp_session(page)
    registrations: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(one["registrationId"] for one in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    sign_in(as_front_desk).goto(f"{live_server.url}/staff/notifications/")
    page.get_by_role("button", name="Turn on notifications").wait_for()
    assert page.evaluate("window.asked") == 0

    page.get_by_role("button", name="Turn on notifications").click()
    page.get_by_text("They are on.", exact=False).first.wait_for()
    assert page.evaluate("window.asked") == 1
    assert PushSubscription.objects.get().recipient == front_desk

    tell(patient, front_desk)
    assert drain_due() == 1
    [pushed] = device.server.taken
    told = {"origin": live_server.url, "registrationId": registrations[-1], "data": json.dumps(pushed.payload)}
    worker = page.context.service_workers[0]
    worker.evaluate("""() => {
      const show = self.registration.showNotification.bind(self.registration);
      self.shown = new Promise((done) => {
        self.registration.showNotification = (title, one) => show(title, one).then(() => done([title, one]));
      });
    }""")
    devtools.send("ServiceWorker.deliverPushMessage", told)
    title, options = worker.evaluate("self.shown")
    notification = [title, options.get("body", ""), options["data"]["url"], options["tag"]]
    assert notification == [
        "You have a new message from North Clinic",
        "",
        "/staff/notifications/",
        f"clinic-{patient.clinic_id}",
    ]

    page.reload()
    page.get_by_role("button", name="Turn off on this device").click()
    page.get_by_role("button", name="Turn on notifications").wait_for()
    assert not PushSubscription.objects.exists()


def test_a_patient_turns_it_on_with_a_touch(live_server, page, patient, device, shoot):
    page.add_init_script(BROWSER % json.dumps(asdict(device.browser)))
    page.context.grant_permissions(["notifications"], origin=live_server.url)
    secret = signed_in(patient).cookies[COOKIE].value
    page.context.add_cookies([{"name": COOKIE, "value": secret, "url": f"{live_server.url}/portal/"}])
    page.set_viewport_size({"width": 390, "height": 844})
    tell(patient)
    page.goto(f"{live_server.url}/portal/messages/")
    page.get_by_role("button", name="Turn on notifications").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        shoot(f"messages-390-{scheme}")
        assert_accessible(page)

    page.get_by_role("button", name="Turn on notifications").click()
    page.get_by_role("button", name="Turn off on this device").wait_for()
    tell(patient)
    assert drain_due() == 1
    assert device.server.taken[0].payload["url"] == "/portal/messages/"
    page.reload()
    page.get_by_role("button", name="Turn off everywhere").wait_for()
    shoot("messages-390-on")


def test_the_bell_rings_by_itself_and_leads_to_the_list(
    live_server, page, sign_in, as_front_desk, front_desk, patient, shoot
):
    page.clock.install()
    sign_in(as_front_desk).goto(f"{live_server.url}/staff/")
    expect(page.locator(".bell-number")).to_have_count(0)

    tell(patient, front_desk)
    tell(patient, front_desk, "Ana has booked a first visit")
    with page.expect_response("**/staff/bell/*") as polled:
        page.clock.fast_forward(15_000)
    assert polled.value.status == 200
    page.locator(".bell-number").wait_for()
    expect(page.locator(".bell-number")).to_have_text("2")
    with page.expect_response("**/staff/bell/*") as polled:
        page.clock.fast_forward(15_000)
    assert polled.value.status == 204

    page.get_by_role("link", name="2 unread notifications").click()
    page.get_by_role("heading", name="Notifications", exact=True).wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 844})
            shoot(f"notifications-{width}-{scheme}")
        assert_accessible(page)
    page.get_by_role("button", name="Mark all as read").click()
    page.get_by_text("2 notifications marked as read.").wait_for()
    expect(page.locator(".bell-number")).to_have_count(0)
