"""The action remove_tag: a word is taken off the patient, the others stay."""

import pytest

from automations import ticking
from automations.models import Step
from automations.tests.builders import published
from patients import services

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_word_is_gone_and_the_others_stay(clinic):
    published(clinic, "patient.onboarded", {"type": "remove_tag", "tag": "new"})
    ana = services.register(clinic=clinic, given_name="Ana", tags=["new", "vip"])
    ticking.drain_all()
    ana.refresh_from_db()
    assert (ana.tags, ana.revision) == (["vip"], 2)
    assert Step.objects.get().result == {"tag": "new"}


def test_a_word_that_is_not_there_changes_nothing(clinic):
    published(clinic, "patient.onboarded", {"type": "remove_tag", "tag": "new"})
    ana = services.register(clinic=clinic, given_name="Ana", tags=["vip"])
    ticking.drain_all()
    ana.refresh_from_db()
    assert (ana.tags, ana.revision) == (["vip"], 1)
    assert [step.state for step in Step.objects.all()] == ["done"]


def test_two_rules_that_pin_and_take_off_do_not_lose_each_others_words(clinic):
    pin = {"type": "add_tag", "tag": "called"}
    published(clinic, "patient.onboarded", pin, {"type": "remove_tag", "tag": "new"})
    ana = services.register(clinic=clinic, given_name="Ana", tags=["new"])
    ticking.drain_all()
    ana.refresh_from_db()
    assert ana.tags == ["called"]
