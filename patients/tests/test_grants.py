"""Access to features: granting, extending, running out by itself, revoking; and the library behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from clinic.clock import now
from clinic.errors import ClinicError, Refused
from patients import services
from patients.grants import features_of, has_access
from patients.library import items, items_for
from patients.models import FeatureGrant, LibraryItem

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def grants(patient):
    rows = FeatureGrant.objects.filter(patient=patient).order_by("pk")
    return [(row.feature, row.expires_at, row.ended_at is not None) for row in rows]


def test_a_feature_is_granted_for_good_or_until_a_moment(patient):
    end = now() + 30 * DAY
    services.grant_access(patient, feature="telerehab")
    services.grant_access(patient, feature="library", until=end)
    assert grants(patient) == [("telerehab", None, False), ("library", end, False)]
    assert features_of(patient) == ["library", "telerehab"]


@pytest.mark.parametrize(
    ("first", "second", "reaches"), [(30, 10, 30), (10, 30, 30), (30, None, None), (None, 30, None), (10, 10, 10)]
)
def test_granting_again_reaches_to_the_later_end_and_never_stacks(patient, first, second, reaches):
    start = now()

    def end(days):
        return None if days is None else start + days * DAY

    services.grant_access(patient, feature="telerehab", until=end(first))
    services.grant_access(patient, feature="telerehab", until=end(second))
    assert grants(patient) == [("telerehab", end(reaches), False)]


def test_access_runs_out_by_itself_and_a_later_grant_is_a_new_one(patient):
    services.grant_access(patient, feature="telerehab", until=now() + DAY)
    ended = now() - DAY
    FeatureGrant.objects.update(granted_at=ended - DAY, expires_at=ended)
    assert not has_access(patient, "telerehab")

    services.grant_access(patient, feature="telerehab")
    assert grants(patient) == [("telerehab", ended, True), ("telerehab", None, False)]
    assert FeatureGrant.objects.order_by("pk").first().ended_at == ended
    assert has_access(patient, "telerehab")


def test_revoking_ends_access_at_once_and_revoking_nothing_does_nothing(patient):
    services.grant_access(patient, feature="telerehab")
    assert services.revoke_access(patient, feature="telerehab") is not None
    assert services.revoke_access(patient, feature="telerehab") is None
    assert services.revoke_access(patient, feature="library") is None
    assert features_of(patient) == []
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "access.granted",
        "access.revoked",
    ]


def test_an_unknown_feature_and_an_end_that_has_passed_are_refused(patient):
    for values, path in (
        ({"feature": "rocket"}, "feature"),
        ({"feature": "library", "until": datetime(2020, 1, 1, tzinfo=UTC)}, "until"),
    ):
        with pytest.raises(ClinicError) as refusal:
            services.grant_access(patient, **values)
        assert refusal.value.path == path
    assert grants(patient) == []


def test_a_stranger_neither_grants_nor_revokes(patient, stranger):
    services.grant_access(patient, feature="library")
    with acting_as(Actor("user", user_id=stranger.user_id)):
        for act in (services.grant_access, services.revoke_access):
            with pytest.raises(Refused):
                act(patient, feature="library")
    assert grants(patient) == [("library", None, False)]


# --- the library ---


def test_an_item_needs_something_to_read_or_watch(clinic):
    with pytest.raises(ClinicError) as refusal:
        services.add_item(clinic=clinic, slug="neck", title="Neck exercises")
    assert refusal.value.path == "text"
    with pytest.raises(ClinicError) as refusal:
        services.add_item(clinic=clinic, slug="neck", title="Neck exercises", video_url="no link")
    assert refusal.value.path == "video_url"
    assert LibraryItem.objects.count() == 0


def test_a_patient_sees_the_library_with_access_only_and_in_their_language(clinic, other_clinic, patient):
    services.add_item(clinic=clinic, slug="neck", title="Neck", text="Slowly.")
    services.add_item(clinic=clinic, slug="gat", title="Gât", text="Încet.", language="ro")
    services.add_item(clinic=other_clinic, slug="knee", title="Knee", video_url="https://video.example/knee")
    old = services.archive_item(services.add_item(clinic=clinic, slug="old", title="Old", text="Gone."))
    assert list(items_for(patient)) == []

    services.grant_access(patient, feature="library")
    assert [item.slug for item in items_for(patient)] == ["neck"]
    assert [item.slug for item in items(clinic)] == ["gat", "neck"]
    services.update_item(services.restore_item(old), title="Found again")
    assert [item.title for item in items_for(patient)] == ["Found again", "Neck"]


def test_the_front_desk_does_not_edit_the_library(clinic, front_desk):
    with acting_as(Actor("user", user_id=front_desk.user_id)), pytest.raises(Refused):
        services.add_item(clinic=clinic, slug="neck", title="Neck", text="Slowly.")
    assert LibraryItem.objects.count() == 0
