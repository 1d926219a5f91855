"""The endpoints of what rules can be made of, and of the shipped rules."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ClinicView
from automations import recipes
from automations.api import showing
from automations.api.catalog import catalog_json
from automations.api.inputs import InstallBody
from automations.api.rules import etag
from automations.api.serializers import CatalogSerializer, RecipeSerializer, RuleSerializer
from automations.engine.declare import catalog
from automations.models import Rule
from clinic.api.filters import PAGED, refuse_unknown
from clinic.api.problems import invalid

TRIGGER = OpenApiParameter("trigger_event", str, description="Only what a rule that starts from this trigger may use.")


class CatalogView(ClinicView):
    """What rules are made of."""

    serializer_class = CatalogSerializer

    @extend_schema(responses=CatalogSerializer, parameters=[TRIGGER], operation_id="automations_catalog")
    def get(self, request: Request) -> Response:
        """Show triggers with their facts, operators, actions, with labels and JSON Schema, and this clinic's rows.

        Enough to build a rule editor on: every line comes from a declaration.
        """
        refuse_unknown(request, ["trigger_event"])
        trigger = request.query_params.get("trigger_event")
        if trigger is not None and (trigger not in catalog.triggers or catalog.triggers[trigger].stop_only):
            raise invalid("/trigger_event", "unknown_trigger", _("There is no such trigger; leave it out to see all."))
        return Response(catalog_json(self.clinic, trigger))


class RecipesView(ClinicView):
    """The rules that are shipped with the product."""

    serializer_class = RecipeSerializer

    @extend_schema(responses=RecipeSerializer(many=True), operation_id="automations_recipes_list", filters=False)
    def get(self, request: Request) -> Response:
        """List the shipped rules, and which of them the clinic has."""
        refuse_unknown(request, PAGED)
        shipped = recipes.recipes()
        slugs = [one.slug for one in shipped]
        rows = Rule.objects.for_clinic(self.clinic).filter(slug__in=slugs)
        there = dict(rows.order_by().values_list("slug", "mode"))
        data = [self._one(one, there.get(one.slug)) for one in shipped]
        return Response({"next": None, "previous": None, "results": data})

    @staticmethod
    def _one(recipe: recipes.Recipe, mode: str | None) -> dict[str, Any]:
        return {
            "slug": recipe.slug,
            "name": recipe.name,
            "description": recipe.description,
            **recipe.document,
            "needs": {kind: [spec["slug"] for spec in specs] for kind, specs in recipe.needs.items()},
            "installed": mode is not None,
            "mode": mode,
        }


class InstallView(ClinicView):
    """Installing a shipped rule."""

    serializer_class = RuleSerializer
    write_scope = "rules"
    gives_etag = ("",)

    @extend_schema(request=InstallBody, responses={200: RuleSerializer, 201: RuleSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Give the clinic a shipped rule and what it needs (forms, templates, …). There already: nothing happens."""
        values = self.body(InstallBody)
        if slug not in recipes.slugs():
            raise Http404
        done = recipes.set_up(clinic=self.clinic, slug=slug, mode=values["mode"])
        rule = showing.rules_of(self.clinic).get(pk=done.rule.pk)
        status = 201 if done.created else 200
        response = self.shown(RuleSerializer, showing.rules_json([rule])[0], status=status)
        response["ETag"] = etag(rule)
        return response
