"""The staff's own pages: what they show, to whom, and what the audit trail keeps of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from appointments.models import Appointment, Service
from clinic.clock import now
from forms_app.models import FormRequest, FormResponse, FormTemplate, FormTemplateVersion
from patients import services as patients
from staff import selectors
from treatments import services as treatments
from treatments.services import record_pain
from treatments.tests.builders import make_plan, make_week
from worklist import services as worklist

QUESTIONS = [
    {"id": "hello", "type": "display", "text": "Hello", "required": False},
    {"id": "pain", "type": "scale", "text": {"en": "Pain today?"}, "required": True, "min": 0, "max": 10},
    {"id": "fall", "type": "boolean", "text": "Did you fall?", "required": True},
    {
        "id": "where",
        "type": "multiple_choice",
        "text": "Where?",
        "required": False,
        "choices": [{"value": "knee", "text": "Knee"}, {"value": "hip", "text": "Hip"}],
    },
    {"id": "more", "type": "long_text", "text": "Anything else?", "required": False},
]


def page(patient):
    return reverse("staff:patient-summary", args=[patient.pk])


def visit(patient, starts_at, status="booked", specialist=None):
    service, _created = Service.objects.get_or_create(
        clinic=patient.clinic, slug="eval", defaults={"name": "Evaluation"}
    )
    return Appointment.objects.create(
        clinic=patient.clinic,
        patient=patient,
        service=service,
        starts_at=starts_at,
        status=status,
        specialist=specialist,
    )


@pytest.fixture
def form(patient):
    template = FormTemplate.objects.create(clinic=patient.clinic, slug="q", name="Pre-visit", kind="questionnaire")
    return FormTemplateVersion.objects.create(
        clinic=patient.clinic, template=template, number=1, title="Before your visit", questions=QUESTIONS
    )


def filled(patient, form, signed_at, answers, **about):
    request = FormRequest.objects.create(
        clinic=patient.clinic, patient=patient, template=form.template, version=form, status="submitted", **about
    )
    return FormResponse.objects.create(
        clinic=patient.clinic,
        request=request,
        patient=patient,
        template=form.template,
        version=form,
        answers=answers,
        signed_by="Maria Marin",
        relation="self",
        signed_at=signed_at,
    )


# --- the patient summary ---


def test_the_summary_shows_the_patient_at_a_glance(patient, specialist, as_specialist, form):
    moment = now()
    patient = patients.assign_specialist(patient, specialist=specialist)
    visit(patient, moment - timedelta(days=3), "completed", specialist)
    visit(patient, moment + timedelta(days=4), "confirmed")
    FormRequest.objects.create(clinic=patient.clinic, patient=patient, template=form.template, version=form)
    answers = {"pain": 7, "fall": False, "where": ["knee", "hip"], "more": "<b>At night</b>"}
    filled(patient, form, moment - timedelta(days=1), answers)
    worklist.create(clinic=patient.clinic, title="Call Maria", patient=patient, role="front_desk")

    html = as_specialist.get(page(patient)).content.decode()

    for text in (
        "Maria Marin",
        "female",
        "Dr. Ioana Ionescu",
        "completed",
        "confirmed",
        "Pre-visit",
        "Pain today?",
        "7 of 10",
        "Did you fall?",
        "Knee, Hip",
        "&lt;b&gt;At night&lt;/b&gt;",
        "Call Maria",
    ):
        assert text in html
    assert "Hello" not in html


def test_an_empty_summary_says_so(patient, as_admin):
    html = as_admin.get(page(patient)).content.decode()

    assert html.count("none") == 2
    assert "No open forms." in html
    assert "Nothing was answered in the last 30 days or for the last visit." in html
    assert "No open tasks." in html


def test_age_is_that_of_the_clinics_day(patient):
    summary = selectors.patient_summary(patient, datetime(2026, 3, 1, 22, 30, tzinfo=UTC), ["en"])

    assert summary.age == 69


def test_new_answers_are_those_of_thirty_days_and_of_the_last_visit(patient, form):
    moment = now()
    last = visit(patient, moment - timedelta(days=90), "completed")
    old = filled(patient, form, moment - timedelta(days=31), {"pain": 1})
    recent = filled(patient, form, moment - timedelta(days=29), {"pain": 2})
    of_visit = filled(
        patient, form, moment - timedelta(days=91), {"pain": 3}, about_type="appointment", about_id=last.pk
    )
    withdrawn = filled(patient, form, moment, {"pain": 4})
    FormRequest.objects.filter(pk=withdrawn.request_id).update(status="withdrawn")

    summary = selectors.patient_summary(patient, moment, ["en"])

    assert [one.lines for one in summary.answers] == [
        [("Pain today?", "2 of 10")],
        [("Pain today?", "3 of 10")],
    ]
    assert {old.pk, recent.pk, of_visit.pk}  # all three are stored; the first is too old to be new


def test_a_correction_replaces_what_it_corrects(patient, form):
    first = filled(patient, form, now(), {"pain": 2})
    FormResponse.objects.create(
        clinic=patient.clinic,
        request=first.request,
        patient=patient,
        template=form.template,
        version=form,
        number=2,
        answers={"pain": 3},
        signed_by="Maria Marin",
        relation="self",
    )

    summary = selectors.patient_summary(patient, now(), ["en"])

    assert [one.lines for one in summary.answers] == [[("Pain today?", "3 of 10")]]


def test_reading_the_summary_is_recorded(patient, as_specialist, specialist):
    as_specialist.get(page(patient))

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.patient_id, entry.clinic_id) == ("patient.summary_read", patient.pk, patient.clinic_id)
    assert (entry.actor_kind, entry.actor_id, entry.ip) == ("user", specialist.user_id, "127.0.0.1")


def test_a_stranger_gets_not_found_and_nothing_is_shown(patient, as_stranger):
    response = as_stranger.get(page(patient))

    assert response.status_code == 404
    assert "Maria" not in response.content.decode()
    assert not AuditEntry.objects.exists()


def test_a_member_who_left_is_told_that_there_is_no_desk(patient, specialist, as_specialist):
    specialist.is_active = False
    specialist.save()
    response = as_specialist.get(page(patient))

    assert response.status_code == 403
    assert "Maria" not in response.content.decode()


def test_an_operator_who_works_at_no_clinic_has_no_desk(patient, as_operator):
    assert as_operator.get(page(patient)).status_code == 403


def test_a_visitor_is_asked_to_sign_in(patient, client):
    response = client.get(page(patient))

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={page(patient)}"


def test_the_page_is_not_kept_and_runs_under_the_strict_policy(patient, as_admin):
    response = as_admin.get(page(patient))

    assert "no-store" in response["Cache-Control"]
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    html = response.content.decode()
    assert html.count("<script") == html.count('<script src="/static/') == 1
    assert "style=" not in html
    assert "<style" not in html


def test_posting_to_the_page_is_refused(patient, as_admin):
    assert as_admin.post(page(patient)).status_code == 405


def test_the_summary_takes_as_many_queries_for_much_as_for_little(patient, form, django_assert_num_queries):
    moment = now()
    for days in range(1, 6):
        visit(patient, moment - timedelta(days=days), "completed")
        visit(patient, moment + timedelta(days=days))
        filled(patient, form, moment - timedelta(days=days), {"pain": days})
        worklist.create(clinic=patient.clinic, title=f"Task {days}", patient=patient, role="front_desk")

        plan = make_plan(patient)
        make_week(plan, days % 4)
        record_pain(clinic=patient.clinic, patient=patient, value=days)

    with django_assert_num_queries(8):
        summary = selectors.patient_summary(patient, moment, ["en"])

    assert (len(summary.answers), len(summary.tasks), len(summary.care.plans)) == (5, 5, 5)


# --- the treatment ---


def test_without_pain_and_plan_the_summary_says_so(patient, as_specialist):
    html = as_specialist.get(page(patient)).content.decode()
    assert "not told" in html
    assert "No treatment plan." in html


@pytest.mark.parametrize(
    ("scores", "trend"),
    [
        ([6], "nothing earlier to compare with"),
        ([3, 3.4], "much as before"),
        ([3, 7], "stronger than before"),
        ([8, 2], "weaker than before"),
    ],
)
def test_the_latest_pain_is_told_with_its_trend(patient, as_specialist, scores, trend):
    for days, value in enumerate(reversed(scores)):
        record_pain(
            clinic=patient.clinic, patient=patient, value=value, measured_at=now() - timedelta(days=days, hours=1)
        )
    html = as_specialist.get(page(patient)).content.decode()
    assert f"<strong>{scores[-1]:g}</strong> of 10" in html
    assert trend in html
    line = f"Pain, oldest first: {', '.join(f'{score:g}' for score in scores)}"
    assert (line in html) is (len(scores) > 1)


def test_plans_are_told_with_their_last_four_weeks(patient, specialist, as_specialist):
    plan = make_plan(patient, specialist=specialist, name="Knee rehabilitation")
    for weeks_ago in range(6):
        make_week(plan, weeks_ago % 5, first_on=now().date() - timedelta(weeks=weeks_ago))
    treatments.pause(make_plan(patient, name="Back"))
    treatments.complete(make_plan(patient, name="Shoulder"))
    html = as_specialist.get(page(patient)).content.decode()
    assert "Knee rehabilitation" in html
    assert "Adherence, the last four weeks" in html
    assert [text for text in ("0 of 4", "1 of 4", "2 of 4", "3 of 4", "4 of 4") if text in html] == [
        "0 of 4",
        "1 of 4",
        "2 of 4",
        "3 of 4",
    ]
    assert "75 %" in html
    assert ("Back" in html, "paused" in html, "Shoulder" in html) == (True, True, False)
    assert "No week has been evaluated yet." in html
