"""The rule editor never loses what was written elsewhere."""

from __future__ import annotations

import json

import pytest

from automations.admin.convert import Editor
from automations.admin.readback import Readback
from automations.engine.declare import catalog
from automations.engine.operators import operators_for
from automations.engine.schema import parse_rule, spec_to_json
from automations.models import Rule
from automations.tests.admin.typed import change, config_of, opened
from automations.tests.builders import document

pytestmark = pytest.mark.django_db(transaction=True)


def stored(rule):
    return Rule.objects.get(pk=rule.pk).draft


def test_a_rule_written_elsewhere_survives_open_and_save(as_admin, follow_up):
    before = stored(follow_up)
    response = as_admin.post(change(follow_up), opened(as_admin, change(follow_up)))
    assert response.status_code == 302
    fresh = Rule.objects.get(pk=follow_up.pk)
    assert fresh.draft == before
    assert fresh.edits == 1


def test_every_example_of_the_catalog_survives_the_editor(clinic):
    for trigger in [one for one in catalog.triggers.values() if not one.stop_only]:
        facts = catalog.facts_for(trigger.key)
        draft = document(
            trigger.key,
            *({"type": key, **one.example} for key, one in catalog.actions.items()),
            config=trigger.example,
            conditions={"match": "any", "items": [dict(fact.example) for fact in facts.values()]},
        )
        draft = spec_to_json(parse_rule(draft, catalog))
        assert there_and_back(clinic, draft) == draft, trigger.key


def there_and_back(clinic, draft):
    editor = Editor(clinic.pk, draft["trigger_event"])
    shown = json.loads(json.dumps(editor.show(draft)))
    back = Readback(editor)
    read = {
        **draft,
        "trigger_config": back.config(shown["trigger_config"]),
        "conditions": back.group(shown["conditions"], ("conditions",), ("conditions",)),
        "actions": back.actions(shown["actions"]),
    }
    return spec_to_json(parse_rule(read, catalog))


VALUES = {
    "number": 65,
    "pair": [1, 2],
    "text": "Iași",
    "texts": ["en", "ro"],
    "members": ["a"],
    "flag": False,
    "text_or_flag": "left",
    "day": "2026-11-24",
    "span": {"amount": 3, "unit": "months"},
}


def test_every_operator_of_every_fact_survives_the_editor(clinic):
    for trigger in [one.key for one in catalog.triggers.values() if not one.stop_only]:
        items = []
        for fact in catalog.facts_for(trigger).values():
            for op in operators_for(fact.type.value, fact.change).values():
                value = VALUES.get(op.takes)
                if op.takes == "members" and fact.choices:
                    value = [fact.choices[0][0]]
                rest = {k: v for k, v in fact.example.items() if k not in ("field", "op", "value")}
                items.append(
                    {
                        "field": fact.example["field"],
                        "op": op.key,
                        **({} if value is None else {"value": value}),
                        **rest,
                    }
                )
        for start in range(0, len(items), 90):
            draft = document(
                trigger,
                config=catalog.triggers[trigger].example,
                conditions={"match": "all", "items": items[start : start + 90]},
            )
            draft = spec_to_json(parse_rule(draft, catalog))
            assert there_and_back(clinic, draft) == draft


@pytest.mark.parametrize("value", ["left", "yes", True, False])
def test_an_answer_that_is_a_text_or_yes_or_no_survives_the_editor(clinic, value):
    asked = {"field": "form.answer", "op": "is", "value": value, "question": "side"}
    draft = document("form.signed", conditions={"match": "all", "items": [asked]})
    draft = spec_to_json(parse_rule(draft, catalog))
    kept = there_and_back(clinic, draft)
    assert json.dumps(kept) == json.dumps(draft)


def test_the_line_that_the_page_gets_has_exactly_the_keys_of_its_kind(as_admin, follow_up):
    page = as_admin.get(change(follow_up)).content.decode()
    for part in ("conditions", "actions"):
        config = config_of(page, part)
        kinds = config["schema"]["$defs"]["item"]["oneOf"]
        for item in walk(config["data"], kinds, config["schema"]):
            assert matching(item, kinds if "field" in item else config["schema"]["items"]["oneOf"]) == 1, item


def walk(data, kinds, schema):
    if isinstance(data, list):
        for one in data:
            yield one
            yield from walk(one.get("only_if", {}), kinds, schema)
        return
    for one in data.get("items", []):
        yield one
        yield from walk(one, kinds, schema)


def matching(item, kinds):
    """Count the kinds that django-jsonform takes the item for: same keys, same const, texts where texts belong."""
    count = 0
    for kind in kinds:
        properties = kind["properties"]
        if set(properties) != set(item):
            continue
        consts = all(one.get("const", item[key]) == item[key] for key, one in properties.items())
        texts = all(isinstance(item[key], str) for key, one in properties.items() if one.get("type") == "string")
        count += consts and texts
    return count
