"""The action grant_access: a feature is unlocked, and unlocking it again reaches to the later end."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from automations import ticking
from automations.models import Step
from automations.tests.builders import published
from clinic import clock
from patients import services
from patients.grants import features_of
from patients.models import FeatureGrant

pytestmark = pytest.mark.django_db(transaction=True)
BUCHAREST = ZoneInfo("Europe/Bucharest")


def onboarded(clinic, *actions, **fields):
    """Publish a rule with these actions, register a patient and let the engine work."""
    published(clinic, "patient.onboarded", *actions)
    patient = services.register(clinic=clinic, given_name="Ana", **fields)
    ticking.drain_all()
    return patient


def test_a_rule_unlocks_a_feature_for_good(clinic):
    ana = onboarded(clinic, {"type": "grant_access", "feature": "telerehab"})
    grant, step = FeatureGrant.objects.get(), Step.objects.get()
    assert (grant.patient, grant.feature, grant.expires_at, grant.source_step) == (ana, "telerehab", None, step)
    assert (step.state, step.result) == ("done", {"grant": str(grant.pk), "until": None})
    assert features_of(ana) == ["telerehab"]


def test_days_are_those_of_the_clinics_calendar(clinic):
    onboarded(clinic, {"type": "grant_access", "feature": "library", "days": 200})
    expires = FeatureGrant.objects.get().expires_at.astimezone(BUCHAREST)
    today = clock.now().astimezone(BUCHAREST)
    assert expires.date() == today.date() + timedelta(days=200)
    assert abs(expires.replace(tzinfo=None) - today.replace(tzinfo=None) - timedelta(days=200)) < timedelta(minutes=1)


def test_two_rules_for_one_feature_make_one_grant_to_the_later_end(clinic):
    onboarded(
        clinic,
        {"type": "grant_access", "feature": "library", "days": 90},
        {"type": "grant_access", "feature": "library", "days": 30},
    )
    grant = FeatureGrant.objects.get()
    assert grant.expires_at > clock.now() + timedelta(days=88)
    assert [step.result["grant"] for step in Step.objects.all()] == [str(grant.pk)] * 2


def test_a_patient_who_left_is_granted_nothing(clinic):
    published(clinic, "patient.onboarded", {"type": "grant_access", "feature": "library"})
    services.archive(services.register(clinic=clinic, given_name="Ana"))
    ticking.drain_all()
    assert FeatureGrant.objects.count() == 0
    assert Step.objects.get().state == "cancelled"
