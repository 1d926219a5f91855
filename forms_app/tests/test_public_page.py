"""The page behind a message's link, as a browser without JavaScript sees it."""

from __future__ import annotations

import io
import logging
import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry
from clinic.changes import records_changed
from clinic.logs import JsonFormatter
from forms_app import services
from forms_app.links import make_token
from forms_app.models import FormRequest, FormResponse, SigningLink
from forms_app.tests.builders import ask, born, fill, make_template, opened
from patients.models import Contact

pytestmark = pytest.mark.django_db

POSTED = {
    "q-pain": "7", "q-smoker": "no", "q-side": "left", "q-places": ["knee", "neck"], "q-weight": "70,5",
    "q-since": "2026-11-01", "signed_by": "Maria Marin", "relation": "self", "version": "1", "action": "sign",
}  # fmt: skip
CONSENT = {"agree": "yes", "signed_by": "Maria Marin", "relation": "self", "version": "1", "action": "sign"}


@pytest.fixture
def consent(patient):
    return ask(patient, make_template(patient.clinic, "privacy", "consent", text="I agree to <b>this</b>."))


@pytest.fixture
def questionnaire(patient):
    return ask(patient, make_template(patient.clinic, "pain", "questionnaire"))


@pytest.fixture
def url(client, patient):
    """The address that the message carries, opened in this browser."""
    return opened(client, patient)


def text_of(response: Any) -> str:
    return response.content.decode()


def test_the_link_lists_all_that_is_open_for_its_patient_and_nothing_else(
    client, url, patient, consent, questionnaire, stranger_patient
):
    ask(stranger_patient, make_template(stranger_patient.clinic, "secret"))
    fill(ask(patient, make_template(patient.clinic, "finished")))
    page = text_of(client.get(url))
    assert "North Clinic" in page
    assert "For Maria:" in page
    assert re.findall(r'<span dir="auto">(\w+)</span></a>', page) == ["Privacy", "Pain"]
    for never in ("Marin", "Iași", "1957", "maria@", "Secret", "Finished"):
        assert never not in page
    assert client.get(f"{url}{consent.pk}/").status_code == 200


def test_every_page_forbids_storing_indexing_framing_and_foreign_scripts(client, url, patient, consent):
    for address in (url, f"{url}{consent.pk}/", "/f/nonsense/", f"/f/{make_token(patient)}/"):
        response = client.get(address)
        assert response["Cache-Control"] == "no-store"
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert response["Referrer-Policy"] == "strict-origin"
        policy = response["Content-Security-Policy"]
        assert "script-src 'self'" in policy.split("; ")
        assert "connect-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "style-src 'self'" in policy
        assert not re.search(r"<script(?! src=\"/static/)|<style| style=| on\w+=", text_of(response))


def test_looking_changes_nothing(client, url, patient, consent, questionnaire):
    before = list(FormRequest.objects.values())
    sealed = f"/f/{make_token(patient)}/"
    links = list(SigningLink.objects.values())
    for address in (sealed, f"{sealed}{consent.pk}/", url, f"{url}{consent.pk}/", f"{url}{questionnaire.pk}/"):
        client.get(address)
        client.head(address)
    assert list(FormRequest.objects.values()) == before
    assert list(SigningLink.objects.values()) == links


def test_a_questionnaire_is_submitted(client, url, patient, questionnaire):
    response = client.post(f"{url}{questionnaire.pk}/", POSTED, REMOTE_ADDR="192.0.2.9")
    assert (response.status_code, response["Location"]) == (303, f"{url}?done={questionnaire.pk}")
    stored = FormResponse.objects.get()
    assert stored.answers == {
        "pain": 7, "smoker": False, "weight": 70.5, "since": "2026-11-01", "side": "left", "places": ["neck", "knee"],
    }  # fmt: skip
    assert (stored.signed_by, stored.relation, stored.ip) == ("Maria Marin", "self", "192.0.2.9")
    assert services.is_intact(stored)
    after = text_of(client.get(response["Location"]))
    assert "“Pain” is submitted" in after
    assert "There is nothing for you to fill in right now." in after
    entries = AuditEntry.objects.filter(patient_id=patient.pk).order_by("pk")
    assert [one.action for one in entries.filter(actor_kind="patient")] == ["form.submitted", "form.link_opened"]
    assert [one.action for one in entries.filter(actor_kind="anonymous")] == ["signing_link.spent"]
    assert entries.get(action="form.submitted").ip == "192.0.2.9"


def test_a_consent_is_signed_only_with_the_tick_and_a_name(client, url, consent):
    page = client.get(f"{url}{consent.pk}/")
    assert "I agree to &lt;b&gt;this&lt;/b&gt;." in text_of(page)
    for missing, target in (("agree", "#agree"), ("signed_by", "#signed_by")):
        response = client.post(f"{url}{consent.pk}/", {k: v for k, v in CONSENT.items() if k != missing})
        assert response.status_code == 422
        assert f'href="{target}"' in text_of(response)
    assert FormResponse.objects.count() == 0
    assert client.post(f"{url}{consent.pk}/", CONSENT).status_code == 303
    consent.refresh_from_db()
    assert (consent.status, consent.responses.count()) == ("signed", 1)


