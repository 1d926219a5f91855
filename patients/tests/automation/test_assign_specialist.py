"""The action assign_specialist: the patient is given to a specialist."""

import pytest

from automations import interventions, ticking
from automations.models import Rule, Step
from automations.tests.builders import published
from patients import services

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rule(clinic, specialist):
    """Give every new patient to Dr. Ionescu."""
    return published(clinic, "patient.onboarded", {"type": "assign_specialist", "specialist": "dr-ionescu"})


def registered(clinic, **fields):
    ana = services.register(clinic=clinic, given_name="Ana", **fields)
    ticking.drain_all()
    ana.refresh_from_db()
    return ana


def test_the_patient_is_given_to_the_specialist(clinic, specialist, rule):
    assert registered(clinic).specialist == specialist
    assert Step.objects.get().result == {"specialist": "dr-ionescu"}


def test_whose_the_patient_is_already_stays_so(clinic, specialist, rule):
    ana = registered(clinic, specialist=specialist)
    assert (ana.specialist, ana.revision) == (specialist, 1)


def test_a_specialist_who_left_meanwhile_breaks_the_step_and_counts_against_the_rule(clinic, specialist):
    later = {"mode": "delay", "amount": 1, "unit": "days"}
    published(clinic, "patient.onboarded", {"type": "assign_specialist", "specialist": "dr-ionescu", "timing": later})
    ana = registered(clinic)
    type(specialist).objects.filter(pk=specialist.pk).update(is_active=False)
    interventions.run_now(Step.objects.get())
    ticking.drain_all()

    ana.refresh_from_db()
    step = Step.objects.get()
    assert (ana.specialist, step.state, step.reason) == (None, "failed", "rule_broken")
    assert step.reason_text == "There is no specialist “dr-ionescu” who works here now."
    assert Rule.objects.get().error_streak == 1
