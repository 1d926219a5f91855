"""Give a clinic a shipped rule and what it needs, through the services that people use; all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.permissions import Role, require
from automations import lifecycle
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule
from automations.models import Rule
from automations.recipes.scenarios import failures
from automations.recipes.shelf import Recipe, recipe, slugs
from clinic.errors import ClinicError
from clinic.provisioning import Provided, provide

DRAFT = "draft"
MODES = (DRAFT, Rule.Mode.ON.value, Rule.Mode.REVIEW.value)


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did: the rule, whether it is new, and what became of each need.

    A rule or a need that the clinic had before is left exactly as it is, whatever the clinic has made of it.
    """

    rule: Rule
    created: bool
    needs: tuple[Provided, ...]


def install(*, clinic: Any, slug: str, mode: str = DRAFT) -> list[Rule]:
    """Give the clinic the shipped rule `slug`, as a draft or published at once ("on", "review").

    Doing it again changes nothing. Raises ClinicError for an unknown slug or mode, or for what cannot be set up.
    """
    return [set_up(clinic=clinic, slug=slug, mode=mode).rule]


def install_all(*, clinic: Any, mode: str = DRAFT) -> list[Rule]:
    """Give the clinic every shipped rule; see `install`."""
    with transaction.atomic():
        return [set_up(clinic=clinic, slug=slug, mode=mode).rule for slug in slugs()]


@transaction.atomic
def set_up(*, clinic: Any, slug: str, mode: str = DRAFT) -> Installed:
    """Do what `install` does, and say what was new and what was left alone.

    The recipe's scenarios are played first: one that ends otherwise than it says is refused with the reason.
    """
    require(clinic, Role.CLINIC_ADMIN)
    if mode not in MODES:
        message = _("A recipe is installed as one of: %(modes)s.") % {"modes": ", ".join(MODES)}
        raise ClinicError(message, code="invalid_choice", path="mode")
    wanted = recipe(slug)
    there = Rule.objects.for_clinic(clinic).filter(slug=wanted.slug).first()
    if there is not None:
        return Installed(there, False, ())
    check_scenarios(wanted)
    needs = tuple(provide(kind, clinic, spec) for kind, specs in wanted.needs.items() for spec in specs)
    rule = lifecycle.create_rule(
        clinic=clinic,
        name=wanted.name,
        document=wanted.document,
        slug=wanted.slug,
        description=wanted.description,
        recipe=wanted.slug,
    )
    if mode != DRAFT:
        rule = lifecycle.publish(rule, mode=mode)
    return Installed(rule, True, needs)


def check_scenarios(wanted: Recipe) -> None:
    """Play a recipe's scenarios. Raises RuleInvalid for its rule, ClinicError (`scenario`) naming what differs."""
    spec = parse_rule(wanted.document, catalog)
    for position, scenario in enumerate(wanted.scenarios):
        found = failures(scenario, spec)
        if found:
            told = {"slug": wanted.slug, "title": scenario.get("title", position), "why": "; ".join(found[:3])}
            message = _("The recipe “%(slug)s” does not do what it says in “%(title)s”: %(why)s.") % told
            raise ClinicError(message, code="scenario", path=f"scenarios/{position}")
