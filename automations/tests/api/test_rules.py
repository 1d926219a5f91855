"""Rules over the API: made, read, edited, published, paused, resumed, archived."""

from __future__ import annotations

import pytest

from automations import ticking
from automations.models import Rule, RuleVersion, Step
from automations.tests.api.bodies import SENIORS, errors, rule_body
from automations.tests.builders import move, states, titles, visit

pytestmark = pytest.mark.django_db
RULES = "automations/rules/"


@pytest.fixture
def rule(api):
    """The rule as it was read after it was made and published."""
    answer = api.post(RULES, rule_body(mode="on"))
    assert answer.status_code == 201, answer.content
    return answer.json()


def address(rule, verb=""):
    return f"{RULES}{rule['slug']}/{verb}"


def test_no_rule_takes_over_the_id_of_another_in_addresses(api, rule):
    answer = api.post(RULES, {**rule_body(), "slug": rule["id"]})
    assert (answer.status_code, errors(answer)) == (422, [("/slug", "number")])
    Rule.objects.filter(pk=api.post(RULES, rule_body(slug="other")).json()["id"]).update(slug=rule["id"])
    assert api.get(f"{RULES}{rule['id']}/").json()["slug"] == rule["slug"]


def test_a_rule_made_of_the_least_is_read_with_every_default(api):
    least = {"name": "Least", "trigger_event": "appointment.completed", "actions": [{"type": "jot", "title": "Call"}]}
    answer = api.post(RULES, least)
    assert answer.status_code == 201
    made = answer.json()
    assert {key: made[key] for key in made if key not in ("id", "created_at")} == {
        "slug": "least",
        "name": "Least",
        "description": "",
        "mode": "draft",
        "mode_reason": "",
        "enabled": False,
        "trigger_event": "appointment.completed",
        "trigger_config": {},
        "conditions": {"match": "all", "items": []},
        "actions": [
            {
                "id": "a1",
                "type": "jot",
                "title": "Call",
                "refuse": False,
                "timing": {"mode": "immediately"},
                "only_if": None,
                "note": "",
                "disabled": False,
            }
        ],
        "settings": {
            "reentry": {"mode": "every_time"},
            "stop_on": made["settings"]["stop_on"],
            "recheck": None,
            "hourly_cap": None,
        },
        "version": None,
        "unpublished_changes": True,
        "execution_count": 0,
        "last_executed_at": None,
        "sentence": made["sentence"],
        "broken": None,
        "recipe": None,
    }
    assert made["sentence"].startswith(
        "When Appointment completed, every time, then: 1. Jot (Title: Call, Refuse: no)."
    )
    assert answer["Location"].endswith("/api/v1/automations/rules/least/")
    assert api.get(answer["Location"]).json() == made
    assert api.get(f"{RULES}{made['id']}/").json() == made


def test_mode_on_publishes_at_once(api, rule):
    assert (rule["mode"], rule["enabled"], rule["version"], rule["unpublished_changes"]) == ("on", True, 1, False)
    assert api.post(RULES, rule_body("Looked at", mode="review")).json()["mode"] == "review"


def test_what_is_read_can_be_sent_to_another_clinic(api, stranger_api, rule):
    answer = stranger_api.post(RULES, api.get(address(rule)).json())
    assert (answer.status_code, answer.json()["mode"]) == (201, "on")
    parts = ("slug", "name", "trigger_event", "trigger_config", "conditions", "actions", "settings", "sentence")
    assert {key: answer.json()[key] for key in parts} == {key: rule[key] for key in parts}


def test_what_it_did_is_counted_from_its_runs(api, rule, patient):
    for _ in range(2):
        move(visit(patient), status="completed")
    ticking.drain_all()
    read = api.get(address(rule)).json()
    assert (read["execution_count"], titles()) == (2, ["Call", "Call"])
    assert read["last_executed_at"] > rule["created_at"]


def test_an_edit_changes_the_draft_and_publishing_makes_it_count(api, rule, patient):
    read = api.get(address(rule))
    edited = api.patch(address(rule), {"conditions": SENIORS, "name": "Seniors"}, **{"If-Match": read["ETag"]})
    assert edited.status_code == 200
    body = edited.json()
    assert (body["conditions"], body["name"], body["actions"]) == (SENIORS, "Seniors", rule["actions"])
    assert (body["version"], body["unpublished_changes"], body["mode"]) == (1, True, "on")
    assert edited["ETag"] != read["ETag"]
    published = api.post(address(rule, "publish/"), {}, **{"If-Match": edited["ETag"]}).json()
    assert (published["version"], published["unpublished_changes"], published["mode"]) == (2, False, "on")


