"""The link of a message: hashed, opened once by POST after the date of birth, locked after five wrong ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry
from clinic import clock
from clinic.secrets import digest_of
from forms_app.links import make, make_token, token_of
from forms_app.models import FormRequest, FormResponse, SigningLink
from forms_app.opening import MOST_WRONG
from forms_app.tests.builders import ask, born, fill, make_template, opened
from messaging.delivery import drain_due
from messaging.models import Delivery
from messaging.services import queue_email
from patients.models import Contact
from worklist.models import Task

pytestmark = pytest.mark.django_db
WRONG = {"day": "1", "month": "1", "year": "1950"}
CONSENT = {"agree": "yes", "signed_by": "Maria Marin", "relation": "self", "version": "1", "action": "sign"}


@pytest.fixture
def consent(patient):
    return ask(patient, make_template(patient.clinic, "privacy", "consent", text="I agree."))


def words(response):
    return response.content.decode()


def test_only_a_digest_of_the_token_is_stored(patient, consent):
    token = make_token(patient)
    row = SigningLink.objects.get()
    assert row.digest == digest_of(token)
    assert token not in str(SigningLink.objects.values().get())
    assert token_of(row) == token


def test_a_get_opens_nothing_and_tells_nothing(client, patient, consent):
    url = f"/f/{make_token(patient)}/"
    page = words(client.get(url))
    assert "Your date of birth" in page
    for never in ("Privacy", "Maria", "1957"):
        assert never not in page
    assert client.get(f"{url}{consent.pk}/")["Location"] == url
    assert client.post(f"{url}{consent.pk}/", CONSENT)["Location"] == url
    assert client.get(f"{url}{consent.pk}/receipt.pdf")["Location"] == url
    assert (FormResponse.objects.count(), SigningLink.objects.get().spent_at) == (0, None)


def test_a_link_opens_once_in_one_browser(client, patient, consent):
    url, other = opened(client, patient), Client()
    assert "Privacy" in words(client.get(url))
    cookie = client.cookies["form_link"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (url, True, "Lax")
    assert SigningLink.objects.get().holder_digest == digest_of(cookie.value)
    for answer in (other.get(url), other.post(url, born(patient)), other.post(f"{url}{consent.pk}/", CONSENT)):
        assert answer.status_code == 410
        assert "This link was used already" in words(answer)
    assert FormResponse.objects.count() == 0


def test_the_browser_that_opened_it_may_go_on_for_some_hours(client, patient, consent):
    url = opened(client, patient)
    clock.advance_by(timedelta(hours=3, minutes=59))
    assert client.get(url).status_code == 200
    clock.advance_by(timedelta(minutes=2))
    assert client.get(url).status_code == 410
    assert client.post(f"{url}{consent.pk}/", CONSENT).status_code == 410
    assert FormResponse.objects.count() == 0


def test_five_wrong_dates_lock_the_link_and_ask_the_front_desk(client, patient, consent):
    url = f"/f/{make_token(patient)}/"
    for left in range(MOST_WRONG - 1, 0, -1):
        answer = client.post(url, WRONG)
        assert (answer.status_code, Task.objects.count()) == (422, 0)
        assert f"Tries left: {left}" in words(answer)
    assert client.post(url, WRONG).status_code == 403
    for answer in (client.post(url, born(patient)), client.get(url), client.post(f"{url}again/")):
        assert answer.status_code == 403
        assert "This link is locked" in words(answer)
    task = Task.objects.get()
    assert (task.title, task.role, task.patient, task.priority) == (
        "A link to forms was locked: Maria Marin", "front_desk", patient, "high",
    )  # fmt: skip
    row = SigningLink.objects.get()
    assert (row.wrong_dates, row.spent_at, Delivery.objects.count()) == (5, None, 0)
    actions = AuditEntry.objects.filter(object_type="forms_app.signinglink", actor_kind="anonymous").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["signing_link.refused"] * 4 + ["signing_link.locked"]


@pytest.mark.parametrize(
    "typed", [{}, {"day": "31", "month": "2", "year": "1957"}, {**WRONG, "day": "x"}, {"day": "2"}]
)
def test_a_slip_that_is_no_date_is_no_guess(client, patient, consent, typed):
    answer = client.post(f"/f/{make_token(patient)}/", typed)
    assert (answer.status_code, SigningLink.objects.get().wrong_dates) == (422, 0)
    assert "Write day, month and year" in words(answer)


def test_without_a_known_date_of_birth_a_button_opens_the_link(client, patient, consent):
    patient.birth_date = None
    patient.save()
    url = f"/f/{make_token(patient)}/"
    assert "date of birth" not in words(client.get(url))
    assert SigningLink.objects.get().spent_at is None
    assert "Privacy" in words(client.post(url, follow=True))


def test_a_link_ends_by_the_clinics_clock(client, patient, consent):
    sealed = f"/f/{make_token(patient)}/"
    clock.advance_by(timedelta(days=29, hours=23))
    url = opened(client, patient, days=1)
    assert Client().get(sealed).status_code == 200
    clock.advance_by(timedelta(hours=2))
    assert "This link has ended" in words(Client().get(sealed))
    assert Client().post(sealed, born(patient)).status_code == 410
    clock.advance_by(timedelta(hours=23))
    assert client.post(f"{url}{consent.pk}/", CONSENT).status_code == 410
    assert FormResponse.objects.count() == 0


def test_a_new_link_goes_to_the_address_on_record_and_not_too_often(patient, consent):
    url = opened(Client(), patient)
    other = Client()
    for _press in range(3):
        assert "Please look into your mailbox" in words(other.post(f"{url}again/"))
    delivery = Delivery.objects.get()
    assert (delivery.purpose, delivery.patient, delivery.recipient_key) == ("forms", patient, "patient")
    clock.advance_by(timedelta(minutes=11))
    other.post(f"{url}again/")
    assert Delivery.objects.count() == 1  # it waits still
    Delivery.objects.update(state="sent", finished_at=clock.now())
    other.post(f"{url}again/")
    assert Delivery.objects.count() == 1
    clock.advance_by(timedelta(minutes=11))
    other.post(f"{url}again/")
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("why", ["nothing open", "another address", "locked before", "get"])
def test_no_new_link_is_sent_where_there_is_a_reason_not_to(client, patient, consent, why):
    row = make(patient)
    SigningLink.objects.filter(pk=row.pk).update(spent_at=clock.now())
    if why == "nothing open":
        fill(consent)
    elif why == "another address":
        patient.email = "new@patients.example"
        patient.save()
    elif why == "locked before":
        SigningLink.objects.filter(pk=make(patient).pk).update(locked_at=clock.now())
    url = f"/f/{token_of(row)}/again/"
    status = client.get(url).status_code if why == "get" else client.post(url).status_code
    assert (status, Delivery.objects.count()) == ({"another address": 404, "get": 405}.get(why, 200), 0)


@pytest.mark.django_db(transaction=True)
def test_the_mail_has_the_link_and_what_is_kept_of_it_has_not(patient, consent, settings, client):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    queue_email(clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", purpose="forms")
    drain_due()
    [message] = mail.outbox
    row, delivery = SigningLink.objects.get(), Delivery.objects.get()
    token = token_of(row)
    assert f"/f/{token}/" in message.body
    assert f"/f/{token}/" in message.alternatives[0][0]
    assert token not in delivery.body_text + delivery.body_html
    assert f"/f/~form-{row.pk}~/" in delivery.body_text
    assert "Privacy" in words(client.post(f"/f/{token}/", born(patient), follow=True))


@pytest.mark.django_db(transaction=True)
def test_sent_again_after_a_crash_the_mail_has_a_link_that_works(patient, consent, settings, client):
    """The first attempt may have left: the same text must go, and its link must open."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    queue_email(clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", purpose="forms")
    drain_due()
    Delivery.objects.update(state="retry", maybe_left=True)
    drain_due()
    first, second = mail.outbox
    assert first.body == second.body
    assert SigningLink.objects.count() == 1
    link = next(word for word in second.body.split() if "/f/" in word)
    assert client.post("/f/" + link.split("/f/")[1], born(patient)).status_code == 303


