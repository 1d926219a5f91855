"""The trigger api.event: what another system tells us, judged before it is kept, and what rules may ask of it."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.actor import Actor
from automations import lifecycle, ticking
from automations.engine.problems import RuleInvalid
from automations.models import Event, Run
from automations.named_events import record_named_event
from automations.tests.builders import document, published, titles
from clinic import clock
from clinic.changes import silently
from clinic.errors import ClinicError, Refused

pytestmark = pytest.mark.django_db
KEY = "api.event"
LOW = {"name": "wearable.steps-low"}


def asking(*items):
    return {"match": "all", "items": list(items)}


def tell(patient, data=None, name="wearable.steps-low", **more):
    return record_named_event(patient.clinic, patient, name, data, **more)


def told():
    return Event.objects.filter(trigger=KEY)


def test_a_rule_answers_the_event_of_its_name_only(patient):
    published(patient.clinic, KEY, config=LOW)
    tell(patient, name="wearable.steps-high")
    ticking.drain_engine()
    assert titles() == []
    tell(patient)
    tell(patient)
    ticking.drain_engine()
    assert titles() == ["Call", "Call"]


SENT = {"steps": 312, "mood": "Bună", "worn": True, "since": "2026-11-20", "marks": ["a", "b"], "more": {"x": 1}}


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        ({"field": "event.steps", "op": "lt", "value": 1000}, True),
        ({"field": "event.steps", "op": "is", "value": "312"}, None),
        ({"field": "event.mood", "op": "is", "value": "buna"}, True),
        ({"field": "event.mood", "op": "gt", "value": 3}, None),
        ({"field": "event.worn", "op": "is", "value": True}, True),
        ({"field": "event.worn", "op": "eq", "value": 1}, None),
        ({"field": "event.since", "op": "before", "value": "2026-11-21"}, True),
        ({"field": "event.marks", "op": "has_all_of", "value": ["a", "b"]}, True),
        ({"field": "event.more", "op": "is_not_empty"}, True),
        ({"field": "event.gone", "op": "is_empty"}, True),
        ({"field": "event.gone", "op": "lt", "value": 1}, None),
        ({"field": "api.name", "op": "is_any_of", "value": ["wearable.steps-low"]}, True),
    ],
)
def test_the_operator_decides_the_type_and_another_type_is_unknown(patient, asked, result):
    negated = {"field": "group", "match": "none", "items": [asked]}
    published(patient.clinic, KEY, config=LOW, conditions=asking(asked))
    published(patient.clinic, KEY, config=LOW, conditions=asking(negated), name="Not")
    tell(patient, SENT)
    ticking.drain_engine()
    matched = sorted(Run.objects.filter(outcome="matched").values_list("rule__name", flat=True))
    assert matched == {True: ["Rule"], False: ["Not"], None: []}[result]


def test_all_that_was_sent_is_kept_for_whoever_asks_later(patient):
    published(patient.clinic, KEY, config=LOW)
    tell(patient, SENT)
    ticking.drain_engine()
    facts = told().get().facts
    assert {key: value for key, value in facts.items() if key.startswith("event.")} == {
        f"event.{key}": value for key, value in SENT.items()
    }


def test_what_was_sent_cannot_pass_for_what_we_know(patient):
    published(patient.clinic, KEY, config=LOW)
    tell(patient, {"name": "wearable.steps-low", "patient": {"age": 3}}, name="other")
    ticking.drain_engine()
    assert titles() == []
    assert told().get().facts["api.name"] == "other"


def test_it_happened_when_the_other_system_says_or_now(patient):
    then = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    assert tell(patient, occurred_at=then).occurred_at == then
    assert abs(tell(patient).occurred_at - clock.now()) < timedelta(seconds=5)


def test_it_stops_the_rules_that_name_it(patient):
    later = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 3, "unit": "days"}}
    rule = published(patient.clinic, "patient.onboarded", later, settings={"stop_on": [KEY]})
    type(patient).objects.create(clinic=patient.clinic, given_name="Nora")
    ticking.drain_engine()
    tell(type(patient).objects.get(given_name="Nora"))
    assert [step.state for step in rule.steps.all()] == ["cancelled"]


def test_a_silent_write_keeps_it_silent(patient):
    published(patient.clinic, KEY, config=LOW)
    with silently("import"):
        tell(patient)
    ticking.drain_engine()
    assert (told().get().muted, titles()) == ("import", [])


LONG = {f"k{n}": 1 for n in range(51)}


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        ([], "/data", "type"),
        ("x", "/data", "type"),
        ({"two words": 1}, "/data/two words", "name"),
        ({"a/b": 1}, "/data/a~1b", "name"),
        ({"": 1}, "/data/", "name"),
        (LONG, "/data", "too_many"),
        ({"a": list(range(101))}, "/data/a", "too_many"),
        ({"a": [[[[1]]]]}, "/data/a/0/0/0", "too_deep"),
        ({"a": "x" * 501}, "/data/a", "too_long"),
        ({f"k{n}": "ț" * 490 for n in range(10)}, "/data", "too_long"),
        ({"a": "nul\0"}, "/data/a", "text"),
        ({"a": ["\ud800"]}, "/data/a/0", "text"),
        ({"a": float("nan")}, "/data/a", "number"),
        ({"a": 10**400}, "/data/a", "number"),
        ({"a": {1: 2}}, "/data/a", "name"),
        ({"a": object()}, "/data/a", "type"),
    ],
)
def test_data_that_is_too_much_or_not_storable_is_refused_with_its_place(patient, data, path, code):
    with pytest.raises(ClinicError) as refused:
        tell(patient, data)
    assert (refused.value.path, refused.value.code) == (path, code)
    assert not told().exists()


@pytest.mark.parametrize("name", ["", "Steps", "a b", "x" * 61, "1st", None, 7, "ă"])
def test_a_name_that_no_rule_could_ask_for_is_refused(patient, name):
    with pytest.raises(ClinicError) as refused:
        tell(patient, name=name)
    assert refused.value.path == "/name"


@pytest.mark.parametrize(
    ("moment", "code"),
    [(datetime.fromisoformat("2026-01-01"), "naive_time"), (datetime(2099, 1, 1, tzinfo=UTC), "future")],
)
def test_a_moment_without_zone_or_ahead_of_us_is_refused(patient, moment, code):
    with pytest.raises(ClinicError) as refused:
        tell(patient, occurred_at=moment)
    assert (refused.value.path, refused.value.code) == ("/occurred_at", code)


def test_another_clinics_patient_is_not_found_and_a_stranger_may_not_tell(patient, clinic, stranger_patient, stranger):
    with pytest.raises(ClinicError) as refused:
        record_named_event(clinic, stranger_patient, "x")
    assert (refused.value.path, refused.value.code) == ("/patient", "not_found")
    with pytest.raises(Refused):
        tell(patient, actor=Actor("user", user_id=stranger.user_id))
    assert not told().exists()


@pytest.mark.parametrize(
    ("config", "field", "path"),
    [
        ({}, "event.steps", "/trigger_config/name"),
        ({"name": "Steps Low"}, "event.steps", "/trigger_config/name"),
        (LOW, "event.two words", "/conditions/items/0/field"),
        (LOW, "event.*", "/conditions/items/0/field"),
        (LOW, "event.", "/conditions/items/0/field"),
        (LOW, "events.steps", "/conditions/items/0/field"),
    ],
)
def test_a_rule_that_names_nothing_sensible_is_refused_with_its_place(clinic, config, field, path):
    rule = document(KEY, config=config, conditions=asking({"field": field, "op": "lt", "value": 3}))
    with pytest.raises(RuleInvalid) as refused:
        lifecycle.create_rule(clinic=clinic, name="Rule", document=rule)
    assert path in {problem.path for problem in refused.value.errors}


def test_other_triggers_do_not_offer_what_was_sent(clinic):
    rule = document("patient.onboarded", conditions=asking({"field": "event.steps", "op": "lt", "value": 3}))
    with pytest.raises(RuleInvalid):
        lifecycle.create_rule(clinic=clinic, name="Rule", document=rule)
