"""What patients read in the portal, in every language that we offer it in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

from portal.tests.builders import signed_in

PORTAL = Path(__file__).resolve().parent.parent
LANGUAGES = ("ar", "es", "ro")
NOT_READ = {"models.py", "apps.py"}


def catalog(language: str) -> dict[str, str]:
    """What is translated for patients: here and beside the forms; the whole program speaks Romanian."""
    found: dict[str, str] = {}
    for place in ("forms_app/locale", "portal/locale", "locale"):
        path = settings.BASE_DIR / place / language / "LC_MESSAGES" / "django.po"
        if path.exists():
            with path.open("rb") as file:
                rows = list(read_po(file, language))
            found |= {one.id: one.string for one in rows if isinstance(one.id, str)}
            found |= {one.id[0]: one.string[0] for one in rows if not isinstance(one.id, str)}
    return found


def said() -> set[str]:
    """Find the words of the pages' templates and of the modules that speak to patients."""
    found = set()
    for template in (settings.BASE_DIR / "templates" / "portal").glob("*.html"):
        text = template.read_text()
        found |= set(re.findall(r"""{% translate ["'](.+?)["'] %}""", text))
        for block in re.findall(r"{% blocktranslate[^%]*%}(.*?){% (?:plural|endblocktranslate) %}", text):
            found.add(re.sub(r"{{ (\w+) }}", r"%(\1)s", block))
    for module in PORTAL.rglob("*.py"):
        if module.name not in NOT_READ and "tests" not in module.parts and "migrations" not in module.parts:
            found |= set(re.findall(r'[^\w]_\(\s*"([^"]+)"', module.read_text()))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_patients_read_is_translated(language):
    translated = catalog(language)
    assert [words for words in sorted(said()) if not translated.get(words)] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "direction", "heading"),
    [
        ("ro", "ltr", "Bună, Maria"),
        ("es", "ltr", "Hola, Maria"),
        ("ar", "rtl", "مرحبا Maria"),
        ("fr", "ltr", "Hello Maria"),
    ],
)
def test_the_pages_speak_the_patients_language(patient, language, direction, heading):
    patient.language = language
    patient.save()
    page = signed_in(patient).get("/portal/").content.decode()
    assert heading in page
    assert f'dir="{direction}"' in page