def test_a_new_trigger_does_not_keep_the_settings_of_the_old_one(api, clinic):
    body = rule_body(trigger_event="appointment.booked", trigger_config={"first_only": True})
    made = api.post(RULES, body)
    edited = api.patch(
        address(made.json()), {"trigger_event": "appointment.completed"}, **{"If-Match": made["ETag"]}
    ).json()
    assert (edited["trigger_event"], edited["trigger_config"]) == ("appointment.completed", {})


def test_without_if_match_an_edit_is_428(api, rule):
    answer = api.patch(address(rule), {"name": "Other"})
    assert (answer.status_code, errors(answer)) == (428, [("", "if_match_required")])
    assert api.get(address(rule)).json() == rule


@pytest.mark.parametrize("verb", ["PATCH", "publish/", "DELETE"])
def test_a_stale_if_match_is_412_and_changes_nothing(api, rule, verb):
    stale = {"If-Match": api.get(address(rule))["ETag"]}
    api.patch(address(rule), {"conditions": SENIORS}, **stale)
    before = api.get(address(rule))
    answer = {
        "PATCH": lambda: api.patch(address(rule), {"name": "Mine"}, **stale),
        "publish/": lambda: api.post(address(rule, "publish/"), {}, **stale),
        "DELETE": lambda: api.send("DELETE", address(rule), **stale),
    }[verb]()
    assert (answer.status_code, errors(answer), answer["ETag"]) == (412, [("", "stale")], before["ETag"])
    after = api.get(address(rule))
    assert (after.json(), after["ETag"], RuleVersion.objects.count()) == (before.json(), before["ETag"], 1)


def test_what_an_edit_repeats_of_the_name_and_mode_is_no_change(api, rule):
    tag = api.get(address(rule))["ETag"]
    answer = api.patch(address(rule), {"slug": rule["slug"], "mode": "on", "version": 7}, **{"If-Match": tag})
    assert (answer.status_code, answer.json(), answer["ETag"]) == (200, rule, tag)


@pytest.mark.parametrize(("key", "value"), [("slug", "other"), ("mode", "paused")])
def test_an_edit_changes_neither_slug_nor_mode(api, rule, key, value):
    tag = api.get(address(rule))["ETag"]
    answer = api.patch(address(rule), {key: value}, **{"If-Match": tag})
    assert (answer.status_code, errors(answer)) == (422, [(f"/{key}", "read_only")])
    assert api.get(address(rule)).json() == rule


def test_pausing_holds_what_is_planned_and_resuming_asks_what_becomes_of_it(api, rule, patient):
    paused = api.post(address(rule, "pause/"), {"why": "Holidays"}).json()
    assert (paused["mode"], paused["mode_reason"], paused["enabled"]) == ("paused", "Holidays", False)
    assert api.post(address(rule, "pause/"), {}).json() == paused
    move(visit(patient), status="completed")
    ticking.drain_all()
    asked = api.post(address(rule, "resume/"), {})
    assert (asked.status_code, errors(asked)) == (422, [("/overdue", "required")])
    assert states(Rule.objects.get()) == [("a1", "held", "paused")]
    assert api.post(address(rule, "resume/"), {"overdue": "run"}).json()["mode"] == "on"
    ticking.drain_all()
    assert titles() == ["Call"]


def test_resuming_can_skip_the_overdue(api, rule, patient):
    api.post(address(rule, "pause/"))
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert api.post(address(rule, "resume/"), {"overdue": "skip"}).status_code == 200
    ticking.drain_all()
    assert (titles(), Step.objects.get().state) == ([], "skipped")


def test_a_draft_cannot_be_paused_or_resumed(api):
    draft = api.post(RULES, rule_body()).json()
    answers = [api.post(address(draft, verb), {}) for verb in ("pause/", "resume/")]
    assert [(one.status_code, errors(one)) for one in answers] == [(409, [("/status", "impossible_transition")])] * 2


