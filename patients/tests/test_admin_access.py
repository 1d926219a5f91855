"""The admin pages of accesses, consents and the library: each writes through its service."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from patients import services
from patients.models import Consent, FeatureGrant, LibraryItem

pytestmark = pytest.mark.django_db


def page(model, verb, *args):
    return reverse(f"admin:patients_{model}_{verb}", args=args)


def actions():
    return list(AuditEntry.objects.exclude(action__endswith="read").order_by("pk").values_list("action", flat=True))


def test_the_front_desk_grants_a_feature_and_revokes_it_by_a_button(patient, as_front_desk):
    given = {"patient": patient.pk, "feature": "telerehab", "expires_at_0": "", "expires_at_1": ""}
    assert as_front_desk.post(page("featuregrant", "add"), given).status_code == 302
    grant = FeatureGrant.objects.get()
    assert (grant.patient, grant.feature, grant.expires_at, grant.ended_at) == (patient, "telerehab", None, None)

    pressed = {"read_revision": grant.revision, "patients_featuregrant_revoke": "1"}
    as_front_desk.post(page("featuregrant", "change", grant.pk), pressed)
    grant.refresh_from_db()
    assert grant.ended_at is not None
    assert actions() == ["access.granted", "access.revoked"]


def test_an_end_that_has_passed_is_shown_at_its_field(patient, as_front_desk):
    given = {"patient": patient.pk, "feature": "library", "expires_at_0": "2020-01-01", "expires_at_1": "09:00"}
    response = as_front_desk.post(page("featuregrant", "add"), given)
    assert response.status_code == 200
    assert "This end has passed already." in response.content.decode()
    assert FeatureGrant.objects.count() == 0


def test_a_consent_is_noted_and_its_answer_changed(patient, as_front_desk):
    given = {"patient": patient.pk, "category": "survey", "channel": "email"}
    as_front_desk.post(page("consent", "add"), given)
    consent = Consent.objects.get()
    assert (consent.category, consent.channel, consent.granted) == ("survey", "email", False)

    changed = {"granted": "on", "read_revision": consent.revision}
    as_front_desk.post(page("consent", "change", consent.pk), changed)
    consent.refresh_from_db()
    assert consent.granted is True
    assert actions() == ["consent.withdrawn", "consent.granted"]


def test_the_library_is_the_admins_and_specialists_and_not_the_front_desks(clinic, as_admin, as_front_desk):
    given = {"title": "Neck", "slug": "neck", "text": "Slowly.", "video_url": "video.example/neck", "language": ""}
    assert as_front_desk.post(page("libraryitem", "add"), given).status_code == 403
    assert LibraryItem.objects.count() == 0

    as_admin.post(page("libraryitem", "add"), given)
    item = LibraryItem.objects.get()
    assert (item.clinic, item.slug, item.video_url) == (clinic, "neck", "https://video.example/neck")
    as_admin.post(page("libraryitem", "changelist"), {"action": "archive", "_selected_action": [item.pk]})
    item.refresh_from_db()
    assert item.archived_at is not None


def test_nobody_sees_those_of_another_clinic(patient, as_stranger):
    grant = services.grant_access(patient, feature="library")
    [consent] = services.set_consents(patient, [{"category": "survey", "channel": "email", "granted": True}])
    for model, row in (("featuregrant", grant), ("consent", consent)):
        assert as_stranger.get(page(model, "change", row.pk)).status_code == 302
        assert "Maria" not in as_stranger.get(page(model, "changelist")).content.decode()