@pytest.mark.django_db(transaction=True)
def test_a_mark_in_a_text_opens_links_of_its_own_delivery_only(patient, consent, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    foreign = make(patient)
    delivery = queue_email(
        clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", purpose="forms"
    )
    Delivery.objects.filter(pk=delivery.pk).update(
        maybe_left=True, body_text=f"~form-{foreign.pk}~", body_html=f"~form-{foreign.pk}~ ~nothing-1~", subject="x"
    )
    drain_due()
    assert mail.outbox[0].body == f"~form-{foreign.pk}~"
    assert mail.outbox[0].alternatives[0][0] == f"~form-{foreign.pk}~ ~nothing-1~"


def test_the_receipt_is_given_to_the_link_that_signed(client, patient, consent):
    earlier = fill(ask(patient, make_template(patient.clinic, "earlier")))
    url = opened(client, patient)
    done = client.post(f"{url}{consent.pk}/", CONSENT)
    assert f"{url}{consent.pk}/receipt.pdf" in words(client.get(done["Location"]))
    answer = client.get(f"{url}{consent.pk}/receipt.pdf")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert answer["Content-Disposition"] == f'attachment; filename="privacy-{FormResponse.objects.latest("pk").pk}.pdf"'
    assert client.get(f"{url}{earlier.pk}/receipt.pdf").status_code == 404
    assert AuditEntry.objects.filter(action="form.receipt_read", actor_kind="patient").count() == 1


def test_a_contact_is_asked_for_the_patients_date_of_birth(client, patient, consent):
    contact = Contact.objects.create(
        clinic=patient.clinic, patient=patient, name="Elena", relation="daughter", email="e@x.example", may_sign=True
    )
    assert "The patient's date of birth" in words(client.get(f"/f/{make_token(patient, contact)}/"))


def test_a_drawing_alone_signs_with_the_name_on_record(client, patient, consent):
    from forms_app.tests.test_pdf import blank, data_url, drawn

    url = opened(client, patient)
    unnamed = {**CONSENT, "signed_by": ""}
    refused = client.post(f"{url}{consent.pk}/", {**unnamed, "drawing": data_url(blank())})
    assert (refused.status_code, FormResponse.objects.count()) == (422, 0)
    assert "Draw your signature, or write your name." in words(refused)
    assert client.post(f"{url}{consent.pk}/", {**unnamed, "drawing": data_url(drawn())}).status_code == 303
    response = FormResponse.objects.get()
    assert (response.signed_by, response.drawings.count()) == ("Maria Marin", 1)
    assert FormRequest.objects.get().status == "signed"