def test_wrong_answers_are_shown_again_with_a_summary_that_leads_to_them(client, url, questionnaire):
    wrong = {**POSTED, "q-pain": "", "q-weight": "heavy", "q-goal": "run again"}
    response = client.post(f"{url}{questionnaire.pk}/", wrong)
    page = text_of(response)
    assert response.status_code == 422
    assert 'role="alert"' in page
    for field in ("q-pain", "q-weight"):
        assert f'<a href="#{field}">' in page
        assert f'id="{field}"' in page
        assert f'id="{field}-error"' in page
    assert 'value="heavy"' in page
    assert 'value="run again"' in page
    assert "Please check: Pain" in page
    assert FormResponse.objects.count() == 0
    questionnaire.refresh_from_db()
    assert questionnaire.status == "in_progress"
    assert questionnaire.draft_answers["goal"] == "run again"
    assert "weight" not in questionnaire.draft_answers


def test_a_draft_is_shown_to_who_knows_the_date_of_birth(client, url, patient, questionnaire):
    kept = client.post(f"{url}{questionnaire.pk}/", {**POSTED, "q-goal": "run again", "action": "draft"})
    assert (kept.status_code, kept["Location"]) == (303, url)
    assert "Begun, not finished yet" in text_of(client.get(url))
    assert "run again" in text_of(client.get(f"{url}{questionnaire.pk}/"))
    other = Client()
    assert "run again" in text_of(other.get(f"{opened(other, patient)}{questionnaire.pk}/"))


def test_without_a_date_of_birth_a_draft_is_shown_through_the_link_that_gave_it_only(client, patient, questionnaire):
    patient.birth_date = None
    patient.save()
    url, other = opened(client, patient), Client()
    client.post(f"{url}{questionnaire.pk}/", {**POSTED, "q-goal": "run again", "action": "draft"})
    assert "run again" in text_of(client.get(f"{url}{questionnaire.pk}/"))
    assert "run again" not in text_of(other.get(f"{opened(other, patient)}{questionnaire.pk}/"))


def test_a_second_press_signs_nothing_more_and_says_so(client, url, consent):
    first = client.post(f"{url}{consent.pk}/", CONSENT)
    second = client.post(f"{url}{consent.pk}/", CONSENT)
    assert (first.status_code, second.status_code) == (303, 200)
    assert "This form is done" in text_of(second)
    assert FormResponse.objects.count() == 1


@pytest.mark.parametrize("action", [None, "", "sing", "delete"])
def test_what_is_posted_without_one_of_the_buttons_decides_nothing(client, url, consent, action):
    posted = {key: value for key, value in CONSENT.items() if key != "action"}
    response = client.post(f"{url}{consent.pk}/", posted if action is None else {**posted, "action": action})
    consent.refresh_from_db()
    assert (response.status_code, consent.status) == (400, "required")
    assert not FormResponse.objects.exists()


def test_declining_is_a_decision_of_its_own(client, url, consent):
    assert client.post(f"{url}{consent.pk}/", {"action": "decline"}).status_code == 400  # one tap is no decision
    consent.refresh_from_db()
    assert consent.status == "required"
    response = client.post(f"{url}{consent.pk}/", {"action": "decline", "sure": "yes"})
    assert "You declined “Privacy”" in text_of(client.get(response["Location"]))
    consent.refresh_from_db()
    assert (consent.status, FormResponse.objects.count()) == ("declined", 0)
    assert "This form was declined" in text_of(client.post(f"{url}{consent.pk}/", CONSENT))
    assert AuditEntry.objects.get(action="form.declined").actor_kind == "patient"


@pytest.mark.parametrize(
    ("end", "status", "words"),
    [
        (services.void, 410, "no longer needed"),
        (services.expire, 410, "no longer needed"),
        (services.decline, 200, "declined"),
        (fill, 200, "This form is done"),
        (lambda request: services.withdraw(fill(request)), 200, "withdrawn"),
    ],
)
def test_a_form_that_is_settled_says_how(client, url, consent, end, status, words):
    end(consent)
    for response in (client.get(f"{url}{consent.pk}/"), client.post(f"{url}{consent.pk}/", CONSENT)):
        assert response.status_code == status
        assert words in text_of(response)


def test_a_link_that_was_tampered_with_opens_nothing(client, url, patient, consent):
    token = url.split("/")[2]
    for forged in (token[:-1], token[1:], token.swapcase(), "x.y", "%00", "a" * 5000):
        response = client.get(f"/f/{forged}/")
        assert response.status_code == 404
        assert "This link does not work" in text_of(response)
        assert "North Clinic" not in text_of(response)
    assert client.post(f"/f/{token}x/", born(patient)).status_code == 404
    assert client.post(f"/f/{token}x/{consent.pk}/", CONSENT).status_code == 404
    assert FormResponse.objects.count() == 0


