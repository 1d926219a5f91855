"""What holds for every declaration in the catalog, whoever offers it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from automations import checks
from automations.engine.declare import Action, Catalog, Fact, FactType, Subject, Trigger, catalog
from automations.engine.schema import RuleInvalid, parse_rule, spec_to_json

APPS = [Path(config.path) for config in apps.get_app_configs() if Path(config.path).is_relative_to(settings.BASE_DIR)]
PROMISED = sorted(
    [
        *("api.event", "manual"),
        *("appointment.booked", "appointment.cancelled", "appointment.completed", "appointment.confirmed"),
        *("appointment.no_show", "appointment.reassigned", "appointment.reopened", "appointment.rescheduled"),
        *("appointment.started", "appointment.summary_released", "appointment.voided"),
        *(
            "form.declined",
            "form.overdue",
            "form.signed",
            "form.voided",
            "form.withdrawn",
            "patient.left",
            "patient.onboarded",
        ),
        *("treatment.adherence_dropped", "treatment.adherence_recovered", "treatment.assigned"),
        *("treatment.completed", "treatment.ended", "treatment.session_logged"),
    ]
)
TESTS_OWN = {"jot", "whisper"}
TRIGGERS = sorted(catalog.triggers)
ACTIONS = sorted(set(catalog.actions) - TESTS_OWN)
STARTING = [key for key in TRIGGERS if not catalog.triggers[key].stop_only]


def test_the_catalog_holds_what_the_product_promises():
    assert set(PROMISED) <= set(TRIGGERS)
    assert {"cancel_form", "create_task", "require_form", "send_email", "send_notification", "stop_rule"} <= set(
        ACTIONS
    )


def test_no_declaration_has_a_problem():
    assert [str(problem) for problem in checks.problems(catalog)] == []


@pytest.mark.parametrize("key", sorted([*TRIGGERS, *ACTIONS]))
def test_each_trigger_and_action_is_one_file_named_after_its_key_with_a_test_of_its_own(key):
    name = key.replace(".", "_")
    assert [path for app in APPS for path in app.glob(f"automation/{name}.py")], f"no automation/{name}.py"
    assert [path for app in APPS for path in app.rglob(f"tests/**/test_{name}.py")], f"no test_{name}.py"


@pytest.mark.parametrize("key", STARTING)
def test_a_rule_on_each_trigger_goes_out_and_in_unchanged(key):
    document = {
        "trigger_event": key,
        "trigger_config": dict(catalog.triggers[key].example),
        "actions": [{"type": action, **catalog.actions[action].example} for action in ACTIONS],
    }
    spec = parse_rule(document, catalog)
    assert parse_rule(spec_to_json(spec), catalog) == spec


@pytest.mark.parametrize("key", ["appointment.voided", "form.voided", "patient.left"])
def test_a_stop_only_key_starts_no_rule(key):
    with pytest.raises(RuleInvalid) as refused:
        parse_rule({"trigger_event": key, "actions": [{"type": "create_task", "title": "x"}]}, catalog)
    assert "/trigger_event" in {problem.path for problem in refused.value.errors}


class Nameless(Trigger):
    key = "thing.happened"
    subject = "thing"
    model = "nowhere.Thing"
    stop_on = ("thing.undone",)


class Silent(Action):
    key = "be_silent"
    label = "Be silent"
    example = {"loud": True}


def test_a_poor_declaration_is_named_with_all_that_it_lacks():
    known = Catalog()
    known.add(Subject("thing", "Thing", "nowhere.Thing"))
    known.add(Nameless())
    known.add(Silent())
    known.add(
        Fact(key="thing.size", label="Size", type=FactType.number, doc="How big.", example={"field": "thing.size"})
    )
    found = [(problem.id, problem.msg.split()[0]) for problem in checks.problems(known)]
    assert ("automations.E001", "thing.happened") in found
    assert ("automations.E002", "thing.happened") in found
    assert ("automations.E002", "be_silent") in found
    assert ("automations.E003", "be_silent") in found
    assert ("automations.E003", "thing.size") in found
    assert ("automations.E005", "thing.size") in found
    assert found.count(("automations.E004", "thing.happened")) == 2
