"""Services that shipped rules speak of."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from appointments.models import Service
from appointments.offers import create_service
from clinic.errors import ClinicError
from clinic.provisioning import Spec


def provide_service(clinic: Any, spec: Spec) -> bool:
    """Offer the service {slug, name, minutes} unless the clinic has it."""
    there = Service.objects.for_clinic(clinic).filter(slug=spec["slug"]).first()
    if there is not None:
        if there.archived_at is not None:
            raise ClinicError(_("It is there, but archived. Restore it first."), code="archived")
        return False
    create_service(clinic=clinic, slug=spec["slug"], name=spec["name"], minutes=spec["minutes"])
    return True
