"""The demo's own page: nobody types a password, a phone shows what came, time passes at a button."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Membership
from appointments.models import Service
from appointments.services import book
from automations.models import Step
from automations.recipes import install
from clinic import clock
from clinic.db import silently
from messaging.services import Note, notify
from portal.models import PatientSession
from staff.demo import people
from staff.pages.demo import ASKED_ABOUT, ASKED_RULE, EXPECTED, MARIA, someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def maria():
    """The first clinic of the demo with three of its patients and the two rules that the page shows at work."""
    with silently("test"):
        clinic = people.clinics()["harbour"]
        for number in (MARIA, ASKED_ABOUT, EXPECTED):
            people.admit(clinic, people.people()[number - 1])
    for slug in ("appointment-reminder-24h", ASKED_RULE):
        install(clinic=clinic, slug=slug, mode="on")
    return someone(MARIA)


def tell(maria, title):
    notify([Note(clinic_id=maria.clinic_id, patient_id=maria.pk, title=title)])


def next_visit(patient):
    return book(
        clinic=patient.clinic,
        patient=patient,
        service=Service.objects.filter(clinic=patient.clinic).first(),
        starts_at=clock.now() + timedelta(days=6),
        specialist=Membership.objects.get(slug="dr-ionescu"),
        status="confirmed",
    )


def test_a_visitor_sits_down_at_the_admins_desk(client, maria):
    page = client.get(reverse("staff:demo"))

    assert page.status_code == 200
    assert client.session["_auth_user_id"] == str(Membership.objects.get(slug="ada-admin").user_id)
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_who_is_signed_in_stays_who_they_are(client, maria):
    client.post(reverse("staff:demo-as", args=["desk"]))
    client.get(reverse("staff:demo"))

    assert client.session["_auth_user_id"] == str(Membership.objects.get(slug="felix-front").user_id)


def test_nobody_else_is_offered(client, maria):
    assert client.post(reverse("staff:demo-as", args=["operator"])).status_code == 404
    assert "_auth_user_id" not in client.session


def test_maria_reads_her_own_pages_on_the_phone(client, maria):
    client.get(reverse("staff:demo"))
    answer = client.post(reverse("staff:demo-as-patient"), follow=True)

    assert answer.redirect_chain == [(reverse("portal:home"), 302)]
    assert b"Maria" in answer.content
    assert client.session["_auth_user_id"] == str(Membership.objects.get(slug="ada-admin").user_id)


def test_the_phone_says_what_came_and_nothing_while_nothing_is_new(client, maria):
    tell(maria, "Thank you for coming today")
    first = client.get(reverse("staff:demo-phone"))
    seen = first.context["newest"]
    again = client.get(reverse("staff:demo-phone"), {"seen": seen}, headers={"HX-Request": "true"})
    tell(maria, "See you soon")
    later = client.get(reverse("staff:demo-phone"), {"seen": seen}, headers={"HX-Request": "true"})

    assert b"Thank you for coming today" in first.content
    assert again.status_code == 204
    assert b"See you soon" in later.content
    assert b"data-buzz" in later.content
    assert b"data-buzz" not in first.content


def test_a_day_passes_at_a_button(client, maria):
    client.get(reverse("staff:demo"))
    before = clock.now()

    answer = client.post(reverse("staff:demo-clock"), {"until": "day"})

    assert answer.status_code == 302
    assert timedelta(hours=24) <= clock.now() - before < timedelta(hours=24, minutes=2)


def test_a_time_that_is_not_offered_moves_nothing(client, maria):
    before = clock.now()

    assert client.post(reverse("staff:demo-clock"), {"until": "year"}).status_code == 404
    assert clock.now() - before < timedelta(minutes=2)


def test_cancelling_the_visit_strikes_its_reminder_and_says_why(client, maria):
    client.get(reverse("staff:demo"))
    visit = next_visit(someone(EXPECTED))
    client.post(reverse("staff:demo-clock"), {"until": "day"})
    reminder = Step.objects.get(patient=visit.patient, rule__slug="appointment-reminder-24h", state="pending")

    client.post(reverse("staff:demo-cancel", args=[visit.pk]))

    reminder.refresh_from_db()
    assert reminder.state == "cancelled"
    flow = client.get(reverse("staff:demo-flow")).content.decode()
    assert 'class="struck-out"' in flow
    assert reminder.reason_text in flow


def test_a_visit_of_somebody_else_is_not_found(client, maria):
    client.get(reverse("staff:demo"))
    other = next_visit(someone(ASKED_ABOUT))

    assert client.post(reverse("staff:demo-cancel", args=[other.pk])).status_code == 404
    other.refresh_from_db()
    assert other.status == "confirmed"


def test_it_says_why_not_ana_and_counts_with_another_number(client, maria):
    client.get(reverse("staff:demo"))
    first = client.get(reverse("staff:demo-why"))
    count = client.get(reverse("staff:demo-why"), {"n0": "60"})

    assert b"Ana Pop" in first.content
    assert b'name="n0"' in first.content
    assert first.context["found"].count < count.context["found"].count
    assert b"<form" not in count.content


@pytest.mark.parametrize("name", ["demo", "demo-phone", "demo-flow", "demo-why"])
def test_in_production_there_is_no_such_page(client, settings, name):
    settings.CLINIC_MODE = "production"
    assert client.get(reverse(f"staff:{name}")).status_code == 404


def test_in_production_nobody_is_signed_in_and_no_time_passes(client, maria, settings):
    settings.CLINIC_MODE = "production"
    before = clock.now()

    assert client.post(reverse("staff:demo-as", args=["admin"])).status_code == 404
    assert client.post(reverse("staff:demo-as-patient")).status_code == 404
    assert not PatientSession.objects.exists()
    assert client.post(reverse("staff:demo-clock"), {"until": "day"}).status_code == 404
    assert "_auth_user_id" not in client.session
    assert clock.now() - before < timedelta(minutes=2)
