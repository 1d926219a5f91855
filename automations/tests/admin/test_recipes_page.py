"""The page of recipes: what each does, and installing one."""

from __future__ import annotations

import dataclasses

import pytest
from django.apps import apps

from accounts.models import AuditEntry
from automations import recipes
from automations.models import Rule
from automations.recipes import installing

pytestmark = pytest.mark.django_db
PAGE = "/admin/automations/rule/recipes/"
FOLLOW_UP = "follow-up-initial-evaluation"


def test_the_list_of_rules_leads_to_the_recipes(as_admin):
    assert PAGE in as_admin.get("/admin/automations/rule/").content.decode()


def test_the_page_says_what_each_recipe_does_and_brings(as_admin):
    page = as_admin.get(PAGE).content.decode()
    for one in recipes.recipes():
        assert f'id="recipe-{one.slug}"' in page
    assert "only if Service is any of Initial Evaluation" in page
    assert "Form template: Satisfaction survey" in page
    assert "The patient books meanwhile, and the summary is never released" in page


@pytest.mark.parametrize("mode", ["draft", "on", "review"])
def test_a_button_installs_and_leads_to_the_rule(as_admin, clinic, mode):
    response = as_admin.post(PAGE, {"clinic": clinic.slug, "recipe": FOLLOW_UP, "mode": mode})
    rule = Rule.objects.get()
    assert response["Location"] == f"/admin/automations/rule/{rule.pk}/change/"
    assert (rule.slug, rule.recipe, rule.mode, rule.clinic) == (FOLLOW_UP, FOLLOW_UP, mode, clinic)
    page = as_admin.get(PAGE).content.decode()
    assert f'href="/admin/automations/rule/{rule.pk}/change/"' in page
    assert f'name="recipe" value="{FOLLOW_UP}"' not in page


def test_again_changes_nothing(as_admin, clinic):
    as_admin.post(PAGE, {"recipe": FOLLOW_UP, "mode": "draft"})
    as_admin.post(PAGE, {"recipe": FOLLOW_UP, "mode": "on"})
    assert Rule.objects.get().mode == "draft"
    assert AuditEntry.objects.filter(action="rule.created").count() == 1


def test_one_that_fails_its_examples_is_refused_with_the_reason_and_nothing_is_installed(as_admin, monkeypatch):
    shipped = recipes.recipe(FOLLOW_UP)
    story = {**shipped.scenarios[0], "steps": []}
    monkeypatch.setattr(installing, "recipe", lambda slug: dataclasses.replace(shipped, scenarios=(story,)))
    response = as_admin.post(PAGE, {"recipe": FOLLOW_UP, "mode": "on"})
    assert response.status_code == 409
    assert "its steps are a1, a2, a3 instead of none" in response.content.decode()
    assert (Rule.objects.count(), apps.get_model("forms_app", "FormTemplate").objects.count()) == (0, 0)


@pytest.mark.parametrize("posted", [{"recipe": "nonsense", "mode": "on"}, {"recipe": FOLLOW_UP, "mode": "paused"}, {}])
def test_nonsense_is_refused_and_nothing_is_installed(as_admin, posted):
    assert as_admin.post(PAGE, posted).status_code == 409
    assert Rule.objects.count() == 0


@pytest.mark.parametrize("verb", ["get", "post"])
def test_only_a_clinic_admin_reaches_the_page(as_front_desk, verb):
    assert getattr(as_front_desk, verb)(PAGE, {"recipe": FOLLOW_UP, "mode": "on"}).status_code == 403
    assert PAGE not in as_front_desk.get("/admin/automations/rule/").content.decode()
    assert Rule.objects.count() == 0


def test_another_clinic_is_not_there(as_admin, other_clinic):
    assert as_admin.get(PAGE, {"clinic": other_clinic.slug}).status_code == 404
    assert as_admin.post(PAGE, {"clinic": other_clinic.slug, "recipe": FOLLOW_UP, "mode": "on"}).status_code == 404
    assert Rule.objects.count() == 0
