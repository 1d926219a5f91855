"""In which language pages and messages speak to somebody."""

from __future__ import annotations

from django.utils import translation


def spoken(*languages: str) -> str:
    """Return the first of the languages that we have words in ("ro-MD" is content with "ro"), else English."""
    for language in languages:
        if language and translation.check_for_language(language):
            return language
    return "en"
