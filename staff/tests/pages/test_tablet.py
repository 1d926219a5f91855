"""Sign here: a browser that is locked to one form until a member of staff unlocks it."""

import time
from datetime import timedelta

import pytest
from django.urls import get_resolver, reverse

from accounts.models import AuditEntry
from clinic.clock import now
from forms_app import services
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import ask, fired, make_template
from patients.models import Contact
from tests.cast import PASSWORD

TABLET = reverse("staff:tablet")
UNLOCK = reverse("staff:tablet-unlock")
SIGNED = {"action": "sign", "agree": "yes", "signed_by": "Maria Marin", "relation": "self", "version": "1"}


@pytest.fixture
def row(patient):
    return ask(patient, make_template(patient.clinic, text="I agree to be treated."))


@pytest.fixture
def tablet(as_front_desk, row):
    """A browser in which the front desk opened the form for the patient who is there."""
    response = as_front_desk.post(reverse("staff:form-tablet", args=[row.pk]))
    assert response["Location"] == TABLET
    return as_front_desk


def test_the_patient_reads_and_signs_and_the_staff_member_is_the_witness(tablet, row, front_desk):
    html = tablet.get(TABLET).content.decode()
    assert "I agree to be treated." in html
    assert "Keep and finish later" not in html
    assert "All your forms" not in html
    assert tablet.post(TABLET, SIGNED)["Location"] == TABLET
    signed = FormResponse.objects.get()
    assert (signed.method, signed.witnessed_by, signed.signed_by) == ("tablet", front_desk, "Maria Marin")
    assert (signed.ip, services.is_intact(signed)) == ("127.0.0.1", True)
    entry = AuditEntry.objects.get(action="form.signed")
    assert (entry.actor_kind, entry.patient_id) == ("patient", row.patient_id)
    assert (entry.detail["method"], entry.detail["witness"]) == ("tablet", front_desk.pk)
    assert "form.signed" in fired()
    assert "Please give the tablet back" in tablet.get(TABLET).content.decode()


def test_nothing_else_opens_in_that_browser_before_and_after_signing(tablet, row, patient):
    addresses = [
        reverse("staff:home"),
        reverse("staff:forms"),
        reverse("staff:form", args=[row.pk]),
        reverse("staff:patient-summary", args=[patient.pk]),
        reverse("staff:form-tablet", args=[row.pk]),
        reverse("admin:index"),
        reverse("admin:patients_patient_changelist"),
        reverse("account_logout"),
        "/api/v1/patients/",
        "/api/v1/schema/",
        "/",
    ]
    for _step in ("open", "signed"):
        for address in addresses:
            for method in (tablet.get, tablet.post):
                response = method(address)
                assert response.status_code == 423, address
                assert "Maria" not in response.content.decode()
        tablet.post(TABLET, SIGNED)
    assert FormRequest.objects.get().status == "signed"


def test_every_named_page_is_locked_but_the_few(tablet):
    """Whatever address is added later is locked too, for the list names what is open."""
    from staff.tablet import ALLOWED

    assert {"staff:tablet", "staff:tablet-unlock"} <= ALLOWED
    open_ones = [
        name
        for name in get_resolver().reverse_dict
        if isinstance(name, str) and name not in ALLOWED and not get_resolver().reverse_dict[name][0][0][1]
    ]
    for name in open_ones:
        assert tablet.get(reverse(name)).status_code in (423, 405), name


def test_the_api_says_so_in_its_own_words(tablet):
    response = tablet.get("/api/v1/patients/")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 423


def test_only_the_password_of_who_is_signed_in_unlocks(tablet, row, admin):
    tablet.post(TABLET, SIGNED)
    wrong = tablet.post(UNLOCK, {"password": "guess"})
    assert wrong.status_code == 422
    assert "This is not the password of Felix Front." in wrong.content.decode()
    assert tablet.get(reverse("staff:home")).status_code == 423

    right = tablet.post(UNLOCK, {"password": PASSWORD})
    assert right["Location"] == reverse("staff:form", args=[row.pk])
    html = tablet.get(right["Location"]).content.decode()
    assert "on the clinic&#x27;s tablet" in html
    assert "Felix Front" in html
    actions = list(AuditEntry.objects.filter(action__contains="tablet").order_by("pk").values_list("action", flat=True))
    assert actions == ["form.tablet_locked", "form.tablet_unlocked"]


def test_a_form_that_is_not_signed_stays_open_when_staff_unlock(tablet, row):
    assert "The form is not signed yet" in tablet.get(UNLOCK).content.decode()
    tablet.post(UNLOCK, {"password": PASSWORD})
    row.refresh_from_db()
    assert row.status == "required"
    assert tablet.get(TABLET)["Location"] == reverse("staff:forms")
    assert tablet.get(UNLOCK)["Location"] == reverse("staff:forms")


def test_the_lock_is_that_browsers_alone(tablet, as_admin, row):
    assert as_admin.get(reverse("staff:form", args=[row.pk])).status_code == 200
    assert as_admin.get(TABLET)["Location"] == reverse("staff:forms")


def test_a_patient_may_decline(tablet, row):
    assert tablet.post(TABLET, {"action": "decline"}).status_code == 400
    row.refresh_from_db()
    assert row.status == "required"
    tablet.post(TABLET, {"action": "decline", "sure": "yes"})
    row.refresh_from_db()
    assert row.status == "declined"
    assert "You declined this form." in tablet.get(TABLET).content.decode()
    assert tablet.get(reverse("staff:home")).status_code == 423


