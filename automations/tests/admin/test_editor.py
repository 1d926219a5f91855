"""The rule editor: what it writes, and what it never loses."""

from __future__ import annotations

import copy
import json

import pytest

from automations import lifecycle
from automations.admin.convert import Editor
from automations.engine.declare import catalog
from automations.models import Rule
from automations.tests.admin.typed import ADD, change, config_of, lines, opened
from automations.tests.builders import document, service

pytestmark = pytest.mark.django_db


def stored(rule):
    return Rule.objects.get(pk=rule.pk).draft


def test_creating_writes_a_draft_through_the_service(as_admin, clinic, admin):
    posted = opened(as_admin, f"{ADD}?trigger_event=appointment.confirmed")
    editor = Editor(clinic.pk, "appointment.confirmed")
    shown = editor.show(
        document("appointment.confirmed", {"type": "create_task", "title": "Prepare", "assign_to": "front_desk"})
    )
    posted |= {"name": "Prepare", "actions": json.dumps(shown["actions"]), "trigger_event": "appointment.confirmed"}
    response = as_admin.post(ADD, posted)
    rule = Rule.objects.get()
    assert response.status_code == 302
    assert (rule.name, rule.mode, rule.clinic, rule.owner) == ("Prepare", "draft", clinic, admin)
    assert [(one["id"], one["title"]) for one in rule.draft["actions"]] == [("a1", "Prepare")]
    assert rule.draft["settings"]["stop_on"] == list(catalog.triggers["appointment.confirmed"].stop_on)


def test_a_stale_form_is_refused(as_admin, follow_up):
    posted = opened(as_admin, change(follow_up))
    lifecycle.edit_draft(follow_up, name="Meanwhile")
    response = as_admin.post(change(follow_up), {**posted, "name": "Too late"})
    assert response.status_code == 200
    assert "was changed by somebody else" in response.content.decode()
    assert Rule.objects.get(pk=follow_up.pk).name == "Meanwhile"


@pytest.mark.parametrize("emptied", ["", "null", '""', "[]", "{}", '{"match": "all"}', "not json"])
def test_emptied_conditions_never_become_everyone(as_admin, follow_up, emptied):
    before = stored(follow_up)
    posted = {**opened(as_admin, change(follow_up)), "conditions": emptied}
    response = as_admin.post(change(follow_up), posted)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["conditions"]
    assert stored(follow_up) == before
    del posted["conditions"]
    assert as_admin.post(change(follow_up), posted).status_code == 200
    assert stored(follow_up) == before


@pytest.mark.parametrize(
    "hostile",
    [
        '[{"field": 1}]',
        '{"match": [], "items": [1, null, "x", {"field": {}}, {"field": "patient.age", "op": {}}]}',
        '{"match": "all", "items": [{"field": "patient.age", "op": "gte", "value_number": "65", "extra__": "{]"}]}',
        '{"match": "all", "items": [{"field": "patient.age", "op": "gte", "value_number": 1, "extra__": "[1]"}]}',
        '{"match": "all", "items": [{"field": "patient.age", "op": "gte", "value_number": NaN}]}',
        '{"match": "all", "items": [{"field": "patient.city", "op": "is", "value_text": "a\\u0000b"}]}',
        '{"match": "all", "items": [{"field": "patient.age", "op": "gte", "value_number": ' + "9" * 5000 + "}]}",
        "[" * 5000 + "]" * 5000,
        '{"match":"all","items":[' + '{"field":"group","match":"all","items":[' * 70 + "]}" * 71,
        '{"match":"all","items":[' + '{"field":"group","match":"all","items":[' * 400 + "]}" * 401,
    ],
)
def test_whatever_is_posted_is_refused_with_a_reason(as_admin, follow_up, hostile):
    before = stored(follow_up)
    posted = {**opened(as_admin, change(follow_up)), "conditions": hostile}
    response = as_admin.post(change(follow_up), posted)
    assert response.status_code == 200
    assert "conditions" in response.context["adminform"].form.errors
    assert stored(follow_up) == before
    assert as_admin.post(change(follow_up), {**posted, "conditions": "", "actions": hostile}).status_code == 200