def test_a_link_opens_no_form_of_another_patient(client, url, patient, stranger_patient, clinic):
    foreign = ask(stranger_patient, make_template(stranger_patient.clinic, "secret"))
    sibling = type(patient).objects.create(clinic=clinic, given_name="Ana")
    neighbour = ask(sibling, make_template(clinic, "other"))
    for request in (foreign, neighbour):
        assert client.get(f"{url}{request.pk}/").status_code == 404
        assert client.post(f"{url}{request.pk}/", CONSENT).status_code == 404
    assert client.get(f"{url}{10**40}/").status_code == 404
    assert client.get(f"{url}?done={'9' * 5000}").status_code == 200
    assert FormResponse.objects.count() == 0


def test_a_corrected_address_ends_the_links_that_were_sent_to_the_wrong_one(client, url, patient):
    patient.email = "maria.marin@patients.example"
    patient.save()
    assert client.get(url).status_code == 404


def test_a_contact_signs_in_their_own_relation_only(client, patient, consent):
    common = {"clinic": patient.clinic, "patient": patient}
    uncle = Contact.objects.create(name="Ion Marin", relation="uncle", email="ion@x.example", **common)
    daughter = Contact.objects.create(name="Elena", relation="daughter", email="e@x.example", may_sign=True, **common)
    other = Client()
    his, hers = opened(other, patient, uncle), opened(client, patient, daughter)
    assert "You may not sign this form for the patient" in text_of(other.get(f"{his}{consent.pk}/"))
    assert other.post(f"{his}{consent.pk}/", CONSENT).status_code == 403
    assert FormResponse.objects.count() == 0
    assert client.post(f"{hers}{consent.pk}/", {**CONSENT, "signed_by": "Elena Marin"}).status_code == 303
    assert FormResponse.objects.get().relation == "daughter"
    daughter.delete()
    assert client.get(hers).status_code == 404


def test_a_child_cannot_sign_a_consent_and_is_told_whom_to_ask(client, url, patient, consent):
    patient.birth_date = date(2014, 5, 1)
    patient.save()
    assert "too young to sign" in text_of(client.get(f"{url}{consent.pk}/"))
    assert client.post(f"{url}{consent.pk}/", CONSENT).status_code == 403
    assert FormResponse.objects.count() == 0


def test_who_read_an_older_wording_reads_the_new_one_before_signing(client, url, patient, consent):
    services.publish_template_version(consent.template, text="I agree to more.")
    ask(patient, consent.template)
    response = client.post(f"{url}{consent.pk}/", CONSENT)
    assert response.status_code == 409
    assert "I agree to more." in text_of(response)
    assert "was changed since you opened it" in text_of(response)
    assert FormResponse.objects.count() == 0
    assert client.post(f"{url}{consent.pk}/", {**CONSENT, "version": "2"}).status_code == 303


def test_a_post_without_the_csrf_token_is_refused(url, consent):
    response = Client(enforce_csrf_checks=True).post(f"{url}{consent.pk}/", CONSENT)
    assert (response.status_code, FormResponse.objects.count()) == (403, 0)


def test_what_a_patient_does_by_link_is_no_signed_in_session(as_admin, patient, consent):
    url = opened(as_admin, patient)
    seen: list[str] = []

    def note(sender, changes, **_kwargs):
        seen.extend(change.origin for change in changes)

    records_changed.connect(note, sender=FormRequest)
    try:
        as_admin.post(f"{url}{consent.pk}/", CONSENT)
    finally:
        records_changed.disconnect(note, sender=FormRequest)
    assert seen == ["system"]
    assert AuditEntry.objects.get(action="form.signed").actor_kind == "patient"


@pytest.mark.parametrize(
    ("language", "attributes", "question"),
    [
        ("en", 'lang="en" dir="ltr"', "How strong is your pain?"),
        ("ro-MD", 'lang="ro-md" dir="ltr"', "Cât de puternică este durerea?"),
        ("ar", 'lang="ar" dir="rtl"', "How strong is your pain?"),
        ("xx", 'lang="en" dir="ltr"', "How strong is your pain?"),
    ],
)
def test_the_page_speaks_the_patients_language(client, patient, questionnaire, language, attributes, question):
    patient.language = language
    patient.save()
    page = text_of(client.get(f"{opened(client, patient)}{questionnaire.pk}/"))
    assert attributes in page
    assert question in page


def test_the_link_is_in_no_log(client, url, consent, settings):
    token = url.split("/")[2]
    lines, handler = io.StringIO(), None
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        client.get(url)
        client.get(f"/f/{token}x/")
        client.post(f"/f/{token}/again/")
        client.get(f"{url}999999999/")
        client.put(url)
        Client(enforce_csrf_checks=True).post(f"{url}{consent.pk}/", CONSENT)
        services.void(consent)
        client.get(f"{url}{consent.pk}/")
    finally:
        root.removeHandler(handler)
    assert "django.request" in lines.getvalue()
    assert token[:20] not in lines.getvalue()
