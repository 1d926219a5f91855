"""Recipes "consent-signed-grant" and "consent-withdrawn-revoke": telerehabilitation follows its consent."""

from __future__ import annotations

import pytest

from automations.models import Run
from clinic.db import silently
from forms_app import services as forms
from forms_app.models import FormRequest, FormTemplate
from patients import services as patients
from patients.grants import features_of
from patients.models import FeatureGrant

GRANT, REVOKE = "consent-signed-grant", "consent-withdrawn-revoke"
CONSENT = "telerehabilitation-consent"


@pytest.fixture
def story(story):
    story.install("onboarding", GRANT, REVOKE)
    return story


@pytest.fixture
def maria(story):
    maria = story.register()
    story.walk(0, "09:05")
    return maria


def request_of(patient, form=CONSENT):
    return FormRequest.objects.filter(patient=patient, template__slug=form).latest("pk")


def sign(patient, form=CONSENT):
    return forms.sign(request_of(patient, form), answers={}, signed_by="Maria Marin")


def test_signing_the_consent_unlocks_telerehabilitation_for_good(story, maria):
    assert features_of(maria) == []
    sign(maria)
    story.walk(0, "09:06")
    assert features_of(maria) == ["telerehab"]
    grant = FeatureGrant.objects.get()
    assert (grant.expires_at, grant.source_step.rule.slug) == (None, GRANT)
    assert story.steps(GRANT) == [("a1", "done", "")]
    story.walk(200, "09:00")
    assert features_of(maria) == ["telerehab"]


def test_taking_the_consent_back_locks_it_and_signing_anew_unlocks_it_again(story, maria):
    sign(maria)
    story.walk(1, "09:00")
    forms.withdraw(request_of(maria))
    story.walk(1, "09:01")
    assert features_of(maria) == []
    assert story.steps(REVOKE) == [("a1", "done", "")]

    template = FormTemplate.objects.get(clinic=story.clinic, slug=CONSENT)
    forms.request_form(clinic=story.clinic, patient=maria, template=template)
    sign(maria)
    story.walk(2, "09:00")
    assert features_of(maria) == ["telerehab"]
    assert [grant.ended_at is None for grant in FeatureGrant.objects.order_by("pk")] == [False, True]


def test_signed_and_taken_back_before_anybody_looked_nothing_is_left_unlocked(story, maria):
    sign(maria)
    forms.withdraw(request_of(maria))
    story.walk(1, "09:00")
    assert features_of(maria) == []


def test_what_staff_unlocked_until_a_day_is_without_end_once_the_consent_is_signed(story, maria):
    patients.grant_access(maria, feature="telerehab", until=story.moment(30, "09:00"))
    sign(maria)
    story.walk(60, "09:00")
    assert features_of(maria) == ["telerehab"]
    assert FeatureGrant.objects.count() == 1


# --- where nothing may happen ---


def test_another_consent_unlocks_and_locks_nothing(story, maria):
    sign(maria, "privacy-policy-consent")
    story.walk(1, "09:00")
    assert (features_of(maria), FeatureGrant.objects.count(), story.steps(GRANT)) == ([], 0, [])
    patients.grant_access(maria, feature="telerehab")
    forms.withdraw(request_of(maria, "privacy-policy-consent"))
    story.walk(2, "09:00")
    assert (features_of(maria), story.steps(REVOKE)) == (["telerehab"], [])


def test_a_declined_consent_unlocks_nothing(story, maria):
    forms.decline(request_of(maria))
    story.walk(1, "09:00")
    assert (FeatureGrant.objects.count(), story.steps(GRANT)) == (0, [])


def test_an_imported_signature_unlocks_nothing(story, maria):
    with silently("import"):
        sign(maria)
    story.walk(1, "09:00")
    assert (FeatureGrant.objects.count(), story.steps(GRANT)) == (0, [])


def test_a_patient_who_left_is_not_unlocked(story, maria):
    sign(maria)
    patients.archive(maria)
    story.walk(1, "09:00")
    assert FeatureGrant.objects.count() == 0
    assert [state for _, state, _ in story.steps(GRANT)] == ["cancelled"]


def test_another_clinics_patient_has_nothing_to_do_with_it(story, maria, stranger_patient):
    sign(maria)
    story.walk(1, "09:00")
    assert features_of(stranger_patient) == []
    assert Run.objects.filter(patient=stranger_patient).count() == 0
