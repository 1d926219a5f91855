"""Form templates that shipped rules need."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from clinic.provisioning import Spec, register_provider
from forms_app.models import FormTemplate
from forms_app.services import create_template, publish_template_version


@transaction.atomic
def provide_form_template(clinic: Any, spec: Spec) -> bool:
    """Make the form {slug, name, kind, versions: [{title, text, questions, translations}]} unless there is one."""
    there = FormTemplate.objects.for_clinic(clinic).filter(slug=spec["slug"]).first()
    if there is not None:
        if there.archived_at is not None:
            raise ClinicError(_("It is there, but archived. Restore it first."), code="archived")
        if not there.versions.exists():
            raise ClinicError(_("It is there, but no version of it was published."), code="no_version")
        return False
    template = create_template(clinic=clinic, slug=spec["slug"], name=spec["name"], kind=spec["kind"])
    for version in spec["versions"]:
        publish_template_version(template, **version)
    return True


def connect() -> None:
    """Say who makes form templates; called once, when the app is ready."""
    register_provider("form_template", provide_form_template)
