"""The portal's pages, as a phone without JavaScript sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from appointments import services as visits
from appointments.tests.builders import make_visit
from clinic import clock
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import ask, fill, make_template
from messaging.models import Notification
from patients.consents import preferences
from patients.grants import grant_access, revoke_access
from patients.library import add_item
from patients.models import Consent
from portal.tests.builders import signed_in
from treatments.models import ExerciseSession, PainScore
from treatments.tests.builders import make_plan, make_session

pytestmark = pytest.mark.django_db
PAGES = ("", "exercises/", "visits/", "forms/", "messages/", "library/", "telerehab/", "preferences/")


@pytest.fixture
def phone(patient) -> Client:
    return signed_in(patient)


@pytest.fixture
def plan(patient):
    return make_plan(patient, 3, 5)


def words(response):
    return response.content.decode()


def note(patient, title="Well done", **fields):
    return Notification.objects.create(clinic=patient.clinic, patient=patient, title=title, **fields)


def released(patient, text="All is well."):
    visit = make_visit(patient, "completed", starts_at=clock.now() - timedelta(days=1))
    visits.write_summary(visit, text=text)
    visits.release_summary(visit)
    return visit


def unlock(patient, *features):
    for feature in features or ("library", "telerehab"):
        grant_access(patient, feature=feature)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_asks_to_sign_in_and_says_whom_to_call(client, patient, phone, page):
    patient.clinic.phone = "+40 21 555 0100"
    patient.clinic.save()
    unlock(patient)
    assert client.get(f"/portal/{page}")["Location"] == "/portal/sign-in/"
    answer = phone.get(f"/portal/{page}")
    text = words(answer)
    assert answer.status_code == 200
    assert "+40 21 555 0100" in text
    assert "Not for emergencies" in text
    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex, nofollow, noarchive")
    assert not any(one in text for one in ("<style", " style=", "<script>", "onclick"))
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_the_first_page_shows_what_is_next(patient, phone, plan):
    visit = make_visit(patient, starts_at=clock.now() + timedelta(hours=1), join_url="https://meet.example/room")
    ask(patient, make_template(patient.clinic))
    note(patient)
    text = words(phone.get("/portal/"))
    for said in ("Initial Evaluation", "1 form waits for you.", "1 new message.", "Exercise 3", "0 of 3 this week"):
        assert said in text
    assert "https://meet.example/room" not in text
    clock.advance_by(timedelta(minutes=46))
    assert 'href="https://meet.example/room"' in words(phone.get("/portal/"))
    clock.advance_by(timedelta(minutes=visit.minutes + 15))
    assert "None is booked." in words(phone.get("/portal/"))


def test_a_session_is_logged_once_however_often_the_button_is_tapped(patient, phone, plan):
    page = words(phone.get("/portal/exercises/"))
    once = page.split('name="once" value="')[1].split('"')[0]
    exercise = plan.versions.get().exercises.get(name="Exercise 5")
    posted = {"exercise": f"{plan.pk}-{exercise.pk}", "pain": "4", "note": " went well ", "once": once, "day": "today"}
    for _tap in range(3):
        answer = phone.post("/portal/exercises/", posted)
        assert (answer.status_code, answer["Location"]) == (302, "/portal/exercises/?done=1")
    session = ExerciseSession.objects.get()
    assert (session.exercise, session.pain, session.note, session.logged_by) == (exercise, 4, "went well", "patient")
    assert PainScore.objects.get().value == 4
    assert "Well done" in words(phone.get(answer["Location"]))
    assert "1 of 5 this week · 1 today" in words(phone.get("/portal/exercises/"))
    assert AuditEntry.objects.get(action="session.logged").actor_kind == "patient"
    phone.post("/portal/exercises/", posted | {"once": "another-key-of-a-page"})
    assert ExerciseSession.objects.count() == 2


def test_yesterdays_session_counts_for_yesterday(patient, phone):
    plan = make_plan(patient, 3, assigned_at=clock.now() - timedelta(days=3))
    exercise = plan.versions.get().exercises.get()
    posted = {"exercise": f"{plan.pk}-{exercise.pk}", "pain": "0", "once": "k" * 20, "day": "yesterday"}
    phone.post("/portal/exercises/", posted)
    session = ExerciseSession.objects.get()
    assert (clock.now().date() - session.done_at.date()).days == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pain": ""}, "Say how strong the pain was"),
        ({"pain": "11"}, "Say how strong the pain was"),
        ({"pain": "-1"}, "Say how strong the pain was"),
        ({"exercise": ""}, "Choose what you did."),
        ({"exercise": "1-1"}, "Choose what you did."),
        ({"note": "x" * 2001}, "Use at most 2000 characters."),
        ({"day": "yesterday"}, "This day lies outside the plan."),
    ],
)
def test_what_is_wrong_is_said_in_place_and_nothing_is_logged(patient, phone, plan, change, said):
    exercise = plan.versions.get().exercises.first()
    posted = {"exercise": f"{plan.pk}-{exercise.pk}", "pain": "4", "note": "kept", "once": "k" * 20} | change
    answer = phone.post("/portal/exercises/", posted)
    assert (answer.status_code, ExerciseSession.objects.count()) == (422, 0)
    assert said in words(answer)


def test_nobody_logs_for_a_plan_of_somebody_else(phone, stranger_patient):
    plan = make_plan(stranger_patient, 3)
    exercise = plan.versions.get().exercises.get()
    posted = {"exercise": f"{plan.pk}-{exercise.pk}", "pain": "4", "once": "k" * 20}
    assert (phone.post("/portal/exercises/", posted).status_code, ExerciseSession.objects.count()) == (422, 0)


def test_notifications_are_listed_and_read_by_a_button(patient, phone, stranger_patient, specialist):
    first, foreign = note(patient, body="You did it."), note(stranger_patient, "Not yours")
    for_staff = note(patient, "For staff", recipient=specialist)
    note(patient, "Later", visible_at=clock.now() + timedelta(hours=1))
    text = words(phone.get("/portal/messages/"))
    assert [one in text for one in ("Well done", "You did it.", "Not yours", "For staff", "Later")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert Notification.objects.filter(read_at=None).count() == 4
    phone.post("/portal/messages/read/", {"note": [first.pk, foreign.pk, for_staff.pk, "x"]})
    assert list(Notification.objects.exclude(read_at=None)) == [first]
    assert "Mark all as read" not in words(phone.get("/portal/messages/"))


def test_library_and_telerehab_are_open_while_granted(patient, phone, admin):
    add_item(clinic=patient.clinic, slug="knees", title="Strong knees", text="Bend slowly.")
    pages = ("library/", "library/knees/", "telerehab/")
    for page in pages:
        answer = phone.get(f"/portal/{page}")
        assert (answer.status_code, "Bend slowly" in words(answer)) == (403, False)
    unlock(patient)
    assert [phone.get(f"/portal/{page}").status_code for page in pages] == [200] * 3
    assert "Bend slowly." in words(phone.get("/portal/library/knees/"))
    assert phone.get("/portal/library/nothing/").status_code == 404
    revoke_access(patient, feature="library")
    assert [phone.get(f"/portal/{page}").status_code for page in pages] == [403, 403, 200]


def test_the_menu_leads_only_to_what_is_open(patient, phone):
    def offered():
        text = words(phone.get("/portal/"))
        return ["/portal/library/" in text, "/portal/telerehab/" in text, "/portal/preferences/" in text]

    assert offered() == [False, False, True]
    unlock(patient, "library")
    assert offered() == [True, False, True]
    unlock(patient, "telerehab")
    assert offered() == [True, True, True]
    revoke_access(patient, feature="library")
    assert offered() == [False, True, True]


def test_a_summary_is_read_once_it_is_released(patient, phone, stranger_patient, specialist):
    visit, foreign = released(patient), released(stranger_patient)
    draft = make_visit(patient, "completed", starts_at=clock.now() - timedelta(days=2))
    visits.write_summary(draft, text="Not yet.")
    text = words(phone.get("/portal/visits/"))
    assert text.count("Read the summary") == 1
    assert "All is well." in words(phone.get(f"/portal/visits/{visit.pk}/summary/"))
    for other in (draft, foreign):
        assert phone.get(f"/portal/visits/{other.pk}/summary/").status_code == 404
    assert AuditEntry.objects.filter(action="visit_summary.read", actor_kind="patient").count() == 1


def test_what_may_be_sent_is_set_and_only_what_changed_is_noted(patient, phone):
    said = preferences(patient)
    ways = [f"{category}-{channel}" for (category, channel), granted in said.items() if granted]
    assert phone.post("/portal/preferences/", {"way": ways})["Location"] == "/portal/preferences/?done=1"
    assert Consent.objects.count() == 0
    phone.post("/portal/preferences/", {"way": [*(one for one in ways if one != "survey-email"), "marketing-email"]})
    assert {(one.category, one.channel, one.granted) for one in Consent.objects.all()} == {
        ("survey", "email", False), ("marketing", "email", True),
    }  # fmt: skip
    assert AuditEntry.objects.get(action="consent.withdrawn").actor_kind == "patient"


def test_an_open_form_is_filled_without_another_link(patient, phone, stranger_patient):
    consent = ask(patient, make_template(patient.clinic))
    foreign = ask(stranger_patient, make_template(stranger_patient.clinic))
    assert phone.post(f"/portal/forms/{foreign.pk}/open/").status_code == 404
    assert phone.get(f"/portal/forms/{consent.pk}/open/").status_code == 405
    answer = phone.post(f"/portal/forms/{consent.pk}/open/")
    assert "I agree." in words(phone.get(answer["Location"]))
    assert Client().get(answer["Location"]).status_code == 410
    given = {"agree": "yes", "signed_by": "Maria Marin", "relation": "self", "version": "1", "action": "sign"}
    assert phone.post(answer["Location"], given).status_code == 303
    assert FormRequest.objects.get(patient=patient).status == "signed"
    response = FormResponse.objects.get()
    receipt = phone.get(f"/portal/forms/{response.pk}/receipt.pdf")
    assert (receipt["Content-Type"], receipt.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_receipt_of_somebody_else_is_not_there(phone, stranger_patient):
    response = fill(ask(stranger_patient, make_template(stranger_patient.clinic))).responses.get()
    assert phone.get(f"/portal/forms/{response.pk}/receipt.pdf").status_code == 404
    assert not AuditEntry.objects.filter(action="form.receipt_read").exists()


def grow(patient, plan) -> None:
    """Add rows of everything that pages list."""
    kind = make_template(patient.clinic, f"form-{FormRequest.objects.count()}")
    fill(ask(patient, kind))
    ask(patient, make_template(patient.clinic, f"open-{FormRequest.objects.count()}"))
    note(patient)
    make_session(plan, exercise=plan.versions.first().exercises.first())
    make_plan(patient, 2)
    released(patient)
    make_visit(patient)


@pytest.mark.parametrize("page", PAGES)
def test_a_pages_queries_do_not_grow_with_its_rows(patient, phone, plan, specialist, page):
    unlock(patient)
    counts = []
    for _round in range(2):
        grow(patient, plan)
        phone.get(f"/portal/{page}")
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert phone.get(f"/portal/{page}").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[0] <= 16
