"""Moments in words, for people who may live in another zone than their clinic."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name

FALLBACK = "en"


def locale_of(language: str) -> Locale:
    """Return the locale of a language tag such as "ro" or "pt-BR"; English for one that nobody knows."""
    for tag in (language, language.partition("-")[0], FALLBACK):
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    raise AssertionError("English is always known.")


def say_day(day: date, language: str) -> str:
    """Return weekday and date: "Tuesday, 24 November 2026"."""
    return format_date(day, "full", locale=locale_of(language))


def say_moment(moment: datetime, *, zone: ZoneInfo, clinic_zone: ZoneInfo, language: str) -> str:
    """Return weekday, date and time in `zone`, which is named when it is not the clinic's.

    "Tuesday, 24 November 2026, 09:30", and for another zone "…, 02:30 (Eastern Standard Time)".
    """
    locale = locale_of(language)
    local = moment.astimezone(zone)
    text = f"{format_date(local.date(), 'full', locale=locale)}, {format_time(local, 'short', locale=locale)}"
    if zone.key == clinic_zone.key:
        return text
    return f"{text} ({get_timezone_name(local, 'long', locale=locale)})"
