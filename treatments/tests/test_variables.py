"""What a message may say about a plan."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from messaging.variables import MessageContext, variables
from treatments.tests.builders import make_draft
from treatments.variables import resolve_many

pytestmark = pytest.mark.django_db


def context(patient, plan=None, language="en"):
    recipient = SimpleNamespace(language=language)
    subject = ("treatment", plan.pk) if plan else ("", None)
    return MessageContext(
        clinic=patient.clinic, patient=patient, recipient=recipient, subject_type=subject[0], subject_id=subject[1]
    )


def test_the_days_are_told_in_the_readers_words(patient):
    plan = make_draft(patient, starts_on=date(2026, 11, 30), ends_on=date(2027, 1, 31))
    [said] = resolve_many([context(patient, plan)])
    assert (said["starts_on"], said["ends_on"]) == ("Monday, November 30, 2026", "Sunday, January 31, 2027")
    [said] = resolve_many([context(patient, plan, "ro")])
    assert said["ends_on"] == "duminică, 31 ianuarie 2027"


def test_a_plan_without_an_end_says_nothing_of_it_and_a_message_of_something_else_has_no_plan(patient):
    assert resolve_many([context(patient, make_draft(patient))])[0]["ends_on"] == ""
    assert resolve_many([context(patient)]) == [{}]


def test_another_patients_plan_is_not_told(patient, stranger_patient):
    assert resolve_many([context(patient, make_draft(stranger_patient))]) == [{}]


def test_its_name_never_stands_in_an_email():
    known = variables.known()
    assert known["plan.name"].sensitive
    assert not known["plan.ends_on"].sensitive
    assert all(known[name].sensitive for name in ("treatment.pain", "treatment.adherence"))


def test_many_messages_take_one_query(patient, django_assert_num_queries):
    plans = [make_draft(patient) for _ in range(5)]
    with django_assert_num_queries(1):
        resolve_many([context(patient, plan) for plan in plans])