def test_what_is_missing_is_said_at_its_place(tablet, row):
    response = tablet.post(TABLET, {**SIGNED, "agree": "", "signed_by": ""})
    assert response.status_code == 422
    html = response.content.decode()
    assert "Tick the box if you agree." in html
    assert "Write your full name." in html
    response = tablet.post(TABLET, {**SIGNED, "drawing": "data:image/png;base64,AAAA"})
    assert "cannot be read" in response.content.decode()
    assert tablet.post(TABLET, {"action": "draft"}).status_code == 400
    assert not FormResponse.objects.exists()


def test_another_wording_by_now_is_read_again(tablet, row):
    services.publish_template_version(row.template, text="I agree to more.")
    services.request_form(clinic=row.clinic, patient=row.patient, template=row.template)
    response = tablet.post(TABLET, SIGNED)
    assert response.status_code == 409
    assert "I agree to more." in response.content.decode()


def test_what_was_taken_back_meanwhile_is_not_signed(tablet, row):
    services.void(row)
    assert tablet.post(TABLET, SIGNED).status_code == 200
    assert "no longer needed" in tablet.get(TABLET).content.decode()
    assert not FormResponse.objects.exists()


def test_a_parent_signs_for_a_child(as_front_desk, patient, row):
    patient.birth_date = now().date() - timedelta(days=3000)
    patient.save()
    Contact.objects.create(
        clinic=patient.clinic, patient=patient, name="Elena", relation="mother", may_sign=True, gets_messages=True
    )
    as_front_desk.post(reverse("staff:form-tablet", args=[row.pk]))
    as_front_desk.post(TABLET, {**SIGNED, "relation": "mother", "signed_by": "Elena"})
    assert FormResponse.objects.get().relation == "mother"


def test_the_page_speaks_the_patients_language(patient, tablet):
    patient.language = "ro"
    patient.save()
    assert '<html lang="ro"' in tablet.get(TABLET).content.decode()


def test_a_form_that_is_done_locks_nothing(as_front_desk, row):
    services.void(row)
    response = as_front_desk.post(reverse("staff:form-tablet", args=[row.pk]), follow=True)
    assert "there is nothing to sign" in response.content.decode()
    assert as_front_desk.get(reverse("staff:home")).status_code == 200


def test_a_stranger_can_lock_to_no_form_of_another_clinic(as_stranger, row):
    assert as_stranger.post(reverse("staff:form-tablet", args=[row.pk])).status_code == 404
    assert as_stranger.get(reverse("staff:home")).status_code == 200


def test_looking_locks_nothing(as_front_desk, row):
    assert as_front_desk.get(reverse("staff:form-tablet", args=[row.pk])).status_code == 405
    assert as_front_desk.get(reverse("staff:home")).status_code == 200


def guess(browser, times):
    for _guess in range(times):
        answer = browser.post(UNLOCK, {"password": "guess"})
    return answer


def test_guesses_make_that_browser_wait_and_lock_nobody_out(tablet, front_desk, settings, client):
    settings.AXES_ENABLED = True
    assert guess(tablet, 4).status_code == 422
    assert "it takes none for 1 minute." in guess(tablet, 1).content.decode()

    assert tablet.post(UNLOCK, {"password": PASSWORD}).status_code == 429
    assert tablet.get(reverse("staff:home")).status_code == 423
    assert not AuditEntry.objects.filter(action="login.locked").exists()
    entry = AuditEntry.objects.get(action="form.tablet_guessed")
    assert entry.detail == {"misses": 5, "seconds": 60}
    answer = client.post("/accounts/login/", {"login": front_desk.user.email, "password": PASSWORD})
    assert answer["Location"] == reverse("staff:home")


def test_each_guess_after_that_waits_twice_as_long(tablet, row):
    guess(tablet, 5)
    for minutes in (2, 4, 8, 16, 32, 60, 60):
        wait_over(tablet)
        assert f"it takes none for {minutes} minutes." in guess(tablet, 1).content.decode()

    wait_over(tablet)
    assert tablet.post(UNLOCK, {"password": PASSWORD})["Location"] == reverse("staff:form", args=[row.pk])


def wait_over(browser):
    """Let the time pass that the browser has to wait."""
    session = browser.session
    session["tablet"] = {**session["tablet"], "not_before": int(time.time())}
    session.save()


def test_a_colleague_of_the_clinic_unlocks_and_signs_in(tablet, row, specialist):
    answer = tablet.post(UNLOCK, {"email": " Dr-Ionescu@north.example", "password": PASSWORD})

    page = reverse("staff:form", args=[row.pk])
    assert answer["Location"] == f"/accounts/login/?next={page}"
    assert "_auth_user_id" not in tablet.session
    entry = AuditEntry.objects.get(action="form.tablet_unlocked")
    assert entry.detail == {"by": specialist.user_id}
    answer = tablet.post(answer["Location"], {"login": specialist.user.email, "password": PASSWORD})
    assert answer["Location"] == page
    assert tablet.get(page).status_code == 200


def test_nobody_else_unlocks(tablet, stranger, specialist, operator):
    specialist.is_active = False
    specialist.save()
    for email in (stranger.user.email, specialist.user.email, operator.email, "nobody@north.example"):
        answer = tablet.post(UNLOCK, {"email": email, "password": PASSWORD})
        assert answer.status_code == 422
        assert "not the email and password of somebody who works here" in answer.content.decode()
        assert tablet.get(reverse("staff:home")).status_code == 423
    assert not AuditEntry.objects.filter(action="form.tablet_unlocked").exists()
