"""The page of the shipped rules: what each does, what it brings along, and a button that gives it to the clinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from accounts.admin_scope import reach, within
from accounts.models import Clinic
from automations import recipes
from automations.engine.declare import catalog
from automations.engine.problems import RuleInvalid
from automations.engine.schema import parse_rule
from automations.engine.values import RuleSpec
from automations.models import Rule
from automations.naming import look_up
from automations.recipes.installing import MODES
from automations.showing import words
from clinic.errors import ClinicError

MODE_WORDS = {
    "draft": gettext_lazy("as a draft: I read it and publish it myself"),
    "on": gettext_lazy("on: it acts by itself from now on"),
    "review": gettext_lazy("review: a person approves each step"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One shipped rule as the page shows it to a clinic; `rule` is the one that the clinic has of it."""

    recipe: recipes.Recipe
    panel: words.Panel
    needs: tuple[str, ...]
    rule: Rule | None


class RecipePages:
    """The page of recipes, reached from the list of rules. Asked by GET, installed by POST."""

    actions_list = ("recipes_page",)
    add_roles: Any
    admin_site: Any

    @action(description=gettext_lazy("Recipes"), url_path="recipes/", icon="menu_book", permissions=["add"])
    def recipes_page(self, request: HttpRequest) -> HttpResponse:
        """Show the recipes, or install the one that was chosen and go to its rule."""
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        clinics = list(within(Clinic.objects.order_by("name"), reach(request, self.add_roles)))
        clinic = _chosen(request, clinics)
        refusal = ""
        if request.method == "POST":
            try:
                done = recipes.set_up(
                    clinic=clinic, slug=request.POST.get("recipe", ""), mode=request.POST.get("mode", "")
                )
            except ClinicError as error:
                refusal = error.message
            except RuleInvalid as error:
                refusal = "; ".join(f"{one.path or '/'}: {one.message}" for one in error.errors[:3])
            else:
                said = _("Installed: %s") if done.created else _("The clinic has it already: %s")
                messages.success(request, said % done.rule.name)
                return redirect("admin:automations_rule_change", done.rule.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": Rule._meta,
            "title": _("Recipes"),
            "clinic": clinic,
            "clinics": clinics,
            "offers": _offers(clinic),
            "modes": [(mode, MODE_WORDS[mode]) for mode in MODES],
            "refusal": refusal,
        }
        status = 409 if refusal else 200
        return TemplateResponse(request, "admin/automations/rule/recipes.html", context, status=status)


def _chosen(request: HttpRequest, clinics: list[Clinic]) -> Clinic:
    """Return the clinic that is meant: the one named, else the first. One that is not the person's is not there."""
    named = request.POST.get("clinic") or request.GET.get("clinic")
    found = next((one for one in clinics if named in (None, one.slug)), None)
    if found is None:
        raise Http404
    return found


def _offers(clinic: Clinic) -> list[Offer]:
    """Return every recipe with what the clinic has of it."""
    there = {
        rule.slug: rule for rule in Rule.objects.for_clinic(clinic).filter(slug__in=recipes.slugs()).defer("draft")
    }
    return [_offer(one, clinic, there.get(one.slug)) for one in recipes.recipes()]


def _offer(recipe: recipes.Recipe, clinic: Clinic, rule: Rule | None) -> Offer:
    spec = parse_rule(recipe.document, catalog)
    own = {(kind, one["slug"]): one["name"] for kind, specs in recipe.needs.items() for one in specs}
    known = look_up(clinic.pk, _wanted(spec))
    panel = words.panel_with(spec, lambda kind, slug: _name(known(kind, slug), slug, own))
    needs = tuple(f"{_label(kind)}: {one['name']}" for kind, specs in recipe.needs.items() for one in specs)
    return Offer(recipe, panel, needs, rule)


def _name(found: str, slug: str, own: dict[tuple[str, str], str]) -> str:
    """Prefer the name that the clinic's row has; before there is one, the name that it will get."""
    return found if found != slug else next((name for (_kind, one), name in own.items() if one == slug), slug)


def _wanted(spec: RuleSpec) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for use in spec.references:
        wanted.setdefault(use.kind, set()).add(use.slug)
    return wanted


def _label(kind: str) -> str:
    declared = catalog.references.get(kind)
    return str(declared.label if declared else kind.replace("_", " ")).capitalize()
