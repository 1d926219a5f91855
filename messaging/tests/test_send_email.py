"""The action send_email."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Membership
from automations.engine.declare import catalog
from automations.engine.values import EffectError
from clinic import clock
from messaging import services
from messaging.delivery import drain_due
from messaging.models import Delivery, MessageTemplate
from messaging.tests.builders import make_step
from patients.models import Contact, Patient
from worklist.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def action():
    return catalog.actions["send_email"]


def step(patient, role="patient", **changes):
    return make_step("send_email", patient, role=role, params={"template": "reminder", "to": role}, **changes)


def test_queues_one_email_with_all_it_needs_later(action, patient, reminder):
    later = clock.now() + timedelta(minutes=1)
    one = step(patient, not_before=later)
    result = action.perform([one])
    delivery = Delivery.objects.get()
    assert result == {one.id: {"deliveries": [str(delivery.pk)]}}
    assert (delivery.state, delivery.category, delivery.template) == ("queued", "transactional", reminder)
    assert (delivery.not_before, delivery.not_after) == (later, one.not_after)
    assert (delivery.source_step_id, delivery.recipient_key) == (one.id, "patient")
    assert delivery.context == {"subject_type": "patient", "subject_id": patient.pk, "facts": {}}


def test_a_second_effect_of_one_step_is_an_error_and_never_ignored(action, patient, reminder):
    one = step(patient)
    action.perform([one])
    with pytest.raises(IntegrityError), transaction.atomic():
        action.perform([one])
    assert Delivery.objects.count() == 1


def test_keeps_the_facts_that_the_text_needs(action, patient, clinic, mail_server):
    fact = catalog.facts["patient.age"]
    assert not fact.sensitive
    services.save_template(
        clinic=clinic, slug="reminder", name="R", bodies=[services.Body("en", "Hi", "You are {{ patient.age }}.")]
    )
    action.perform([step(patient, facts={"patient.age": 69, "patient.city": "Iași"})])
    assert Delivery.objects.get().context["facts"] == {"patient.age": 69}
    drain_due()
    assert Delivery.objects.get().body_text == "You are 69.\n"


def test_a_child_is_written_to_through_the_contacts_who_get_messages(action, patient, reminder):
    Patient.objects.filter(pk=patient.pk).update(birth_date=clock.now().date() - timedelta(days=3650))
    mother = Contact.objects.create(
        clinic=patient.clinic, patient=patient, name="Ana", relation="mother", email="ana@x.example", gets_messages=True
    )
    Contact.objects.create(clinic=patient.clinic, patient=patient, name="Ion", relation="father", email="ion@x.example")
    one = step(patient)
    assert action.guard([one]) == {}
    action.perform([one])
    delivery = Delivery.objects.get()
    assert (delivery.contact, delivery.recipient_key) == (mother, f"contact:{mother.pk}")


@pytest.mark.parametrize(("category", "tasks"), [("clinical", 1), ("survey", 0)])
def test_a_patient_without_an_address_is_refused_and_the_front_desk_asked(action, patient, reminder, category, tasks):
    MessageTemplate.objects.update(category=category)
    Patient.objects.filter(pk=patient.pk).update(email_status="bounced")
    steps = [step(patient), step(patient)]
    refusals = action.guard(steps)
    assert {pk: refusal.code for pk, refusal in refusals.items()} == {one.id: "no_address" for one in steps}
    assert Task.objects.filter(role="front_desk", patient=patient).count() == tasks
    assert Delivery.objects.count() == 0


def test_the_specialist_is_found_when_the_step_runs(action, patient, specialist, reminder, mail_server):
    Patient.objects.filter(pk=patient.pk).update(specialist=specialist)
    action.perform([step(patient, role="specialist")])
    delivery = Delivery.objects.get()
    assert (delivery.recipient, delivery.recipient_key) == (specialist, f"staff:{specialist.pk}")
    drain_due()
    assert mail_server.taken[0]["To"] == specialist.user.email


def test_without_a_specialist_it_goes_to_the_admins_and_says_so(action, patient, admin, reminder):
    one = step(patient, role="specialist")
    result = action.perform([one])
    assert Delivery.objects.get().recipient == admin
    assert result[one.id]["note"] == "no_specialist"


def test_somebody_who_left_gets_nothing(action, patient, admin, reminder, mail_server):
    action.perform([step(patient, role="clinic_admins")])
    Membership.objects.filter(pk=admin.pk).update(is_active=False)
    drain_due()
    assert (Delivery.objects.get().reason, mail_server.seen) == ("no_address", [])


@pytest.mark.parametrize("change", [{"archived_at": "2026-01-01T00:00:00Z"}, {"inside_only": True}, {"slug": "gone"}])
def test_a_template_that_cannot_be_used_is_the_rules_fault(action, patient, reminder, change):
    MessageTemplate.objects.update(**change)
    with pytest.raises(EffectError) as caught:
        action.perform([step(patient)])
    assert (caught.value.permanent, caught.value.rule_error) == (True, True)
    assert "reminder" in caught.value.message
    assert Delivery.objects.count() == 0


def test_takes_back_what_has_not_left(action, patient, reminder):
    one = step(patient)
    action.perform([one])
    action.withdraw([one.id])
    assert (Delivery.objects.get().state, Delivery.objects.get().reason) == ("withdrawn", "stopped")


def test_a_batch_takes_a_fixed_number_of_queries(action, clinic, reminder, django_assert_num_queries):
    people = [Patient.objects.create(clinic=clinic, given_name=f"P{n}", email=f"p{n}@x.example") for n in range(20)]
    steps = [step(one) for one in people]
    with django_assert_num_queries(8):  # template, texts, patients; in a savepoint: lock, keys, COPY
        action.perform(steps)
    assert Delivery.objects.count() == 20


def test_its_words_for_who_it_is_for(action):
    assert action.is_patient_message({"template": "x"}) is True
    assert action.is_patient_message({"template": "x", "to": "specialist"}) is False
    assert action.role({"to": "clinic_admins"}) == "clinic_admins"