def test_a_problem_is_shown_at_its_input_and_above_the_form(as_admin, follow_up):
    posted = opened(as_admin, change(follow_up))
    conditions, actions = lines(posted, "conditions"), lines(posted, "actions")
    conditions["items"][1]["items"][0]["value_pair__low"] = 99
    actions[0]["when__unit"] = "hours"
    actions[1]["title"] = ""
    posted |= {"conditions": json.dumps(conditions), "actions": json.dumps(actions), "hourly_cap": "0"}
    response = as_admin.post(change(follow_up), posted)
    page = response.content.decode()
    assert config_of(page, "conditions")["errorMap"] == {
        "items§1§items§0§value_pair__low": ["Write the lower number first."]
    }
    assert set(config_of(page, "actions")["errorMap"]) == {"0§when__at", "1§title"}
    assert "hourly_cap" in response.context["adminform"].form.errors
    assert "Nothing was saved" in page
    assert config_of(page, "conditions")["data"] == conditions
    assert stored(follow_up)["actions"][1]["title"] == "Before it"


def test_a_deleted_choice_is_kept_named_and_blocks_saving(as_admin, clinic, follow_up):
    chosen = service(clinic)
    chosen.archived_at = "2026-11-01T00:00:00Z"
    chosen.save()
    page = as_admin.get(change(follow_up)).content.decode()
    config = config_of(page, "conditions")
    assert "This rule cannot be saved or published as it is" in page
    assert {"title": "(deleted) Initial Evaluation", "value": "initial-evaluation"} in options(
        config, "appointment.service", "value_members"
    )
    assert config["data"]["items"][0]["value_members"] == ["initial-evaluation"]
    assert config["errorMap"]["items§0§value_members"] == [
        "This clinic has no Service “initial-evaluation” that may be used."
    ]
    before = stored(follow_up)
    response = as_admin.post(change(follow_up), opened(as_admin, change(follow_up)))
    assert response.status_code == 200
    assert stored(follow_up) == before


def options(config, field, key):
    kinds = config["schema"]["$defs"]["item"]["oneOf"]
    kind = next(one for one in kinds if one["properties"]["field"].get("const") == field)
    return kind["properties"][key]["items"]["choices"]


def test_unknown_fields_and_actions_stay_named_and_block_saving(as_admin, follow_up):
    odd = copy.deepcopy(stored(follow_up))
    odd["conditions"]["items"].append({"field": "patient.shoe_size", "op": "gte", "value": {"deep": [1]}})
    odd["actions"].append({"type": "send_fax", "number": "112"})
    odd["actions"][0]["colour"] = "red"
    Rule.objects.filter(pk=follow_up.pk).update(draft=odd)
    page = as_admin.get(change(follow_up)).content.decode()
    conditions, actions = config_of(page, "conditions"), config_of(page, "actions")
    titles = [one["title"] for one in conditions["schema"]["$defs"]["item"]["oneOf"]]
    assert "(not available) patient.shoe_size" in titles
    assert "(not available) send_fax" in [one["title"] for one in actions["schema"]["items"]["oneOf"]]
    assert json.loads(conditions["data"]["items"][-1]["extra__"]) == {"op": "gte", "value": {"deep": [1]}}
    assert json.loads(actions["data"][0]["extra__"]) == {"colour": "red"}
    response = as_admin.post(change(follow_up), opened(as_admin, change(follow_up)))
    assert response.status_code == 200
    assert stored(follow_up) == odd


@pytest.mark.parametrize(
    "poison",
    [[], "text", {"conditions": "x"}, {"conditions": {"items": [1]}}, {"actions": {"a": 1}}, {"actions": [[]]}],
)
def test_a_draft_that_is_no_rule_opens_and_shows_what_is_stored(as_admin, follow_up, poison):
    Rule.objects.filter(pk=follow_up.pk).update(draft=poison, mode="quarantined", mode_reason="unusable")
    response = as_admin.get(change(follow_up))
    page = response.content.decode()
    assert response.status_code == 200
    assert "No inputs can be made" in page
    assert "What is stored" in page
    assert "data-django-jsonform" not in page
    assert as_admin.post(change(follow_up), {"name": "x"}).status_code in (200, 302)
    assert stored(follow_up) == poison
    assert as_admin.get("/admin/automations/rule/").status_code == 200


