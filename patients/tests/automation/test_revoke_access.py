"""The action revoke_access: a feature is locked again."""

import pytest

from automations import ticking
from automations.models import Step
from automations.tests.builders import move, published, visit
from patients import services
from patients.grants import features_of
from patients.models import FeatureGrant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finished(clinic, patient):
    """Publish the rule and return a function that completes a visit of the patient."""
    published(clinic, "appointment.completed", {"type": "revoke_access", "feature": "telerehab"})

    def finish():
        move(visit(patient), status="completed")
        ticking.drain_all()

    return finish


def test_the_feature_is_locked_and_others_stay(patient, finished):
    grant = services.grant_access(patient, feature="telerehab")
    services.grant_access(patient, feature="library")
    finished()
    assert features_of(patient) == ["library"]
    assert (Step.objects.get().state, Step.objects.get().result) == ("done", {"grant": str(grant.pk)})


def test_where_nothing_was_granted_nothing_happens(patient, finished):
    finished()
    assert (Step.objects.get().state, Step.objects.get().result) == ("done", {"grant": None})
    assert FeatureGrant.objects.count() == 0
