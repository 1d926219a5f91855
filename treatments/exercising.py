"""What an exercise is, wherever one is written down: in a version of a plan, or in a program that plans begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from treatments.models import SESSIONS_A_WEEK_MAX

EXERCISES_MAX = 50
NAME_MAX = 200
INSTRUCTIONS_MAX = 5_000
PARTS = frozenset({"name", "sessions_per_week", "instructions"})


def checked(exercises: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return exercises {name, sessions_per_week, instructions?} as they are stored.

    Raises ClinicError at "exercises/0/name" for the first that cannot be prescribed.
    """
    if len(exercises) > EXERCISES_MAX:
        raise ClinicError(
            _("A plan has at most %(most)d exercises.") % {"most": EXERCISES_MAX}, code="too_many", path="exercises"
        )
    return [_checked(f"exercises/{position}", one) for position, one in enumerate(exercises)]


def _checked(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - PARTS)
    if unknown:
        raise ClinicError(_("An exercise has no “%(name)s”.") % {"name": unknown[0]}, code="unknown", path=path)
    count = given.get("sessions_per_week")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= SESSIONS_A_WEEK_MAX:
        raise ClinicError(
            _("Give a whole number of sessions a week from 0 to %(most)d.") % {"most": SESSIONS_A_WEEK_MAX},
            code="invalid",
            path=f"{path}/sessions_per_week",
        )
    name = str(given.get("name") or "").strip()
    if not 0 < len(name) <= NAME_MAX:
        raise ClinicError(_("Name the exercise, in at most 200 characters."), code="required", path=f"{path}/name")
    instructions = str(given.get("instructions") or "").strip()
    return {"name": name, "sessions_per_week": count, "instructions": instructions}
