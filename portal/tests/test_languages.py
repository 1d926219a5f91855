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


def catalog(language: str) -> dict[str, object]:
    """What is translated for patients: here and beside the forms."""
    found: dict[str, object] = {}
    for app in ("forms_app", "portal"):
        with (settings.BASE_DIR / app / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
            found |= {one.id if isinstance(one.id, str) else one.id[0]: one.string for one in read_po(file, language)}
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language):
    placeholder = re.compile(r"%\(\w+\)[sd]")
    for source, text in catalog(language).items():
        if isinstance(text, str):
            assert sorted(placeholder.findall(text)) == sorted(placeholder.findall(source)), source


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "direction", "heading"),
    [
        ("ro", "ltr", "Bună ziua, Maria"),
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
