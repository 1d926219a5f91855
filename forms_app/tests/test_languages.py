"""What patients read of forms, in every language that we offer it in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings

from forms_app.message import write
from forms_app.tests.builders import ask, make_template, opened
from messaging.recipients import reader_of
from messaging.services import queue_email
from messaging.text import Content

FORMS = Path(__file__).resolve().parent.parent
LOCALE = FORMS / "locale"
LANGUAGES = ("ar", "es", "ro")
SPOKEN = (
    "answers",
    "conditions",
    "drawing",
    "entrance",
    "fields",
    "message",
    "pages",
    "pdf",
    "views",
)  # the modules whose words reach patients


def catalog(language: str, kind: str = "po") -> Any:
    path = LOCALE / language / "LC_MESSAGES" / f"django.{kind}"
    with path.open("rb") as file:
        return read_mo(file) if kind == "mo" else read_po(file, locale=language)


def said() -> set[str]:
    """Find the words of the pages' templates and of the modules that speak to patients."""
    found = set()
    pages = settings.BASE_DIR / "templates"
    for template in (*(pages / "forms_app").glob("*.html"), *(pages / "staff" / "tablet").glob("*.html")):
        if template.name == "unlock.html":
            continue  # staff read it, in a language of theirs
        text = template.read_text()
        found |= set(re.findall(r'{% translate "([^"]+)" %}', text))
        blocks = re.findall(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", text)
        found |= {re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in blocks}
    for name in SPOKEN:
        found |= set(re.findall(r'[^\w]_\(\s*"([^"]+)"', (FORMS / f"{name}.py").read_text()))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_patients_read_is_translated(language):
    translated = {message.id: message.string for message in catalog(language) if isinstance(message.id, str)}
    assert [words for words in sorted(said()) if not translated.get(words)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders_and_are_compiled(language):
    placeholders = re.compile(r"%\(\w+\)[sd]")
    compiled = catalog(language, "mo")
    for message in catalog(language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            assert sorted(placeholders.findall(message.id)) == sorted(placeholders.findall(message.string))
        else:
            known = set(placeholders.findall("".join(message.id)))
            assert all(set(placeholders.findall(text)) <= known for text in message.string)
        stored = compiled.get(message.id).string
        assert (tuple(stored) if isinstance(stored, list) else stored) == message.string


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "subject", "heading"),
    [
        ("ro", "North Clinic: 2 formulare pentru dumneavoastră", "Formularele dumneavoastră"),
        ("es", "North Clinic: 2 formularios para usted", "Sus formularios"),
        ("ar", "North Clinic: نموذجان لك", "نماذجك"),
        ("fr", "North Clinic: 2 forms for you", "Your forms"),
    ],
)
def test_the_message_and_the_page_speak_the_patients_language(client, patient, language, subject, heading):
    patient.language = language
    patient.save()
    for slug in ("privacy", "other"):
        ask(patient, make_template(patient.clinic, slug))
    delivery = queue_email(
        clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", purpose="forms"
    )
    content = write(delivery, reader_of(delivery))
    assert isinstance(content, Content)
    assert content.subject == subject
    assert ('dir="rtl"' in content.html) == (language == "ar")
    assert heading in client.get(opened(client, patient)).content.decode()
