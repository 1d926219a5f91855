"""The pages of one patient, and what staff do there."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.text import slugify

from accounts.models import AuditEntry, Pause
from automations import ticking
from automations.models import Run, Step
from automations.tests.builders import move, published, visit
from clinic.clock import now
from forms_app.tests.builders import ask, make_template
from patients.consents import preferences
from patients.models import Consent, Contact, FeatureGrant
from patients.services import grant_access
from segments.models import Segment, SegmentMembership
from staff.tests.pages.strangers import assert_closed
from treatments.models import ExerciseSession, PainScore
from treatments.services import record_pain
from treatments.tests.builders import make_plan, make_session, make_week

PAGES = ("patient", "patient-timeline", "patient-upcoming", "patient-records", "patient-treatment", "patient-access")
ACTS = (
    "patient-stop", "patient-go-on", "patient-grant", "patient-revoke", "patient-consents", "patient-session",
    "patient-pain",
)  # fmt: skip
LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}
NOW = {"type": "jot", "title": "Now"}
REFUSED = {"type": "jot", "title": "No", "refuse": True}


def address(name, row):
    return reverse(f"staff:{name}", args=[row.pk])


def html(client, name, row, query=""):
    return client.get(address(name, row) + query).content.decode()


def join(patient, name):
    segment = Segment.objects.create(clinic=patient.clinic, slug=slugify(name), name=name, kind="manual")
    SegmentMembership.objects.create(
        clinic=patient.clinic, segment=segment, patient=patient, is_member=True, since=now()
    )


@pytest.fixture
def life(patient):
    """A completed visit to which a rule answered: one step done, one planned, one refused."""
    published(patient.clinic, "appointment.completed", NOW, LATER, REFUSED, name="Follow-up")
    move(visit(patient), status="completed")
    ticking.drain_all()
    return Run.objects.get()


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_read_by_each_role_and_goes_on_record(request, patient, name):
    for number, who in enumerate(("as_admin", "as_specialist", "as_front_desk"), 1):
        response = request.getfixturevalue(who).get(address(name, patient))
        assert response.status_code == 200
        assert "Maria Marin" in response.content.decode()
        tab = name.partition("-")[2] or "overview"
        assert AuditEntry.objects.filter(action=f"patient.{tab}_read", patient_id=patient.pk).count() == number


def test_the_overview_tells_who_stands_by_the_patient(patient, as_front_desk):
    assert "Nobody is listed." in html(as_front_desk, "patient", patient)
    Contact.objects.create(clinic=patient.clinic, patient=patient, name="Ion", relation="son", may_sign=True)
    page = html(as_front_desk, "patient", patient)
    assert ("Ion" in page, "may sign" in page, "gets messages" in page) == (True, True, False)


def test_the_timeline_leads_to_the_run_of_what_happened_and_of_what_did_not(patient, life, as_front_desk):
    page = html(as_front_desk, "patient-timeline", patient)
    past, undone = page.split("What did not happen, and why")
    trace = address("run", life)
    assert "Appointment completed" in past
    assert past.count(trace) == 2  # what is coming, and what is done
    assert undone.count(trace) == 1
    assert "She said no." in undone


def test_the_timeline_goes_back_page_by_page(patient, as_front_desk):
    for days in range(45):
        move(visit(patient, starts_at=now() - timedelta(days=days)), status="confirmed")
    first = as_front_desk.get(address("patient-timeline", patient))
    earlier = first.context["lines"].earlier
    assert f"?before={earlier.isoformat().replace('+', '%2B').replace(':', '%3A')}" in first.content.decode()
    second = as_front_desk.get(address("patient-timeline", patient), {"before": earlier.isoformat()})
    seen = {(line.kind, line.id) for line in first.context["lines"].past}
    assert seen.isdisjoint((line.kind, line.id) for line in second.context["lines"].past)
    assert as_front_desk.get(address("patient-timeline", patient), {"before": "soon"}).status_code == 200


def test_what_is_coming_has_the_buttons_of_the_role(patient, life, as_front_desk, as_specialist):
    step = Step.objects.get(state="pending")
    desk = html(as_front_desk, "patient-upcoming", patient)
    assert "Jot (Title: Later, Refuse: no)" in desk
    buttons = {verb: reverse("staff:step-do", args=[step.pk, verb]) for verb in ("skip", "hold", "run_now")}
    assert [verb for verb, link in buttons.items() if link in desk] == ["skip", "hold"]
    page = html(as_specialist, "patient-upcoming", patient)
    assert [verb for verb, link in buttons.items() if link in page] == ["skip", "hold", "run_now"]


def test_automations_stop_for_a_reason_and_go_on(patient, as_front_desk):
    as_front_desk.post(address("patient-stop", patient), {"why": " "})
    assert not Pause.objects.exists()

    as_front_desk.post(address("patient-stop", patient), {"why": "She asked for a rest."})
    stop = Pause.objects.get()
    assert (stop.scope, stop.target_id, stop.why, stop.ended_at) == (
        "patient",
        patient.pk,
        "She asked for a rest.",
        None,
    )
    page = html(as_front_desk, "patient", patient)
    assert "She asked for a rest." in page

    as_front_desk.post(address("patient-go-on", patient))
    stop.refresh_from_db()
    assert stop.ended_at is not None
    entries = AuditEntry.objects.filter(patient_id=patient.pk, action__startswith="pause.").order_by("pk")
    assert [one.action for one in entries] == ["pause.started", "pause.ended"]


def test_visits_and_forms_are_listed(patient, as_front_desk):
    row = visit(patient)
    form = ask(patient, make_template(patient.clinic), blocking=True)
    page = html(as_front_desk, "patient-records", patient)
    assert "Initial Evaluation" in page
    assert address("form", form) in page
    assert "blocks booking" in page
    assert row.get_status_display() in page


def test_a_session_is_logged_for_the_patient(patient, specialist, as_front_desk, front_desk):
    assert "The patient follows no treatment plan." in html(as_front_desk, "patient-treatment", patient)
    plan = make_plan(patient, name="Knee")
    exercise = plan.versions.get().exercises.get()
    assert f'value="{plan.pk}:{exercise.pk}"' in html(as_front_desk, "patient-treatment", patient)

    as_front_desk.post(
        address("patient-session", patient), {"what": f"{plan.pk}:{exercise.pk}", "pain": "4", "note": "slow"}
    )

    session = ExerciseSession.objects.get()
    assert (session.plan, session.exercise, session.pain, session.note) == (plan, exercise, 4, "slow")
    assert (session.logged_by, session.member) == ("staff", front_desk)
    page = html(as_front_desk, "patient-treatment", patient)
    assert ("pain 4 of 10" in page, "slow" in page) == (True, True)


@pytest.mark.parametrize("wrong", [{"what": "999999"}, {"pain": "11"}, {"done_at": "2999-01-01T10:00"}])
def test_a_session_that_cannot_be_is_refused_with_its_reason(patient, as_front_desk, wrong):
    plan = make_plan(patient)
    response = as_front_desk.post(
        address("patient-session", patient), {"what": str(plan.pk), "pain": "", **wrong}, follow=True
    )
    assert "alert-danger" in response.content.decode()
    assert not ExerciseSession.objects.exists()


def test_pain_is_recorded(patient, as_specialist):
    as_specialist.post(address("patient-pain", patient), {"value": "7", "measured_at": ""})
    score = PainScore.objects.get()
    assert (score.value, score.patient, score.source) == (7.0, patient, "staff")
    as_specialist.post(address("patient-pain", patient), {"value": "70"})
    assert PainScore.objects.count() == 1


def test_access_is_granted_to_the_end_of_a_day_and_revoked(patient, as_front_desk):
    day = (now() + timedelta(days=30)).date()
    as_front_desk.post(address("patient-grant", patient), {"feature": "library", "until_on": day.isoformat()})
    grant = FeatureGrant.objects.get()
    assert grant.feature == "library"
    assert (
        grant.expires_at.astimezone(ZoneInfo(patient.clinic.time_zone)).isoformat()[:16]
        == f"{day + timedelta(days=1)}T00:00"
    )

    as_front_desk.post(address("patient-grant", patient), {"feature": "library", "until_on": "2020-01-01"})
    grant.refresh_from_db()
    assert grant.expires_at is not None
    assert FeatureGrant.objects.count() == 1

    as_front_desk.post(address("patient-revoke", patient), {"feature": "library"})
    grant.refresh_from_db()
    assert grant.ended_at is not None
    assert "ended" in html(as_front_desk, "patient-access", patient)


def test_what_the_patient_wants_is_noted_where_it_differs(patient, as_front_desk):
    seen = [f"{category}.{channel}" for category, channel in preferences(patient)]
    wanted = [way for way in seen if not way.startswith("marketing")]
    as_front_desk.post(address("patient-consents", patient), {"seen": seen, "wanted": wanted})
    assert not Consent.objects.exists()

    wanted = [way for way in wanted if way != "survey.email"] + ["marketing.push"]
    as_front_desk.post(address("patient-consents", patient), {"seen": seen, "wanted": wanted})
    said = {(one.category, one.channel): one.granted for one in Consent.objects.all()}
    assert said == {("survey", "email"): False, ("marketing", "push"): True}

    as_front_desk.post(address("patient-consents", patient), {})
    assert Consent.objects.count() == 2  # a form that showed nothing says nothing


def test_segments_and_what_was_held_back_are_told(patient, life, as_front_desk):
    join(patient, "Very important")
    page = html(as_front_desk, "patient-access", patient)
    assert "Very important" in page
    assert "She said no." in page
    assert address("run", life) in page


def test_a_stranger_finds_nothing_and_changes_nothing(patient, as_stranger):
    assert_closed(as_stranger, [address(name, patient) for name in PAGES])
    assert_closed(as_stranger, [address(name, patient) for name in ACTS], "post")
    touched = (Pause, FeatureGrant, Consent, ExerciseSession, PainScore)
    assert [model for model in touched if model.objects.exists()] == []


def test_a_link_does_nothing(patient, as_admin):
    assert {as_admin.get(address(name, patient)).status_code for name in ACTS} == {405}


def _queries(client, patient, name):
    with CaptureQueriesContext(connection) as seen:
        client.get(address(name, patient))
    return len(seen)


def test_each_page_takes_the_same_queries_for_much_as_for_some(patient, specialist, as_admin):
    plan = make_plan(patient, specialist=specialist)
    published(patient.clinic, "appointment.completed", NOW, LATER, REFUSED, name="Follow-up")
    template = make_template(patient.clinic)

    def live(number):
        move(visit(patient, starts_at=now() - timedelta(days=number), specialist=specialist), status="completed")
        visit(patient, starts_at=now() + timedelta(days=number))
        ticking.drain_all()
        make_session(plan, pain=number)
        make_week(plan, 2, first_on=date(2026, 1, 5) + timedelta(weeks=number))
        record_pain(clinic=patient.clinic, patient=patient, value=number)
        ask(patient, template, due_at=now() + timedelta(days=number))
        grant_access(patient, feature=("library", "telerehab")[number % 2])
        join(patient, f"S{number}")
        Contact.objects.create(clinic=patient.clinic, patient=patient, name=f"C{number}", relation="son")

    live(1)
    for name in PAGES:
        as_admin.get(address(name, patient))
    before = {name: _queries(as_admin, patient, name) for name in PAGES}
    for number in range(2, 6):
        live(number)
    after = {name: _queries(as_admin, patient, name) for name in PAGES}
    assert after == before
    assert max(before.values()) <= 24
