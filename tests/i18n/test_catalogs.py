"""The translations: whole in Romanian, with the same placeholders as the texts, and compiled as they are written."""

from __future__ import annotations

import gettext
import re
import shutil
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings

from tests.i18n.gather import gather

ROOT = Path(__file__).resolve().parents[2]
WHOLE = "ro"
LANGUAGES = sorted(path.name for path in (ROOT / "locale").iterdir() if path.is_dir())
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{(\w+)\}")


def folder(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES"


def catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def messages(language: str) -> list[Message]:
    return [one for one in catalog(folder(language) / "django.po") if one.id]


def keys(found: list[Message]) -> set[tuple[str | None, str]]:
    return {(one.context, one.id[0] if isinstance(one.id, tuple) else one.id) for one in found}


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in PLACEHOLDER.finditer(text)}


def test_romanian_is_whole():
    missing = [one.id for one in messages(WHOLE) if not all(forms(one)) or one.fuzzy]
    assert missing == []
    assert len(messages(WHOLE)) > 1500


def test_staff_are_offered_the_languages_that_are_whole():
    assert settings.STAFF_LANGUAGES == ["en", WHOLE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_text(language):
    wrong = []
    for one in messages(language):
        ids = one.id if isinstance(one.id, tuple) else (one.id,)
        known = placeholders(" ".join(ids))
        for number, text in enumerate(forms(one)):
            one_alone = len(ids) > 1 and number == 0  # “one day” needs no number
            must = set() if one_alone else placeholders(ids[-1])
            if text and not must <= placeholders(text) <= known:
                wrong.append((one.id, text))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    with (folder(language) / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for one in messages(language):
        if all(forms(one)) and not one.fuzzy:
            ids = one.id if isinstance(one.id, tuple) else (one.id,)
            key = f"{one.context}\x04{ids[0]}" if one.context else ids[0]
            said = compiled._catalog.get((key, 0), compiled._catalog.get(key))  # type: ignore[attr-defined]
            assert said == forms(one)[0], f"{one.id}: run `make messages`"


def test_every_text_of_the_program_is_in_the_catalog(tmp_path):
    if shutil.which("xgettext") is None:
        pytest.skip("gettext is not installed (Debian: apt-get install gettext)")
    written = catalog(gather(tmp_path, WHOLE))
    wanted = keys([one for one in written if one.id])
    assert wanted - keys(messages(WHOLE)) == set(), "run `make messages` and translate what is new"
