"""The action add_tag: a word is pinned to the patient, once."""

import pytest

from automations import ticking
from automations.models import Step
from automations.tests.builders import published
from patients import services

pytestmark = pytest.mark.django_db(transaction=True)


def tags(patient):
    patient.refresh_from_db()
    return patient.tags


def test_the_word_is_pinned_beside_the_others(clinic):
    published(clinic, "patient.onboarded", {"type": "add_tag", "tag": "needs-call"})
    ana = services.register(clinic=clinic, given_name="Ana", tags=["vip"])
    ticking.drain_all()
    assert tags(ana) == ["vip", "needs-call"]
    assert Step.objects.get().result == {"tag": "needs-call"}


def test_a_word_that_is_there_is_not_pinned_twice(clinic):
    published(clinic, "patient.onboarded", {"type": "add_tag", "tag": "vip"}, {"type": "add_tag", "tag": "vip"})
    ana = services.register(clinic=clinic, given_name="Ana", tags=["vip"])
    ticking.drain_all()
    ana.refresh_from_db()
    assert (ana.tags, ana.revision) == (["vip"], 1)
    assert [step.state for step in Step.objects.all()] == ["done", "done"]
