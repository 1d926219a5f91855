"""Signing in to the portal: by a link in a mail, with the same answer for everybody, once, and for a time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry
from clinic.secrets import digest_of
from messaging.delivery import drain_due
from messaging.models import Delivery
from patients.consents import set_consents
from patients.models import Contact, Patient
from portal.models import PatientSession, SignInAsk, SignInLink
from portal.tests.builders import signed_in

pytestmark = pytest.mark.django_db
ASK, HOME = "/portal/sign-in/", "/portal/"


@pytest.fixture
def outbox(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    return mail.outbox


def link_in(message) -> str:
    [link] = [word for word in message.body.split() if "/portal/in/" in word]
    return "/portal/in/" + link.split("/portal/in/")[1]


def words(response):
    return response.content.decode()


def mailed(client, email, outbox) -> str:
    """Ask for a link and return it from the mail."""
    client.post(ASK, {"email": email})
    drain_due()
    return link_in(outbox[-1])


@pytest.mark.django_db(transaction=True)
def test_a_link_signs_in_once_and_by_post_only(client, patient, outbox):
    link = mailed(client, " Maria@Patients.example ", outbox)
    assert (outbox[0].to, outbox[0].subject) == (["maria@patients.example"], "North Clinic: your link to sign in")
    token = link.split("/")[3]
    kept = Delivery.objects.get()
    assert token not in kept.body_text + kept.body_html + str(SignInLink.objects.values().get())
    for _look in range(2):
        assert words(client.get(link)).count("<button") == 1
        client.head(link)
    assert (SignInLink.objects.get().spent_at, PatientSession.objects.count()) == (None, 0)
    answer = client.post(link)
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    cookie = client.cookies["patient_session"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/portal/", True, "Lax")
    assert PatientSession.objects.get().digest == digest_of(cookie.value)
    assert "Hello Maria" in words(client.get(HOME))
    other = Client()
    assert (other.get(link).status_code, other.post(link).status_code) == (410, 410)
    assert (other.get(HOME)["Location"], PatientSession.objects.count()) == (ASK, 1)
    assert AuditEntry.objects.filter(action="portal.opened", actor_kind="patient", patient_id=patient.pk).count() == 1


def test_the_answer_is_the_same_for_every_address(client, patient, stranger_patient):
    answers = [client.post(ASK, {"email": one}) for one in ("maria@patients.example", "nobody@x.example")]
    assert [one.status_code for one in answers] == [200, 200]
    assert words(answers[0]) == words(answers[1])
    assert [one.patient for one in Delivery.objects.all()] == [patient]
    assert client.post(ASK, {"email": "no address"}).status_code == 422
    assert SignInAsk.objects.count() == 2


def test_more_than_three_links_in_a_quarter_of_an_hour_are_not_sent(client, patient):
    for _time in range(5):
        answer = client.post(ASK, {"email": "maria@patients.example"})
        assert "Look into your mailbox" in words(answer)
    assert (Delivery.objects.count(), SignInAsk.objects.count()) == (3, 3)
    SignInAsk.objects.update(asked_at=timezone.now() - timedelta(minutes=16))
    client.post(ASK, {"email": "MARIA@patients.example"})
    assert Delivery.objects.count() == 4


def test_one_place_may_not_ask_for_ever(client, patient):
    moment = timezone.now()
    SignInAsk.objects.bulk_create(
        [SignInAsk(mark=f"{n:016}", ip="192.0.2.1", asked_at=moment - timedelta(minutes=50)) for n in range(30)]
    )
    client.post(ASK, {"email": patient.email}, REMOTE_ADDR="192.0.2.1")
    assert Delivery.objects.count() == 0
    client.post(ASK, {"email": patient.email}, REMOTE_ADDR="192.0.2.2")
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_link_ends_after_a_quarter_of_an_hour_of_real_time(client, patient, outbox):
    link = mailed(client, patient.email, outbox)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert "This link has ended" in words(answer)
    assert PatientSession.objects.count() == 0
    assert client.post("/portal/in/forged/").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_whoever_wants_no_messages_still_gets_the_link_they_ask_for(client, patient, outbox):
    set_consents(patient, [{"category": "transactional", "channel": "email", "granted": False}])
    assert mailed(client, patient.email, outbox).startswith("/portal/in/")
    assert Delivery.objects.get().state == "sent"


@pytest.mark.django_db(transaction=True)
def test_a_family_with_one_address_chooses(client, patient, stranger_patient, outbox):
    ion = Patient.objects.create(clinic=patient.clinic, given_name="Ion", family_name="Marin", email=patient.email)
    mia = Patient.objects.create(clinic=patient.clinic, given_name="Mia", birth_date=date(2020, 5, 1))
    Contact.objects.create(
        clinic=patient.clinic, patient=mia, name="Maria", relation="mother", email=patient.email, gets_messages=True
    )
    link = mailed(client, patient.email, outbox)
    assert client.post(link)["Location"] == "/portal/choose/"
    assert client.get(HOME)["Location"] == "/portal/choose/"
    page = words(client.get("/portal/choose/"))
    assert [name in page for name in ("Maria Marin", "Ion Marin", "Mia", "Sam")] == [True, True, True, False]
    assert client.post("/portal/choose/", {"patient": stranger_patient.pk}).status_code == 404
    assert client.post("/portal/choose/", {"patient": "9" * 40}).status_code == 200
    assert PatientSession.objects.get().patient is None
    assert client.post("/portal/choose/", {"patient": mia.pk})["Location"] == HOME
    assert "Hello Mia" in words(client.get(HOME))
    client.post("/portal/choose/", {"patient": ion.pk})
    assert "Pages of somebody else" in words(client.get(HOME))
    assert "Hello Ion" in words(client.get(HOME))


def test_a_childs_own_address_opens_nothing(client, patient):
    patient.birth_date = date(2020, 1, 1)
    patient.save()
    client.post(ASK, {"email": patient.email})
    assert Delivery.objects.count() == 0


def test_a_patient_who_left_gets_no_link(client, patient):
    Patient.objects.filter(pk=patient.pk).update(status="discharged")
    client.post(ASK, {"email": patient.email})
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize("why", ["idle", "too long", "signed out", "another address", "left"])
def test_a_session_ends(patient, why):
    client, moment = signed_in(patient), timezone.now()
    assert "Pages of somebody else" not in words(client.get(HOME))
    if why == "idle":
        PatientSession.objects.update(seen_at=moment - timedelta(minutes=31))
    elif why == "too long":
        PatientSession.objects.update(started_at=moment - timedelta(hours=12, seconds=1))
    elif why == "signed out":
        secret = client.cookies["patient_session"].value
        client.post("/portal/sign-out/")
        client.cookies["patient_session"] = secret
    elif why == "another address":
        Patient.objects.filter(pk=patient.pk).update(email="new@patients.example")
    else:
        Patient.objects.filter(pk=patient.pk).update(status="archived")
    assert client.get(HOME)["Location"] == ASK


def test_use_keeps_a_session_alive(patient):
    client = signed_in(patient)
    PatientSession.objects.update(seen_at=timezone.now() - timedelta(minutes=29))
    client.get(HOME)
    assert PatientSession.objects.get().seen_at > timezone.now() - timedelta(minutes=1)


def test_staff_signed_in_in_the_same_browser_stay_apart(as_admin, patient, admin):
    assert as_admin.get(HOME)["Location"] == ASK
    signed_in(patient, client=as_admin)
    assert as_admin.get(HOME).status_code == 200
    entry = AuditEntry.objects.get(action="portal.opened")
    assert (entry.actor_kind, entry.actor_id) == ("patient", patient.pk)
    as_admin.post("/portal/sign-out/")
    assert as_admin.get("/staff/").status_code == 200
    only_patient = signed_in(patient)
    assert only_patient.get("/staff/").status_code in (302, 403)


def test_what_changes_something_takes_a_csrf_token(patient):
    client = signed_in(patient, client=Client(enforce_csrf_checks=True))
    for address in ("sign-out/", "choose/", "exercises/", "preferences/", "messages/read/", "sign-in/"):
        assert client.post(f"/portal/{address}").status_code == 403
    assert PatientSession.objects.get().ended_at is None