def test_a_draft_too_deep_to_load_opens(as_admin, follow_up):
    from django.db import connection

    with connection.cursor() as cursor:
        deep = '{"actions": ' + "[" * 1500 + "]" * 1500 + "}"
        cursor.execute("UPDATE automations_rule SET draft = %s::jsonb WHERE id = %s", [deep, follow_up.pk])
    assert as_admin.get("/admin/automations/rule/").status_code == 200
    response = as_admin.get(change(follow_up))
    assert response.status_code == 200
    assert "No inputs can be made" in response.content.decode()
    assert as_admin.get(f"/admin/automations/rule/{follow_up.pk}/do/publish/").status_code == 200
    for verb, status in (("publish", 409), ("duplicate", 409), ("archive", 302)):  # archiving need not read it
        response = as_admin.post(f"/admin/automations/rule/{follow_up.pk}/do/{verb}/", {"mode": "on", "name": "x"})
        assert (verb, response.status_code) == (verb, status)


def test_who_may_only_look_sees_the_sentence(as_front_desk, as_specialist, follow_up):
    for client in (as_front_desk, as_specialist):
        page = client.get(change(follow_up)).content.decode()
        assert "When Appointment completed" in page or "When Visit completed" in page or "only if" in page
        assert "data-django-jsonform" not in page
        assert '"match"' not in page


def test_others_change_nothing(as_front_desk, as_stranger, client, follow_up):
    before = stored(follow_up)
    for one, status in ((as_front_desk, 403), (as_stranger, 302), (client, 302)):
        response = one.post(change(follow_up), {"name": "Mine", "conditions": "{}", "read_edits": "0"})
        assert response.status_code == status
    assert as_front_desk.post(ADD, {"name": "Mine"}).status_code == 403
    assert as_front_desk.get(ADD).status_code == 403
    assert stored(follow_up) == before
    assert Rule.objects.get().name == "Follow-up"
    assert as_stranger.get(change(follow_up)).status_code == 302
    assert "Follow-up" not in as_stranger.get("/admin/automations/rule/").content.decode()


def test_a_platform_operator_chooses_the_clinic(as_operator, clinic, other_clinic):
    service(other_clinic, "massage")
    page = as_operator.get(ADD)
    assert "clinic" in page.context["adminform"].form.fields
    posted = opened(as_operator, f"{ADD}?trigger_event=appointment.completed")
    task = {"type": "create_task", "title": "Prepare", "assign_to": "front_desk"}
    items = [{"field": "appointment.service", "op": "is_any_of", "value": ["massage"]}]
    draft = document("appointment.completed", task, conditions={"match": "all", "items": items})
    shown = Editor(other_clinic.pk, "appointment.completed").show(draft)
    posted |= {"name": "Far away", **{part: json.dumps(shown[part]) for part in ("conditions", "actions")}}
    lines_of_clinic = as_operator.post("/admin/automations/rule/lines/", {**posted, "clinic": other_clinic.pk}).json()
    assert "Massage" in json.dumps(lines_of_clinic["parts"]["conditions"]["schema"])
    assert as_operator.post(ADD, {**posted, "clinic": clinic.pk}).status_code == 200
    assert not Rule.objects.exists()
    assert as_operator.post(ADD, {**posted, "clinic": other_clinic.pk}).status_code == 302
    assert Rule.objects.get().clinic == other_clinic


def test_no_one_sees_another_clinics_choices(as_admin, other_clinic):
    service(other_clinic, "secret-service")
    posted = opened(as_admin, f"{ADD}?trigger_event=appointment.completed")
    answer = as_admin.post("/admin/automations/rule/lines/", {**posted, "clinic": other_clinic.pk})
    assert "secret-service" not in answer.content.decode()
