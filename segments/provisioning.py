"""Segments that shipped rules need."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from clinic.provisioning import Spec
from segments import services
from segments.models import Segment


def provide_segment(clinic: Any, spec: Spec) -> bool:
    """Make the segment {slug, name, kind, description?, conditions?} unless there is one."""
    there = Segment.objects.for_clinic(clinic).filter(slug=spec["slug"]).first()
    if there is not None:
        if there.archived_at is not None:
            raise ClinicError(_("It is there, but archived. Restore it first."), code="archived")
        return False
    services.create(
        clinic=clinic,
        slug=spec["slug"],
        name=spec["name"],
        kind=spec["kind"],
        description=spec.get("description", ""),
        conditions=spec.get("conditions"),
    )
    return True
