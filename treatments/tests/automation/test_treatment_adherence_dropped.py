"""The trigger treatment.adherence_dropped: previous at or above the rule's own threshold, current below."""

import pytest

from automations import ticking
from automations.dryrun import dry_run
from automations.engine.declare import catalog
from automations.models import Event
from automations.tests.builders import published, states, titles
from treatments.tests.builders import make_plan, make_week

pytestmark = pytest.mark.django_db
KEY = "treatment.adherence_dropped"
LATER = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 3, "unit": "days"}}


@pytest.mark.parametrize(
    ("previous", "completed", "answered"),
    [
        (75.0, 1, True),  # 75 → 25
        (50.0, 1, True),  # 50 % was not below 50 %
        (49.0, 1, False),  # it was low already
        (75.0, 2, False),  # 50 % is not below 50 %
        (25.0, 1, False),  # the same again: no event
        (0.0, 1, False),  # better than before
        (None, 1, True),  # the first week counts
        (None, 2, False),
    ],
)
def test_a_rule_answers_where_the_week_crosses_its_threshold(clinic, patient, previous, completed, answered):
    published(clinic, KEY, config={"below_percent": 50})
    make_week(make_plan(patient), completed, previous=previous)
    ticking.drain_engine()
    assert titles() == (["Call"] if answered else [])


@pytest.mark.parametrize(("include", "answered"), [(True, True), (False, False)])
def test_the_first_week_may_be_left_out(clinic, patient, include, answered):
    published(clinic, KEY, config={"below_percent": 50, "include_first_week": include})
    make_week(make_plan(patient), 0)
    ticking.drain_engine()
    assert titles() == (["Call"] if answered else [])


def test_every_rule_has_its_own_threshold(clinic, patient):
    for below in (20, 30, 60, 80):
        published(
            clinic, KEY, {"type": "jot", "title": f"below {below}"}, config={"below_percent": below}, name=str(below)
        )
    make_week(make_plan(patient), 1, previous=75.0)
    ticking.drain_engine()
    assert sorted(titles()) == ["below 30", "below 60"]


def test_the_event_carries_both_values(patient):
    plan = make_plan(patient)
    make_week(plan, 1, previous=75.0)
    event = Event.objects.get(trigger=KEY)
    assert (event.subject_type, event.subject_id) == ("treatment", plan.pk)
    assert (event.data["adherence"], event.data["previous_adherence"]) == (25.0, 75.0)


@pytest.mark.parametrize(("completed", "state"), [(1, "pending"), (2, "cancelled"), (4, "cancelled")])
def test_what_waits_stops_when_a_week_is_back_at_the_rules_own_threshold(clinic, patient, completed, state):
    rule = published(clinic, KEY, LATER, config={"below_percent": 50})
    plan = make_plan(patient)
    first = make_week(plan, 0, first_on=plan.starts_on)
    ticking.drain_engine()
    make_week(plan, completed, first_on=plan.starts_on.replace(year=2030), previous=first.percent)
    assert [one[1] for one in states(rule)] == [state]


def test_a_recovery_before_the_match_leaves_nothing_planned_if_it_reaches_the_threshold(clinic, patient):
    low = published(clinic, KEY, LATER, config={"below_percent": 50}, name="50")
    high = published(clinic, KEY, LATER, config={"below_percent": 90}, name="90")
    plan = make_plan(patient)
    make_week(plan, 0, first_on=plan.starts_on)
    make_week(plan, 3, first_on=plan.starts_on.replace(year=2030), previous=0.0)
    ticking.drain_engine()
    assert [states(rule)[0][1] for rule in (low, high)] == ["cancelled", "pending"]


def test_a_week_below_stops_a_rule_that_waits_for_a_recovery_only_below_its_own_threshold():
    dropped = catalog.triggers[KEY]
    assert dropped.stops({"at_percent": 80}, {"adherence": 79.9})
    assert not dropped.stops({"at_percent": 80}, {"adherence": 80.0})


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [(None, 49.9, True), (None, 50.0, False), (75.0, 49.0, True), (100.0, 75.0, False), (40.0, 20.0, False)],
)
def test_a_rule_without_a_threshold_is_stopped_where_half_is_crossed(before, now, counts):
    dropped = catalog.triggers[KEY]
    assert dropped.stops({}, {"adherence": now, "previous_adherence": before}) is counts


def test_a_first_week_with_all_sessions_done_is_no_drop(patient):
    make_week(make_plan(patient), 4)
    assert not Event.objects.filter(trigger=KEY).exists()


@pytest.mark.parametrize(
    ("completed", "previous", "sent"), [(4, None, []), (3, 100.0, []), (1, 100.0, ["Fell behind"])]
)
def test_a_step_waits_for_a_drop_and_not_for_a_week_that_is_only_less(clinic, patient, completed, previous, sent):
    wait = {"mode": "wait_for", "trigger": KEY, "within": {"amount": 30, "unit": "days"}, "otherwise": "skip"}
    published(clinic, "treatment.assigned", {"type": "jot", "title": "Fell behind", "timing": wait})
    plan = make_plan(patient)
    ticking.drain_engine()

    make_week(plan, completed, previous=previous)
    ticking.drain_engine()

    assert titles() == sent


@pytest.mark.parametrize(("completed", "sent"), [(3, []), (1, ["Fell behind"])])
def test_what_was_recorded_before_the_match_counts_in_the_same_way(clinic, patient, completed, sent):
    wait = {"mode": "wait_for", "trigger": KEY, "within": {"amount": 30, "unit": "days"}, "otherwise": "skip"}
    rule = published(clinic, "treatment.assigned", {"type": "jot", "title": "Fell behind", "timing": wait})
    plan = make_plan(patient)
    make_week(plan, completed, previous=100.0)

    supposed = dry_run(rule, patient, subject=str(plan.pk))
    ticking.drain_engine()

    assert titles() == sent
    assert [step.planned.waiting_for for step in supposed.steps] == ([None] if sent else [KEY])
