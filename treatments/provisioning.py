"""Treatment programs that shipped rules speak of."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from clinic.provisioning import Spec
from treatments.models import Program
from treatments.programs import create_program


def provide_program(clinic: Any, spec: Spec) -> bool:
    """Offer the program {slug, name} unless the clinic has it."""
    there = Program.objects.for_clinic(clinic).filter(slug=spec["slug"]).first()
    if there is not None:
        if there.archived_at is not None:
            raise ClinicError(_("It is there, but archived. Restore it first."), code="archived")
        return False
    create_program(clinic=clinic, slug=spec["slug"], name=spec["name"])
    return True
