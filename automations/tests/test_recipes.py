"""The shipped rules: complete, valid, installed once, and never over what a clinic has made of them."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from accounts.actor import Actor, acting_as
from automations import lifecycle, recipes
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule
from automations.models import Rule
from automations.recipes.shelf import FOLDER
from clinic.errors import ClinicError, Refused
from clinic.provisioning import kinds, register_provider

pytestmark = pytest.mark.django_db

FormTemplate = apps.get_model("forms_app", "FormTemplate")
MessageTemplate = apps.get_model("messaging", "MessageTemplate")
Service = apps.get_model("appointments", "Service")

ALL = (
    "onboarding",
    "appointment-preparation",
    "follow-up-initial-evaluation",
    "treatment-adherence",
    "smart-targeting",
    "appointment-booked",
    "appointment-reminder-24h",
    "appointment-new-time",
    "appointment-cancelled",
    "appointment-missed",
    "consent-signed-grant",
    "consent-withdrawn-revoke",
    "session-strong-pain",
)
THE_API_DOCUMENTS = {
    "trigger_event": "appointment.completed",
    "trigger_config": {},
    "conditions": {
        "match": "all",
        "items": [{"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation"]}],
    },
    "actions": [
        {
            "id": "a1",
            "type": "require_form",
            "form": "satisfaction-survey",
            "timing": {"mode": "delay", "amount": 24, "unit": "hours"},
        },
        {
            "id": "a2",
            "type": "send_email",
            "template": "follow-up-reminder",
            "to": "patient",
            "timing": {"mode": "delay", "amount": 2, "unit": "weeks"},
            "only_if": {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_empty"}]},
        },
        {
            "id": "a3",
            "type": "send_email",
            "template": "clinical-summary",
            "to": "patient",
            "timing": {
                "mode": "wait_for",
                "trigger": "appointment.summary_released",
                "within": {"amount": 3, "unit": "days"},
                "otherwise": "task",
            },
        },
    ],
    "settings": {"reentry": {"mode": "every_time"}, "stop_on": ["appointment.reopened"], "recheck": True},
}


def counts() -> tuple[int, int, int, int]:
    return tuple(model.objects.count() for model in (Rule, FormTemplate, MessageTemplate, Service))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("recipes", *arguments, stdout=out)
    return out.getvalue()


def test_these_are_shipped_in_this_order():
    assert recipes.slugs() == ALL
    assert [one.slug for one in recipes.recipes()] == list(ALL)


@pytest.mark.parametrize("slug", ALL)
def test_each_file_is_named_after_its_recipe_and_is_a_valid_rule(slug):
    assert json.loads((FOLDER / f"{slug}.json").read_text())["slug"] == slug
    assert parse_rule(recipes.recipe(slug).document, catalog).trigger


@pytest.mark.parametrize("slug", ALL)
def test_each_recipe_brings_all_that_it_names(clinic, slug):
    [rule] = recipes.install(clinic=clinic, slug=slug)
    assert (rule.slug, rule.recipe, rule.mode, rule.clinic) == (slug, slug, "draft", clinic)
    assert lifecycle.check_document(clinic, rule.draft).trigger == rule.draft["trigger_event"]


def test_a_need_that_another_recipe_describes_is_made_as_it_says():
    [consent] = recipes.recipe("consent-signed-grant").needs["form_template"]
    assert consent in recipes.recipe("onboarding").needs["form_template"]
    assert (consent["slug"], consent["kind"]) == ("telerehabilitation-consent", "consent")


def test_the_follow_up_is_the_rule_that_the_api_documents():
    assert recipes.recipe("follow-up-initial-evaluation").document == THE_API_DOCUMENTS


def test_installed_on_it_is_published_at_once(clinic):
    [rule] = recipes.install(clinic=clinic, slug="onboarding", mode="on")
    assert (rule.mode, rule.published.number, rule.active_since is not None) == ("on", 1, True)


def test_every_message_is_written_in_english_and_romanian(clinic):
    recipes.install_all(clinic=clinic)
    for template in MessageTemplate.objects.all():
        assert sorted(template.bodies.values_list("language", flat=True)) == ["en", "ro"], template.slug
    for form in FormTemplate.objects.all():
        assert sorted(form.versions.get().translations) == ["ro"], form.slug


def test_no_email_names_a_service_a_specialist_or_a_fact_of_the_patient(clinic):
    recipes.install_all(clinic=clinic)
    for template in MessageTemplate.objects.all():
        for body in template.bodies.all():
            words = f"{body.subject} {body.text}"
            assert "evaluation" not in words.lower(), template.slug
            for name in ("specialist.", "patient.", "appointment.service", "form."):
                assert "{{ " + name not in words, template.slug


def test_the_welcome_mail_does_not_repeat_the_link_to_the_forms(clinic):
    recipes.install(clinic=clinic, slug="onboarding")
    for body in MessageTemplate.objects.get(slug="welcome").bodies.all():
        assert "link" not in body.text


def test_neither_consent_of_the_onboarding_blocks_booking(clinic):
    [rule] = recipes.install(clinic=clinic, slug="onboarding")
    forms = [action for action in rule.draft["actions"] if action["type"] == "require_form"]
    assert [(one["form"], one["blocking"]) for one in forms] == [
        ("privacy-policy-consent", False),
        ("telerehabilitation-consent", False),
    ]


def test_installing_again_changes_nothing(clinic):
    recipes.install_all(clinic=clinic, mode="on")
    before = counts()
    again = [recipes.set_up(clinic=clinic, slug=slug, mode="on") for slug in ALL]
    assert [(one.created, one.needs) for one in again] == [(False, ())] * len(ALL)
    assert counts() == before
    assert before[0] == len(ALL)


def test_what_the_clinic_made_of_a_rule_stays(clinic):
    [rule] = recipes.install(clinic=clinic, slug="onboarding")
    lifecycle.edit_draft(rule, name="Our welcome")
    [again] = recipes.install(clinic=clinic, slug="onboarding", mode="on")
    assert (again.pk, again.name, again.mode) == (rule.pk, "Our welcome", "draft")


def test_a_template_of_the_same_slug_is_left_alone_and_reported(clinic):
    from messaging.templates import Body, save_template

    save_template(clinic=clinic, slug="welcome", name="Ours", bodies=[Body("en", "Hi", "Ours")])
    done = recipes.set_up(clinic=clinic, slug="onboarding")
    assert {(need.kind, need.slug): need.created for need in done.needs} == {
        ("form_template", "privacy-policy-consent"): True,
        ("form_template", "telerehabilitation-consent"): True,
        ("message_template", "welcome"): False,
    }
    assert MessageTemplate.objects.get(slug="welcome").bodies.get().text == "Ours"


def test_an_archived_template_is_named_and_nothing_is_installed(clinic):
    from messaging.templates import Body, archive_template, save_template

    archive_template(save_template(clinic=clinic, slug="welcome", name="Ours", bodies=[Body("en", "Hi", "Ours")]))
    with pytest.raises(ClinicError, match=r"message_template 'welcome': It is there, but archived") as error:
        recipes.install(clinic=clinic, slug="onboarding")
    assert (error.value.code, error.value.path) == ("archived", "message_template/welcome")
    assert counts() == (0, 0, 1, 0)


def test_each_clinic_gets_its_own(clinic, other_clinic):
    [ours] = recipes.install(clinic=clinic, slug="appointment-cancelled")
    [theirs] = recipes.install(clinic=other_clinic, slug="appointment-cancelled")
    assert ours.pk != theirs.pk
    assert MessageTemplate.objects.filter(slug="appointment-cancelled").count() == 2


def test_only_a_clinic_admin_installs(clinic, specialist):
    with acting_as(Actor("user", user_id=specialist.user_id)), pytest.raises(Refused):
        recipes.install(clinic=clinic, slug="onboarding")
    assert counts() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("slug", "mode", "code"), [("onboarding", "paused", "invalid_choice"), ("x", "on", "not_found")]
)
def test_an_unknown_recipe_or_mode_is_refused(clinic, slug, mode, code):
    with pytest.raises(ClinicError) as error:
        recipes.install(clinic=clinic, slug=slug, mode=mode)
    assert error.value.code == code
    assert counts() == (0, 0, 0, 0)


def test_each_kind_of_need_has_one_maker():
    assert set(kinds()) >= {"service", "form_template", "message_template"}
    with pytest.raises(ValueError, match="'service' are made by"):
        register_provider("service", lambda clinic, spec: True)


def test_the_command_lists_the_recipes():
    assert [line.split()[0] for line in run("list").splitlines()] == list(ALL)


def test_the_command_installs_by_name_and_says_what_it_did(clinic):
    out = run("install", "appointment-cancelled", "--clinic", "north", "--mode", "on")
    assert out == "appointment-cancelled: installed (on)\n  message_template appointment-cancelled: made\n"
    out = run("install", "appointment-cancelled", "--clinic", "north")
    assert out == "appointment-cancelled: was there and is left alone (on)\n"


def test_the_command_installs_all(clinic):
    run("install", "--all", "--clinic", "north")
    assert set(Rule.objects.values_list("slug", "mode")) == {(slug, "draft") for slug in ALL}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clinic", "north"], "give --all"),
        (["onboarding", "--all", "--clinic", "north"], "give --all"),
        (["nonsense", "--clinic", "north"], "There is no recipe “nonsense”. There are: onboarding, "),
        (["onboarding", "nonsense", "--clinic", "north"], "Nothing was installed"),
        (["onboarding", "--clinic", "nowhere"], "nowhere"),
    ],
)
def test_the_command_says_what_is_wrong_and_does_nothing(clinic, arguments, words):
    with pytest.raises(CommandError, match=words):
        run("install", *arguments)
    assert counts() == (0, 0, 0, 0)
