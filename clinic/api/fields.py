"""Fields that take exactly the JSON type they name: nothing is guessed, so that what a client meant is what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.validators import validate_email
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

MAX_ID = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 1900, 2199
A_LETTER = "It holds a letter: numbers alone are ids."
_WORD, _GAP = "[a-z0-9]+", "(?:-|-?(?:_-?)+)"
MADE_SLUG = f"^(?:[a-z0-9]*[a-z][a-z0-9]*|{_WORD}(?:{_GAP}{_WORD})+)$"
"""Slugs as they are made of names: small letters and digits with gaps between; digits alone are none."""
FORM_SLUG = f"^(?:[a-z0-9]*[a-z][a-z0-9]*|{_WORD}(?:[-_]{_WORD})+)$"
NOT_A_TEXT = gettext_lazy("Write a text here.")


def id_of(value: Any) -> int | None:
    """Return the row's number behind an opaque id, or None for what can be none."""
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or text.startswith("0"):
        return None
    number = int(text)
    return number if number <= MAX_ID else None


def moment_of(text: Any) -> datetime:
    """Read an RFC 3339 moment. Raises ValueError saying what would be right."""
    try:
        found = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(_("Write a moment like 2026-11-30T09:00:00+02:00."))
    if found.tzinfo is None:
        raise ValueError(_("Name the time zone, for example 2026-11-30T09:00:00+02:00."))
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(_("Write a year from %(first)d to %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR})
    return found


@extend_schema_field(OpenApiTypes.STR)
class Id(serializers.Field):
    """An opaque id, in answers only."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        """Give the number as text; of a row, its own."""
        return str(getattr(value, "pk", value))


class Text(serializers.CharField):
    """A text, and never a number or a boolean that looks like one. Null, where it is taken, clears."""

    default_error_messages = {"invalid": NOT_A_TEXT}

    def __init__(self, *, max_length: int | None = 200, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Take strings only."""
        if not isinstance(data, str):
            self.fail("invalid")
        value: str = super().to_internal_value(data)
        return value

    def to_representation(self, value: Any) -> Any:
        """Show no text as null where the field may be null."""
        text = str(value)
        return text if text or not self.allow_null else None


class Blank(Text):
    """A text that may be missing: "" inside, null in answers; both are taken."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, allow_blank=True, required=False, **kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Read null as no text."""
        done, value = super().validate_empty_values(data)
        return done, "" if done and value is None else value


class Email(Blank):
    """An email address, or none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Take an address that mail can be sent to."""
        value = super().to_internal_value(data)
        if value:
            validate_email(value)
        return value


@extend_schema_field(
    {"type": "string", "pattern": "^[-a-zA-Z0-9_]*[-a-zA-Z_][-a-zA-Z0-9_]*$", "maxLength": 50, "description": A_LETTER}
)
class Slug(serializers.SlugField):
    """A short name; it holds a letter, because numbers alone are ids."""

    default_error_messages = {
        "invalid": gettext_lazy("Write letters, digits, - and _ only."),
        "number": gettext_lazy("Write at least one letter; numbers alone are ids."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Take strings only."""
        if not isinstance(data, str):
            self.fail("invalid")
        value: str = super().to_internal_value(data)
        if value.isdigit():
            self.fail("number")
        return value


class Integer(serializers.IntegerField):
    """A whole number; no text, no boolean."""

    def to_internal_value(self, data: Any) -> int:
        """Take integers, and floats that are whole."""
        whole = isinstance(data, float) and data.is_integer() and abs(data) < 2**53
        if isinstance(data, bool) or not (isinstance(data, int) or whole):
            self.fail("invalid")
        return int(data)


class Boolean(serializers.BooleanField):
    """True or false; nothing else means either."""

    def to_internal_value(self, data: Any) -> bool:
        """Take booleans only."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Word(serializers.ChoiceField):
    """One of several words."""

    def to_internal_value(self, data: Any) -> Any:
        """Take strings only."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", input=data if isinstance(data, str) else type(data).__name__)
        return data

    default_error_messages = {"invalid_choice": gettext_lazy("“{input}” is not offered here.")}

    def fail(self, key: str, **kwargs: Any) -> Any:
        """List what would be right."""
        words = ", ".join(str(one) for one in self.choices)
        raise serializers.ValidationError(_("Use one of: %(words)s.") % {"words": words}, code=key)


class Moment(serializers.DateTimeField):
    """An RFC 3339 moment with its offset; one without is refused. Answers are in the clinic's zone."""

    def to_internal_value(self, value: Any) -> datetime:
        """Read an aware moment in a year that makes sense."""
        try:
            return moment_of(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="moment") from None

    def to_representation(self, value: Any) -> Any:
        """Write the moment as the clinic's clock shows it."""
        return shown(value, self.context.get("zone")) if isinstance(value, datetime) else value


def shown(moment: datetime, zone: ZoneInfo | None) -> str:
    """Write a moment in a zone (UTC if none), "Z" for UTC itself.

    RFC 3339 knows offsets in whole minutes only; a zone's offset of long ago may have seconds, and then it is UTC.
    """
    local = moment.astimezone(zone or UTC)
    whole = (local.utcoffset() or timedelta()) % timedelta(minutes=1) == timedelta()
    text = (local if whole else moment.astimezone(UTC)).isoformat()
    return text.replace("+00:00", "Z")


class Day(serializers.DateField):
    """A calendar date."""

    def to_internal_value(self, value: Any) -> date:
        """Read YYYY-MM-DD in a year that makes sense."""
        try:
            if not isinstance(value, str) or len(value) != 10:
                raise ValueError
            found = date.fromisoformat(value)
        except ValueError:
            raise serializers.ValidationError(_("Write a date like 1957-03-02."), code="date") from None
        if not 1850 <= found.year <= LAST_YEAR:
            raise serializers.ValidationError(_("Write a year from 1850 to 2199."), code="year")
        return found


@extend_schema_field({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "example": "22:00"})
class Clock(serializers.Field):
    """A local time of day in whole minutes, like 22:00."""

    def to_internal_value(self, data: Any) -> time:
        """Read HH:MM."""
        try:
            if not isinstance(data, str) or len(data) != 5 or data[2] != ":":
                raise ValueError
            return time.fromisoformat(data)
        except ValueError:
            raise serializers.ValidationError(_("Write a time of day like 22:00."), code="time") from None

    def to_representation(self, value: Any) -> str:
        """Write HH:MM."""
        return f"{value:%H:%M}"


@extend_schema_field(OpenApiTypes.STR)
class Reference(serializers.Field):
    """A row of the clinic, named by its slug; another clinic's does not exist.

    `rows(clinic)` gives those that may be named. Answers show the slug.
    """

    default_error_messages = {"invalid": NOT_A_TEXT}

    def __init__(self, rows: Callable[[Any], Any], **kwargs: Any) -> None:
        self.rows = rows
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Find the row."""
        if not isinstance(data, str):
            self.fail("invalid")
        found = self.rows(self.context["clinic"]).filter(slug=data).first()
        if found is None:
            message = _("This clinic has no “%(slug)s” of that kind.") % {"slug": data[:60]}
            raise serializers.ValidationError(message, code="not_found")
        return found

    def to_representation(self, value: Any) -> Any:
        """Show the slug."""
        return value.slug


@extend_schema_field(OpenApiTypes.STR)
class SlugOf(serializers.SlugRelatedField):
    """A row in answers only, by its slug."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="slug", read_only=True, **kwargs)


def one_of(words: Iterable[str], **kwargs: Any) -> Word:
    """Make a field of these words."""
    return Word(choices=[(word, word) for word in words], **kwargs)
