"""The action require_form: a request, and one message for what is asked within a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError

from automations.engine.declare import catalog
from automations.engine.values import EffectError
from clinic import clock
from forms_app import services
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, fill, make_template, require_step
from messaging.models import Delivery
from patients.models import Contact
from worklist.models import Task

pytestmark = pytest.mark.django_db
ACTION = catalog.actions["require_form"]


def run(*steps: Any) -> list[dict[str, Any]]:
    results = ACTION.perform(steps)
    return [results[step.id] for step in steps]


def test_a_step_makes_a_request_with_its_source_and_queues_one_message(patient, consent):
    step = require_step(patient, "privacy", blocking=True)
    step = replace(step, not_before=step.now + timedelta(minutes=1), not_after=step.now + timedelta(days=3))
    [result] = run(step)
    request, delivery = FormRequest.objects.get(), Delivery.objects.get()
    assert (request.source_step_id, request.blocking, request.due_at) == (step.id, True, None)
    assert request.message == delivery
    assert (delivery.purpose, delivery.category, delivery.state) == ("forms", "transactional", "queued")
    assert (delivery.source_step_id, delivery.recipient_key) == (step.id, "patient")
    assert (delivery.not_before, delivery.not_after) == (step.not_before, step.not_after)
    assert result == {"form_request": str(request.pk), "outcome": "created", "deliveries": [str(delivery.pk)]}


def test_a_second_perform_of_the_same_step_does_nothing_twice(patient, consent):
    step = require_step(patient, "privacy")
    assert run(step)[0]["form_request"] == run(step)[0]["form_request"]
    assert (FormRequest.objects.count(), Delivery.objects.count()) == (1, 1)
    with pytest.raises(IntegrityError):
        FormRequest.objects.create(
            clinic=patient.clinic,
            patient=patient,
            template=consent,
            version=consent.versions.get(),
            source_step_id=step.id,
        )


def test_a_questionnaire_belongs_to_the_appointment_and_a_consent_to_the_patient(patient, consent, questionnaire):
    run(
        require_step(patient, "pain", about=("appointment", 7)),
        require_step(patient, "privacy", about=("appointment", 7)),
    )
    abouts = dict(FormRequest.objects.values_list("template__slug", "about_id"))
    assert abouts == {"pain": 7, "privacy": None}


def test_a_rule_about_a_form_asks_about_what_that_form_is_about(patient, questionnaire, survey):
    first = ask(patient, questionnaire, about_type="appointment", about_id=7)
    run(require_step(patient, "satisfaction", about=("form", first.pk)))
    made = FormRequest.objects.get(template=survey)
    assert (made.about_type, made.about_id) == ("appointment", 7)


def test_requests_within_a_minute_share_one_message(patient, consent, questionnaire, survey):
    first, second = run(require_step(patient, "satisfaction"), require_step(patient, "privacy"))
    assert first["deliveries"] == second["deliveries"]
    assert Delivery.objects.get().category == "transactional"
    Delivery.objects.update(state="sent")
    [third] = run(require_step(patient, "pain"))
    assert third["deliveries"] == first["deliveries"]
    assert Delivery.objects.count() == 1
    assert set(FormRequest.objects.values_list("message_id", flat=True)) == {Delivery.objects.get().pk}


def test_later_a_message_that_left_is_not_shared_but_one_that_waits_is(patient, consent, questionnaire, survey):
    [first] = run(require_step(patient, "satisfaction"))
    assert Delivery.objects.get().category == "survey"
    clock.advance_by(timedelta(minutes=5))
    [second] = run(require_step(patient, "privacy"))
    assert second["deliveries"] == first["deliveries"]
    assert Delivery.objects.get().category == "transactional"
    Delivery.objects.update(state="sent")
    clock.advance_by(timedelta(minutes=5))
    [third] = run(require_step(patient, "pain"))
    assert third["deliveries"] != first["deliveries"]


@pytest.mark.parametrize("state", ["withdrawn", "suppressed", "failed"])
def test_a_message_that_never_leaves_is_not_shared(patient, consent, questionnaire, state):
    [first] = run(require_step(patient, "privacy"))
    Delivery.objects.update(state=state)
    [second] = run(require_step(patient, "pain"))
    assert second["deliveries"] != first["deliveries"]


def test_patients_do_not_share(patient, consent, clinic):
    ana = type(patient).objects.create(clinic=clinic, given_name="Ana", email="ana@patients.example")
    first, second = run(require_step(patient, "privacy"), require_step(ana, "privacy"))
    assert first["deliveries"] != second["deliveries"]
    assert set(Delivery.objects.values_list("patient_id", flat=True)) == {patient.pk, ana.pk}


def test_what_is_open_is_neither_asked_nor_told_twice(patient, consent):
    run(require_step(patient, "privacy"))
    Delivery.objects.update(state="sent")
    clock.advance_by(timedelta(days=2))
    [again] = run(require_step(patient, "privacy"))
    assert again["outcome"] == "reused"
    assert (FormRequest.objects.count(), Delivery.objects.count()) == (1, 1)


def test_what_was_asked_in_silence_is_told_when_a_rule_tells(patient, consent):
    run(require_step(patient, "privacy", notify=False))
    assert Delivery.objects.count() == 0
    [told] = run(require_step(patient, "privacy"))
    assert (told["outcome"], Delivery.objects.count()) == ("reused", 1)


def test_a_consent_that_was_signed_is_not_asked_again(patient, consent):
    signed = fill(ask(patient, consent))
    [result] = run(require_step(patient, "privacy"))
    assert result == {"form_request": str(signed.pk), "outcome": "already_signed"}
    assert (FormRequest.objects.count(), Delivery.objects.count()) == (1, 0)


def test_due_days_count_on_the_clinics_calendar_over_a_clock_change(patient, consent):
    step = replace(require_step(patient, "privacy", due_in_days=7), now=datetime(2026, 10, 20, 12, 30, tzinfo=UTC))
    run(step)
    assert FormRequest.objects.get().due_at == datetime(2026, 10, 27, 13, 30, tzinfo=UTC)  # 15:30 in Bucharest, both


def test_due_before_the_visit_moves_along_and_is_never_past(patient, questionnaire):
    clinic = patient.clinic
    service = apps.get_model("appointments", "Service").objects.create(clinic=clinic, slug="s", name="S")
    visits = apps.get_model("appointments", "Appointment").objects
    start = clock.now().replace(microsecond=0) + timedelta(days=10)
    common = {"clinic": clinic, "patient": patient, "service": service}
    far = visits.create(starts_at=start, **common)
    near = visits.create(starts_at=clock.now() + timedelta(hours=3), **common)
    for visit in (far, near):
        run(require_step(patient, "pain", about=("appointment", visit.pk), due_days_before=1))
    due = dict(FormRequest.objects.values_list("about_id", "due_at"))
    assert due == {far.pk: start - timedelta(days=1), near.pk: near.starts_at}
    services.about_moved("appointment", {far.pk: start + timedelta(days=2)})
    assert FormRequest.objects.get(about_id=far.pk).due_at == start + timedelta(days=1)


def test_due_before_the_visit_needs_a_visit(patient, questionnaire):
    with pytest.raises(EffectError) as error:
        run(require_step(patient, "pain", due_days_before=1))
    assert (error.value.permanent, error.value.rule_error) == (True, True)
    assert FormRequest.objects.count() == 0


def test_two_due_dates_are_refused_when_the_rule_is_saved():
    assert ACTION.problems({"form": "x", "due_in_days": 1}) == ()
    [(name, message)] = ACTION.problems({"form": "x", "due_in_days": 1, "due_days_before": 1})
    assert (name, bool(message)) == ("due_days_before", True)


@pytest.mark.parametrize("slug", ["old", "empty", "nowhere", "theirs"])
def test_a_form_that_is_not_in_use_is_the_rules_error(patient, stranger_patient, slug):
    services.archive_template(make_template(patient.clinic, "old"))
    services.create_template(clinic=patient.clinic, slug="empty", name="Empty", kind="consent")
    make_template(stranger_patient.clinic, "theirs")
    with pytest.raises(EffectError) as error:
        run(require_step(patient, slug))
    assert (error.value.permanent, error.value.rule_error) == (True, True)
    assert (FormRequest.objects.count(), Delivery.objects.count()) == (0, 0)


def test_without_an_address_the_request_stands_and_the_front_desk_is_asked_once(patient, consent, questionnaire):
    patient.email = ""
    patient.save()
    results = run(require_step(patient, "privacy"), require_step(patient, "pain"))
    assert [result["note"] for result in results] == ["no_address", "no_address"]
    assert (FormRequest.objects.count(), Delivery.objects.count()) == (2, 0)
    task = Task.objects.get()
    assert (task.role, task.patient) == ("front_desk", patient)


def test_for_a_survey_alone_the_front_desk_is_not_bothered(patient, survey):
    patient.email = ""
    patient.save()
    assert run(require_step(patient, "satisfaction"))[0]["note"] == "no_address"
    assert (FormRequest.objects.count(), Task.objects.count()) == (1, 0)


def test_for_a_minor_the_contacts_who_get_messages_are_told_each_with_a_link_of_their_own(patient, consent):
    patient.birth_date = date(2015, 1, 1)
    patient.save()
    common = {"clinic": patient.clinic, "patient": patient, "gets_messages": True}
    for name in ("elena", "ion"):
        Contact.objects.create(name=name, relation="parent", email=f"{name}@x.example", **common)
    [result] = run(require_step(patient, "privacy"))
    assert len(result["deliveries"]) == 2
    assert set(Delivery.objects.values_list("contact__name", flat=True)) == {"elena", "ion"}
    assert FormRequest.objects.get().message_id in set(Delivery.objects.values_list("pk", flat=True))


# --- the message ---


def test_the_catalog_describes_it():
    assert ACTION.is_patient_message({"form": "x"})
    assert not ACTION.is_patient_message({"form": "x", "notify": False})
    assert ACTION.role({}) == "patient"
