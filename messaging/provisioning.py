"""Message templates that shipped rules need."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from clinic.provisioning import Spec
from messaging.models import MessageTemplate
from messaging.templates import Body, save_template


def provide_message_template(clinic: Any, spec: Spec) -> bool:
    """Make the template {slug, name, category, bodies: {language: {subject, text}}} unless there is one."""
    there = MessageTemplate.objects.for_clinic(clinic).filter(slug=spec["slug"]).first()
    if there is not None:
        if there.archived_at is not None:
            raise ClinicError(_("It is there, but archived. Restore it first."), code="archived")
        return False
    bodies = [Body(language, one["subject"], one["text"]) for language, one in spec["bodies"].items()]
    save_template(clinic=clinic, slug=spec["slug"], name=spec["name"], category=spec["category"], bodies=bodies)
    return True
