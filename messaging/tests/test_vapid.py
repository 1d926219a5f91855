"""The keys that sign what goes to push services."""

import stat

import pytest
from django.core.management import call_command
from py_vapid import Vapid02

from messaging import vapid

ENDPOINT = "https://push.example/device/1"


def test_a_key_is_made_once_and_kept_for_the_owner_alone(settings, tmp_path):
    settings.LOCAL_DIR = tmp_path / "new"
    first = vapid.public_key()
    assert vapid.public_key() == first
    assert len(vapid.unb64(first)) == 65
    path = settings.LOCAL_DIR / "vapid_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in settings.LOCAL_DIR.iterdir()] == ["vapid_key"]


def test_production_makes_none(settings, tmp_path):
    settings.CLINIC_MODE, settings.LOCAL_DIR = "production", tmp_path
    assert (vapid.public_key(), vapid.public_keys()) == ("", set())
    assert list(tmp_path.iterdir()) == []


def test_the_command_makes_a_key_that_signs(settings, capsys):
    call_command("vapid_key")
    settings.VAPID_PRIVATE_KEY = capsys.readouterr().out.strip()
    header = vapid.authorization(ENDPOINT, vapid.public_key())
    assert Vapid02.verify(header)
    assert header.endswith(f",k={vapid.public_key()}")


def test_an_older_key_still_signs_and_one_that_is_gone_does_not(settings):
    older, newer = vapid.new_key(), vapid.new_key()
    settings.VAPID_PRIVATE_KEY = older
    known = vapid.public_key()
    settings.VAPID_PRIVATE_KEY, settings.VAPID_OLD_PRIVATE_KEYS = newer, [older]
    assert vapid.public_key() != known
    assert vapid.public_keys() == {vapid.public_key(), known}
    assert vapid.authorization(ENDPOINT, known).endswith(f",k={known}")
    settings.VAPID_OLD_PRIVATE_KEYS = []
    assert vapid.authorization(ENDPOINT, known) is None


@pytest.mark.parametrize("subject", ["mailto:it@clinic.example", "https://clinic.example"])
def test_a_good_subject_passes_the_check(settings, subject):
    settings.VAPID_SUBJECT = subject
    assert vapid.check_keys() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VAPID_PRIVATE_KEY", "short"),
        ("VAPID_PRIVATE_KEY", "no base64 at all!"),
        ("VAPID_OLD_PRIVATE_KEYS", ["short"]),
        ("VAPID_SUBJECT", "somebody"),
    ],
)
def test_what_cannot_sign_is_found_before_the_start(settings, name, value):
    setattr(settings, name, value)
    [problem] = vapid.check_keys()
    assert problem.id == "messaging.E001"
