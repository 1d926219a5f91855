"""The trigger treatment.session_logged: once a session, with the pain told in it."""

import pytest

from automations import ticking
from automations.models import Event
from automations.tests.builders import published, states, titles
from automations.tests.firing import fired_by
from treatments import services
from treatments.tests.builders import make_plan, make_session

pytestmark = pytest.mark.django_db
KEY = "treatment.session_logged"
HARD = {"match": "all", "items": [{"field": "treatment.pain", "op": "gte", "value": 8}]}


def test_each_session_of_a_plan_is_an_event_of_its_own(patient):
    plan = make_plan(patient)
    for pain in (3, None, 8):
        assert fired_by(lambda pain=pain: make_session(plan, pain=pain)) == [KEY]
    events = Event.objects.filter(trigger=KEY).order_by("pk")
    assert [(one.subject_type, one.subject_id, one.data["pain"]) for one in events] == [
        ("treatment", plan.pk, 3),
        ("treatment", plan.pk, None),
        ("treatment", plan.pk, 8),
    ]


def test_correcting_and_striking_out_do_not_fire_again(patient):
    session = make_session(make_plan(patient), pain=3)
    assert fired_by(lambda: services.correct_session(session, pain=9)) == []
    assert fired_by(lambda: services.strike_session(session)) == []


@pytest.mark.parametrize(("pain", "done"), [(7, []), (8, ["Call"]), (10, ["Call"]), (None, [])])
def test_a_rule_may_ask_for_the_pain(clinic, patient, pain, done):
    published(clinic, KEY, {"type": "jot", "title": "Call"}, conditions=HARD)
    make_session(make_plan(patient), pain=pain)
    ticking.drain_engine()
    assert titles() == done


def test_a_second_session_does_not_stop_what_the_first_planned(clinic, patient):
    rule = published(
        clinic, KEY, {"type": "jot", "title": "x", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
    )
    plan = make_plan(patient)
    make_session(plan)
    make_session(plan)
    ticking.drain_engine()
    assert states(rule) == [("a1", "pending", "")] * 2
