"""Message templates: saving one, with its texts, checks everything that it says and everything that uses it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import Role, require
from clinic.clock import now
from clinic.errors import ClinicError
from messaging.models import MessageBody, MessageTemplate
from messaging.text import validate
from messaging.variables import Variable


@dataclass(frozen=True, slots=True)
class Body:
    """A template's subject and text in one language, in Liquid."""

    language: str
    subject: str
    text: str


def check_bodies(
    bodies: Iterable[Body], *, inside_only: bool, known: Mapping[str, Variable] | None = None
) -> frozenset[str]:
    """Check all the texts of one template and return the variables they use. Raises ClinicError at "bodies/0/text"."""
    bodies = list(bodies)
    if not bodies:
        raise ClinicError(_("Write the message in at least one language."), code="required", path="bodies")
    seen: set[str] = set()
    used: set[str] = set()
    for position, body in enumerate(bodies):
        path = f"bodies/{position}"
        _check_plain(body, path, seen)
        used |= validate(body.subject, body.text, inside_only=inside_only, path=path, known=known)
    return frozenset(used)


def _check_plain(body: Body, path: str, seen: set[str]) -> None:
    if body.language.lower() in seen:
        raise ClinicError(
            _("There are two texts in the language %(language)s.") % {"language": body.language},
            code="not_unique",
            path=f"{path}/language",
        )
    seen.add(body.language.lower())
    for name in ("language", "subject", "text"):
        value = getattr(body, name)
        longest = getattr(MessageBody._meta.get_field(name), "max_length", None)
        if not value.strip():
            raise ClinicError(_("This must not be empty."), code="required", path=f"{path}/{name}")
        if longest is not None and len(value) > longest:
            message = _("At most %(most)d characters, please.") % {"most": longest}
            raise ClinicError(message, code="too_long", path=f"{path}/{name}")


@transaction.atomic
def save_template(
    *,
    clinic: Any,
    slug: str,
    name: str,
    bodies: Collection[Body],
    category: str = MessageTemplate._meta.get_field("category").default,
    inside_only: bool = False,
) -> MessageTemplate:
    """Create or replace a clinic's template with all its texts; a slug, once there, keeps its meaning for rules.

    The texts are stored before the template, so that who listens to a saved template finds the new ones and may refuse.
    Raises ClinicError naming unknown and sensitive variables.
    """
    require(clinic, Role.CLINIC_ADMIN)
    check_bodies(bodies, inside_only=inside_only)
    template = MessageTemplate.objects.select_for_update(no_key=True).filter(clinic=clinic, slug=slug).first()
    if template is None:
        template = MessageTemplate(clinic=clinic, slug=slug)
    template.name, template.category, template.inside_only = name, category, inside_only
    template.archived_at = None
    try:
        template.full_clean(exclude=["clinic"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise ClinicError(messages[0], code="invalid", path=field) from error
    if template.pk is None:
        template.save()
        audit.record("messagetemplate.created", obj=template)
    _store_bodies(template, bodies)
    finish(template)
    return template


@transaction.atomic
def create_template(*, clinic: Any, slug: str, **fields: Any) -> MessageTemplate:
    """Create a template; see `save_template`. Raises ClinicError (`taken`) for a slug that the clinic has."""
    if MessageTemplate.objects.filter(clinic=clinic, slug=slug).exists():
        raise ClinicError(_("There is a template with this slug already."), code="taken", path="slug")
    return save_template(clinic=clinic, slug=slug, **fields)


@transaction.atomic
def update_template(template: MessageTemplate, **fields: Any) -> MessageTemplate:
    """Change a template's name, category, use or texts; what is left out stays. See `save_template`."""
    stored = MessageTemplate.objects.select_for_update(no_key=True).get(pk=template.pk)
    values = {name: getattr(stored, name) for name in ("name", "category", "inside_only")}
    values["bodies"] = [Body(one.language, one.subject, one.text) for one in stored.bodies.order_by("pk")]
    if fields and all(values[name] == value for name, value in fields.items()):
        require(stored.clinic_id, Role.CLINIC_ADMIN)
        return stored
    archived_at = stored.archived_at
    saved = save_template(clinic=stored.clinic, slug=stored.slug, **{**values, **fields})
    return archive_template(saved) if archived_at is not None else saved


def _store_bodies(template: MessageTemplate, bodies: Collection[Body]) -> None:
    stored = {body.language.lower(): body for body in template.bodies.all()}
    for body in bodies:
        row = stored.pop(body.language.lower(), None) or MessageBody(clinic_id=template.clinic_id, template=template)
        row.language, row.subject, row.text = body.language, body.subject, body.text
        row.save()
    for row in stored.values():
        row.delete()


def finish(template: MessageTemplate) -> None:
    """Announce that a template and its texts are stored: the post_save of "messaging.MessageTemplate"."""
    template.save()
    audit.record("messagetemplate.saved", obj=template)


def archive_template(template: MessageTemplate) -> MessageTemplate:
    """Offer a template no longer; rules that use it are then broken, and say so."""
    return _set_archived(template, archived=True)


def restore_template(template: MessageTemplate) -> MessageTemplate:
    """Offer an archived template again."""
    return _set_archived(template, archived=False)


@transaction.atomic
def _set_archived(template: MessageTemplate, *, archived: bool) -> MessageTemplate:
    require(template.clinic_id, Role.CLINIC_ADMIN)
    fresh: MessageTemplate = MessageTemplate.objects.select_for_update(no_key=True).get(pk=template.pk)
    if (fresh.archived_at is not None) != archived:
        fresh.archived_at = now() if archived else None
        finish(fresh)
    return fresh
