"""Moments in the reader's words and zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from messaging.times import say_moment

MOMENT = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
BUCHAREST, NEW_YORK = ZoneInfo("Europe/Bucharest"), ZoneInfo("America/New_York")


def plain(text):
    """Replace the narrow spaces of the locale data."""
    return text.replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        ("en", BUCHAREST, "Tuesday, November 24, 2026, 9:30 AM"),
        ("ro", BUCHAREST, "marți, 24 noiembrie 2026, 09:30"),
        ("en", NEW_YORK, "Tuesday, November 24, 2026, 2:30 AM (Eastern Standard Time)"),
        ("xx-nonsense", BUCHAREST, "Tuesday, November 24, 2026, 9:30 AM"),
    ],
)
def test_a_moment_in_words(language, zone, expected):
    assert plain(say_moment(MOMENT, zone=zone, clinic_zone=BUCHAREST, language=language)) == expected
