"""Every shipped rule does what its scenarios say, and one that does not is not installed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from automations import recipes
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule
from automations.models import Rule
from automations.recipes import installing
from automations.recipes.scenarios import Played, failures, play
from clinic.errors import ClinicError

STORIES = [(one.slug, story) for one in recipes.recipes() for story in one.scenarios]
NAMES = [f"{slug}: {story['title']}" for slug, story in STORIES]
FOLLOW_UP = "follow-up-initial-evaluation"


def spec_of(slug: str) -> Any:
    return parse_rule(recipes.recipe(slug).document, catalog)


def story_of(slug: str, number: int = 0) -> dict[str, Any]:
    return dict(recipes.recipe(slug).scenarios[number])


@pytest.mark.parametrize(("slug", "story"), STORIES, ids=NAMES)
def test_a_story_ends_as_it_says(slug, story):
    assert failures(story, spec_of(slug)) == []


@pytest.mark.parametrize("slug", recipes.slugs())
def test_each_recipe_says_when_it_runs_and_when_it_does_not(slug):
    stories = recipes.recipe(slug).scenarios
    assert [story["title"] for story in stories if story["steps"]]
    assert [story["title"] for story in stories if not story["steps"]]
    assert len({story["title"] for story in stories}) == len(stories)


def actions_of(slug: str) -> set[str]:
    return {action["id"] for action in recipes.recipe(slug).document["actions"] if not action.get("disabled")}


@pytest.mark.parametrize("slug", recipes.slugs())
def test_the_stories_of_a_recipe_carry_out_each_of_its_actions(slug):
    spec = spec_of(slug)
    ended = [step for story in recipes.recipe(slug).scenarios for step in play(story, spec).steps]
    assert {step["id"] for step in ended if step["state"] == "done"} == actions_of(slug)


@pytest.mark.parametrize("slug", recipes.slugs())
def test_each_step_with_a_condition_of_its_own_is_also_left_out_in_a_story(slug):
    spec = spec_of(slug)
    asking = {action.id for action in spec.actions if action.only_if}
    ended = [step for story in recipes.recipe(slug).scenarios for step in play(story, spec).steps]
    assert {step["id"] for step in ended if step["reason"] == "only_if_false"} == asking


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": []}, "its steps are a1, a2, a3 instead of none"),
        ({"suppressed": "reentry"}, "suppressed: no instead of reentry"),
        ({"stepz": []}, "nobody reads 'stepz'"),
        ({"event": {"at": "2026-11-23T10:00:00"}}, "it cannot be read (ValueError: '2026-11-23T10:00:00' names no"),
        ({"event": {}}, "it cannot be read (KeyError: 'at')"),
        ({"event": {"at": "2026-11-23T10:00:00Z", "trigger": "visit.done"}}, "there is no trigger 'visit.done'"),
        ({"event": {"at": "2026-11-23T10:00:00Z", "anchors": {"x": None}}}, "appointment.completed has no 'x'"),
        ({"facts": {"patient.next_appointment_at": None}}, "it does not say what appointment.service was"),
        (
            {"facts": {"appointment.service": 3, "patient.next_appointment_at": None}},
            "3 is no reference for appointment.service",
        ),
        (
            {"facts": {"form.days_late": 1, "appointment.service": "x", "patient.next_appointment_at": None}},
            "appointment.completed offers no fact 'form.days_late'",
        ),
        ({"later": {"facts": {"appointment.service": "x"}}}, "appointment.service stays as it was"),
        ({"zone": "Mars/Olympus"}, "it cannot be read (ZoneInfoNotFoundError"),
    ],
)
def test_a_story_that_is_wrong_says_where(change, words):
    [first, *_] = failures({**story_of(FOLLOW_UP), **change}, spec_of(FOLLOW_UP))
    assert first.startswith(words)


def test_a_step_that_ends_otherwise_is_named_with_both_ends():
    story = story_of("appointment-cancelled")
    wrong = {**story, "steps": [{"id": "a1", "due": "2026-11-24T10:00:00+02:00", "state": "skipped"}]}
    assert failures(wrong, spec_of("appointment-cancelled")) == [
        "a1: state is done instead of skipped",
        "a1: due is 2026-11-23T08:00:00+00:00 instead of 2026-11-24T08:00:00+00:00",
    ]


def test_facts_of_the_patient_are_asked_again_when_a_step_is_due():
    document = {
        "trigger_event": "patient.onboarded",
        "conditions": {"match": "all", "items": [{"field": "patient.tags", "op": "has_any_of", "value": ["knee"]}]},
        "actions": [
            {
                "type": "send_email",
                "template": "welcome",
                "to": "patient",
                "timing": {"mode": "delay", "amount": 2, "unit": "days"},
            }
        ],
    }
    story = {
        "title": "The tag is gone by then",
        "event": {"at": "2026-11-23T10:00:00+02:00"},
        "facts": {"patient.tags": ["knee"]},
        "later": {"facts": {"patient.tags": []}},
        "steps": [{"id": "a1", "state": "skipped", "reason": "recheck_failed"}],
    }
    assert failures(story, parse_rule(document, catalog)) == []


def test_a_value_stands_for_the_fact_under_whatever_settings_the_rule_asks():
    lines = [
        {"field": "patient.appointment_count", "op": "eq", "value": 0, "window": {"amount": amount, "unit": "months"}}
        for amount in (3, 6)
    ]
    document = {
        "trigger_event": "patient.onboarded",
        "conditions": {"match": "all", "items": lines},
        "actions": [{"type": "create_task", "title": "Call", "assign_to": "front_desk"}],
    }
    spec = parse_rule(document, catalog)
    story = {"title": "x", "event": {"at": "2026-11-23T10:00:00+02:00"}, "facts": {"patient.appointment_count": 0}}
    assert [step["id"] for step in play(story, spec).steps] == ["a1"]
    more = {**story["facts"], spec.conditions.items[1].key: 2}
    assert play({**story, "facts": more}, spec) == Played("", ())


@pytest.mark.django_db
def test_a_recipe_whose_story_ends_otherwise_is_refused_and_nothing_is_installed(clinic, monkeypatch):
    shipped = recipes.recipe(FOLLOW_UP)
    story = {**story_of(FOLLOW_UP), "title": "Nobody is asked", "steps": []}
    monkeypatch.setattr(installing, "recipe", lambda slug: dataclasses.replace(shipped, scenarios=(story,)))
    with pytest.raises(ClinicError) as error:
        recipes.install(clinic=clinic, slug=FOLLOW_UP)
    assert (error.value.code, error.value.path) == ("scenario", "scenarios/0")
    assert error.value.message == (
        "The recipe “follow-up-initial-evaluation” does not do what it says in “Nobody is asked”: "
        "its steps are a1, a2, a3 instead of none."
    )
    assert Rule.objects.count() == 0
    assert Rule._meta.apps.get_model("messaging", "MessageTemplate").objects.count() == 0
