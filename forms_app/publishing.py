"""Templates and their versions: a version is written once; another wording is another version."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership
from accounts.permissions import Role, membership_at, require
from clinic.clock import now
from clinic.errors import ClinicError, Refused
from clinic.slugs import refuse_number
from forms_app.errors import FormInvalid
from forms_app.models import FormTemplate, FormTemplateVersion
from forms_app.questions import LANGUAGE, Problems, check_questions, pointer, storable

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SLUG_MAX = 50


def create_template(*, clinic: Any, slug: str, name: str, kind: str, external_id: str = "") -> FormTemplate:
    """Create a template without a version. Raises ClinicError for a slug that is taken or malformed, and a bad kind."""
    require(clinic, Role.CLINIC_ADMIN)
    if isinstance(slug, str):
        refuse_number(slug)
        if len(slug) > SLUG_MAX:
            message = _("At most %(most)d characters, please.") % {"most": SLUG_MAX}
            raise ClinicError(message, code="too_long", path="slug")
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        raise ClinicError(_("Give a slug of lower-case letters, digits, - and _."), code="slug", path="slug")
    if kind not in FormTemplate.Kind.values:
        kinds = ", ".join(FormTemplate.Kind.values)
        raise ClinicError(_("Use one of: %(kinds)s.") % {"kinds": kinds}, code="kind", path="kind")
    if not name.strip() or len(name) > 200 or not storable(name):
        raise ClinicError(_("Give a name of at most 200 characters."), code="name", path="name")
    with transaction.atomic():
        try:
            with transaction.atomic():
                template = FormTemplate.objects.create(
                    clinic=clinic, slug=slug, name=name.strip(), kind=kind, external_id=external_id
                )
        except IntegrityError as error:
            message = _("This clinic has a form %(slug)s already.") % {"slug": external_id or slug}
            raise ClinicError(message, code="not_unique", path="slug") from error
        audit.record("form_template.created", obj=template)
    return template


def publish_template_version(
    template: FormTemplate,
    *,
    title: str = "",
    text: str = "",
    questions: Any = (),
    translations: Any = None,
    published_by: Membership | None = None,
) -> FormTemplateVersion:
    """Publish a wording as the template's next version; the wording that is published already stays as it is.

    `title` defaults to the template's name. The draft, if there was one, is done with. Raises FormInvalid naming every
    wrong place.
    """
    require(template.clinic_id, Role.CLINIC_ADMIN)
    content = checked_wording(template, title=title, text=text, questions=questions, translations=translations)
    with transaction.atomic():
        FormTemplate.objects.select_for_update(no_key=True).get(pk=template.pk)
        if template.draft:
            template.draft = {}
            template.save(update_fields=["draft"])
        newest = template.versions.order_by("-number").first()
        if newest is not None and all(getattr(newest, name) == value for name, value in content.items()):
            return newest
        number = newest.number + 1 if newest else 1
        by = published_by or membership_at(template.clinic_id)
        version = FormTemplateVersion.objects.create(
            clinic_id=template.clinic_id, template=template, number=number, published_by=by, **content
        )
        audit.record("form_template.published", obj=template, detail={"version": number})
    return version


def save_template_draft(template: FormTemplate, **wording: Any) -> FormTemplate:
    """Keep a wording (title, text, questions, translations) that nobody is asked until a person publishes it.

    Raises FormInvalid naming every wrong place.
    """
    require(template.clinic_id, Role.CLINIC_ADMIN)
    draft = checked_wording(template, **wording)
    with transaction.atomic():
        fresh = FormTemplate.objects.select_for_update(no_key=True).get(pk=template.pk)
        if fresh.draft != draft:
            fresh.draft = draft
            fresh.save(update_fields=["draft"])
            audit.record("form_template.drafted", obj=fresh)
    return fresh


def checked_wording(
    template: FormTemplate, *, title: str = "", text: str = "", questions: Any = (), translations: Any = None
) -> dict[str, Any]:
    """Return a wording with every default written out. Raises FormInvalid naming every wrong place."""
    title = (title or template.name).strip()
    listed = list(questions) if isinstance(questions, tuple) else questions
    clean, problems = check_questions(listed)
    _check_texts(title, text, problems)
    languages = _check_translations(translations or {}, problems)
    if template.kind != FormTemplate.Kind.CONSENT and not problems and all(q["type"] == "display" for q in clean):
        problems.note("/questions", "required", _("Ask at least one question."))
    if template.kind == FormTemplate.Kind.CONSENT and not problems and not text.strip() and not clean:
        problems.note("/text", "required", _("Write what the patient agrees to."))
    if problems:
        raise FormInvalid(problems)
    return {"title": title, "text": text, "questions": clean, "translations": languages}


def archive_template(template: FormTemplate) -> FormTemplate:
    """Ask this form of nobody from now on; requests that are open stay open."""
    return _set_archived(template, True)


def restore_template(template: FormTemplate) -> FormTemplate:
    """Let an archived form be asked again."""
    return _set_archived(template, False)


def _set_archived(template: FormTemplate, archived: bool) -> FormTemplate:
    require(template.clinic_id, Role.CLINIC_ADMIN)
    with transaction.atomic():
        fresh = FormTemplate.objects.select_for_update(no_key=True).get(pk=template.pk)
        if (fresh.archived_at is not None) != archived:
            fresh.archived_at = now() if archived else None
            fresh.save(update_fields=["archived_at"])
            audit.record("form_template.archived" if archived else "form_template.restored", obj=fresh)
    return fresh


def _check_texts(title: str, text: str, problems: Problems, path: str = "") -> None:
    if not title or len(title) > 200 or not storable(title):
        problems.note(f"{path}/title", "title", _("Give a title of at most 200 characters."))
    if len(text) > 50_000 or not storable(text):
        problems.note(f"{path}/text", "text", _("Give a text of at most 50,000 characters."))


def _check_translations(raw: Any, problems: Problems) -> dict[str, dict[str, str]]:
    if not isinstance(raw, dict):
        problems.note("/translations", "type", _("Give title and text by language."))
        return {}
    clean: dict[str, dict[str, str]] = {}
    for language, texts in raw.items():
        where = pointer("/translations", language)
        if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
            problems.note(where, "language", _("Use a language code such as en, ro or pt-BR."))
        elif not isinstance(texts, dict) or not set(texts) <= {"title", "text"}:
            problems.note(where, "type", _("Give title and text by language."))
        elif not all(isinstance(one, str) for one in texts.values()):
            problems.note(where, "type", _("Write a text here."))
        else:
            clean[language] = {"title": texts.get("title", "").strip(), "text": texts.get("text", "")}
            _check_texts(clean[language]["title"] or "-", clean[language]["text"], problems, where)
    return clean


def current_version(template: FormTemplate) -> FormTemplateVersion:
    """Return the newest version. Raises Refused if nothing was published yet."""
    version = template.versions.order_by("-number").first()
    if version is None:
        raise Refused(_("Publish a version of this form first."), code="no_version", path="form")
    return version
