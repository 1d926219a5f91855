"""No page says anything that nobody can translate."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import translation

from accounts.models import Clinic, User
from tests.cast import client_of
from tests.i18n import pseudo
from tests.rows import ID, AtHome, clinic_models
from tests.security.test_page_matrix import named_pages

pytestmark = pytest.mark.django_db
MARKS = {"UTC", "SMS", "CSV", "XLSX", "PDF", "API", "kB", "MB", "SHA-256", "English", "Jot", "Whisper"}
ENCODINGS = {"CP1250", "CP1252", "ISO8859-2", "UTF-16", "UTF-8"}
ZONES = {zone.replace("_", " ") for zone in available_timezones()}
"""What has the same name in every language; a language is named in its own."""
PATIENTS = {"staff:form-template-preview"}
"""Shows what a patient sees, in the language that is asked for."""


@pytest.fixture
def rows(clinic, admin, patient):
    made = AtHome()
    for model in clinic_models():
        made.of(model, clinic)
    return made


@pytest.fixture
def in_brackets(monkeypatch):
    pseudo.install()
    monkeypatch.setattr(settings, "STAFF_LANGUAGES", [pseudo.CODE])
    monkeypatch.setattr(translation, "get_language_from_request", lambda request, check_path=False: pseudo.CODE)
    yield
    translation.activate(settings.LANGUAGE_CODE)


def stored() -> set[str]:
    """Return every text of the database: a name is not for translating."""
    found: set[str] = MARKS | ENCODINGS | ZONES
    for model in [*clinic_models(), Clinic, User, apps.get_model("accounts", "AuditEntry")]:
        texts = [
            one.attname
            for one in model._meta.concrete_fields
            if isinstance(one, models.CharField | models.TextField) and not one.choices
        ]
        for row in model._base_manager.values_list(*texts) if texts else ():
            found |= {str(value) for value in row if value}
    return found


def test_every_page_of_the_staff_can_be_translated(rows, admin, in_brackets):
    client = client_of(admin.user)
    missing, seen, known = {}, 0, stored()
    for name, kinds in named_pages():
        if name in PATIENTS:
            continue
        values = {key: ID if kind == "IntConverter" else "x" for key, kind in kinds.items()}
        answer = client.get(reverse(name, kwargs=values), follow=True)
        if answer.status_code != 200 or "html" not in answer["Content-Type"]:
            if answer.streaming:
                list(answer)  # a file that is handed out is closed at its end
            continue
        seen += 1
        html = answer.content.decode()
        if found := pseudo.untranslated(html, known):
            known = stored()  # opening a page may write something, as into the audit trail
            found = pseudo.untranslated(html, known)
        if found:
            missing[name] = sorted(set(found))[:8]
    assert not missing, "\n".join(f"{name}: {words}" for name, words in missing.items())
    assert seen > 20


def test_what_nobody_marked_is_found():
    html = (
        '<p>⟦Home⟧ x12</p><p>Plain</p><button aria-label="Close">⟦x⟧</button>'
        '<p translate="no">Zürich</p><script>var one</script>'
    )

    assert pseudo.untranslated(html, {"x12"}) == ["Plain", "Close"]
