"""Short names that stand in addresses beside ids: each holds a letter, because numbers alone are ids."""

from __future__ import annotations

from django.utils.text import slugify
from django.utils.translation import gettext as _

from clinic.errors import ClinicError


def is_number(slug: str) -> bool:
    """Tell whether an address would take this for an id."""
    return slug.isascii() and slug.isdigit()


def refuse_number(slug: str) -> None:
    """Raise ClinicError for a slug that would take over the address of another row's id."""
    if is_number(slug):
        message = _("Write at least one letter; numbers alone are ids.")
        raise ClinicError(message, code="number", path="slug")


def check_slug(slug: str, most: int) -> None:
    """Raise ClinicError for a chosen slug that is a number, too long, or no slug; an empty one was not chosen."""
    refuse_number(slug)
    if len(slug) > most:
        raise ClinicError(_("At most %(most)d characters, please.") % {"most": most}, code="too_long", path="slug")
    if slug and slugify(slug) != slug:
        raise ClinicError(_("Use small letters, digits and hyphens for the slug."), code="slug", path="slug")


def with_letter(slug: str, word: str) -> str:
    """Return a slug that was made of a name, with a word before it if it is a number; the word alone for none."""
    return f"{word}-{slug}" if is_number(slug) else slug or word