def test_deleting_archives(api, rule, patient):
    assert api.send("DELETE", address(rule)).status_code == 204
    read = api.get(address(rule)).json()
    assert (read["mode"], read["enabled"]) == ("archived", False)
    assert api.send("DELETE", address(rule)).status_code == 204
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert titles() == []


def test_versions_say_in_sentences_what_changed(api, rule):
    tag = api.get(address(rule))["ETag"]
    actions = [
        *rule["actions"],
        {"type": "jot", "title": "Write", "timing": {"mode": "delay", "amount": 2, "unit": "days"}},
    ]
    api.patch(address(rule), {"actions": actions, "conditions": SENIORS}, **{"If-Match": tag})
    sentence = api.get(address(rule, "sentence/")).json()
    assert sentence["differences"] == [
        "no longer: When Appointment completed, every time, then:",
        "new: When Appointment completed, only if Age is at least 65, then:",
        "new: after 2 days, Jot (Title: Write, Refuse: no)",
    ]
    assert (sentence["opening"], sentence["steps"]) == (
        "When Appointment completed, only if Age is at least 65, then:",
        ["Jot (Title: Call, Refuse: no)", "after 2 days, Jot (Title: Write, Refuse: no)"],
    )
    api.post(address(rule, "publish/"))
    assert api.get(address(rule, "sentence/")).json()["differences"] == []
    newest, first = api.get(address(rule, "versions/")).json()["results"]
    assert (newest["number"], newest["current"], newest["differences"]) == (2, True, sentence["differences"])
    assert (first["number"], first["current"], first["differences"]) == (1, False, [])
    assert (newest["sentence"], first["actions"]) == (sentence["sentence"], rule["actions"])
    page = api.get(address(rule, "versions/?limit=1")).json()
    assert [one["number"] for one in api.get(page["next"]).json()["results"]] == [1]
    assert page["results"] == [newest]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["acts", "draft", "stands", "watched"]),
        ("?trigger_event=appointment.booked", ["draft"]),
        ("?enabled=true", ["acts", "watched"]),
        ("?enabled=false", ["draft", "stands"]),
        ("?mode=paused", ["stands"]),
        ("?mode=on,paused&trigger_event=appointment.completed", ["acts", "stands"]),
        ("?ordering=-slug&limit=2", ["watched", "stands"]),
    ],
)
def test_lists_are_filtered(api, query, slugs):
    for name, more in {
        "Acts": {"mode": "on"},
        "Draft": {"trigger_event": "appointment.booked"},
        "Stands": {"mode": "on"},
        "Watched": {"mode": "review"},
    }.items():
        api.post(RULES, rule_body(name, **more))
    api.post(f"{RULES}stands/pause/")
    assert [one["slug"] for one in api.get(RULES + query).json()["results"]] == slugs


def test_publishing_keeps_what_is_under_review_there_unless_told(api):
    made = api.post(RULES, rule_body(mode="review")).json()
    assert api.post(address(made, "publish/"), {}).json()["mode"] == "review"
    assert api.post(address(made, "publish/"), {"mode": "on"}).json()["mode"] == "on"


def test_a_condition_on_what_has_no_etag_is_refused_and_nothing_is_changed(api, rule, patient):
    for send, path, body in (
        (api.patch, f"patients/{patient.pk}/", {"given_name": "Bea"}),
        (api.patch, "clinic/", {"name": "Mine"}),
        (api.post, address(rule, "enroll/"), {"all": True}),
    ):
        answer = send(path, body, **{"If-Match": '"abc"'})
        assert (answer.status_code, errors(answer)) == (412, [("", "no_etag")]), path
    assert type(patient).objects.get(pk=patient.pk).given_name == patient.given_name
    assert api.patch(f"patients/{patient.pk}/", {"given_name": "Bea"}, **{"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("verb", ["pause/", "resume/", "publish/"])
def test_a_verb_of_a_rule_takes_the_etag_that_reading_gave(api, rule, verb):
    stale = api.post(address(rule, verb), {}, **{"If-Match": '"abc"'})
    assert (stale.status_code, errors(stale)) == (412, [("", "stale")])
    assert api.get(address(rule)).json() == rule
    tag = api.get(address(rule))["ETag"]
    assert api.post(address(rule, verb), {}, **{"If-Match": tag}).status_code == 200
