"""Addresses below /api/v1/automations/."""

from django.urls import path

from automations.api.asking import ExplainView
from automations.api.happenings import EventViewSet, RunViewSet, StepViewSet
from automations.api.offers import CatalogView, InstallView, RecipesView
from automations.api.rules import RuleViewSet
from automations.api.stops import PauseView
from clinic.api.routers import ApiRouter

router = ApiRouter()
router.register("automations/rules", RuleViewSet, "rule")
router.register("automations/events", EventViewSet, "event")
router.register("automations/runs", RunViewSet, "run")
router.register("automations/steps", StepViewSet, "step")

urlpatterns = [
    path("automations/catalog/", CatalogView.as_view(), name="automations-catalog"),
    path("automations/recipes/", RecipesView.as_view(), name="automations-recipes"),
    path("automations/recipes/<str:slug>/install/", InstallView.as_view(), name="automations-recipe-install"),
    path("automations/explain/", ExplainView.as_view(), name="automations-explain"),
    path("automations/pause/", PauseView.as_view(), name="automations-pause"),
    *router.urls,
]
