"""The facts about forms, read as rules read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from automations.engine.conditions import evaluate, parse_group
from automations.engine.declare import catalog
from automations.engine.values import EventFacts, fact_key
from automations.facts import read_events, read_patients
from automations.models import Event
from automations.sql import compile_group
from clinic import clock
from forms_app import services
from forms_app.tests.builders import ANSWERS, ask, fill, make_template

pytestmark = pytest.mark.django_db
THEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def of_event(key: str, trigger: str = "form.signed", **params: Any) -> Any:
    """Read one fact of the newest event of a trigger."""
    event = Event.objects.filter(trigger=trigger).latest("pk")
    return read_events([event], {event.pk: [(key, params)]})[event.pk][fact_key(key, params)]


def of_patient(patient: Any, key: str) -> Any:
    return read_patients([patient.pk], [(key, {})], clock.now())[patient.pk][key]


def test_which_form_it_is(patient):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey")))
    assert of_event("form.template") == "pain"


@pytest.mark.parametrize(
    ("late_by", "days"),
    [
        (timedelta(hours=-1), 0),
        (timedelta(0), 0),
        (timedelta(hours=23, minutes=59), 0),
        (timedelta(hours=24), 1),
        (timedelta(days=10), 10),
    ],
)
def test_days_late_are_whole_days_past_the_due_time(patient, late_by, days):
    fill(ask(patient, make_template(patient.clinic), due_at=THEN), occurred_at=THEN + late_by)
    assert of_event("form.days_late") == days


def test_without_a_due_time_days_late_are_unknown(patient):
    fill(ask(patient, make_template(patient.clinic)))
    assert of_event("form.days_late") is None


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("pain", 7),
        ("weight", 70.5),
        ("side", "left"),
        ("goal", "to run"),
        ("smoker", False),
        ("since", "2026-11-01"),
        ("places", ["neck", "knee"]),
        ("steps", None),
        ("no-such-question", None),
        ("0", None),
    ],
)
def test_an_answer_is_read_as_it_was_given(patient, question, value):
    template = make_template(patient.clinic, "pain", "survey")
    fill(ask(patient, template), ANSWERS | {"weight": 70.5, "goal": "to run"})
    assert of_event("form.answer", question=question) == value


@pytest.mark.parametrize(
    ("question", "op", "value", "result"),
    [
        ("pain", "gte", 7, True),
        ("pain", "gte", 8, False),
        ("pain", "is", "7", None),
        ("pain", "has_any_of", ["7"], None),
        ("smoker", "is", False, True),
        ("smoker", "eq", 0, None),
        ("side", "is", "LEFT", True),
        ("side", "is_any_of", ["right"], False),
        ("side", "lt", 3, None),
        ("since", "before", "2026-11-02", True),
        ("side", "before", "2026-11-02", None),
        ("places", "has_all_of", ["knee", "neck"], True),
        ("places", "is", "knee", None),
        ("no-such-question", "is_none_of", ["x"], None),
        ("no-such-question", "is_empty", None, True),
        ("smoker", "is_empty", None, False),
    ],
)
def test_the_operator_decides_what_an_answer_is_asked_for(patient, question, op, value, result):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey")))
    asked = {"field": "form.answer", "op": op, "question": question, "value": value}
    group = parse_group({"match": "all", "items": [asked]}, catalog.facts_for("form.signed"))
    event = Event.objects.get(trigger="form.signed")
    facts = read_events([event], {event.pk: [("form.answer", {"question": question})]})[event.pk]
    zone = ZoneInfo(patient.clinic.time_zone)
    assert evaluate(group, EventFacts(event.trigger, event.occurred_at, zone, facts)).result is result


def test_an_answer_is_that_of_the_event_even_after_a_correction(patient):
    request = fill(ask(patient, make_template(patient.clinic, "pain", "survey")), occurred_at=THEN)
    services.amend(request, answers=ANSWERS | {"pain": 1}, signed_by="Maria Marin")
    assert of_event("form.answer", question="pain") == 7


def test_the_forms_of_a_patient_are_listed_once_each_and_by_state(patient, stranger_patient):
    clinic = patient.clinic
    assert of_patient(patient, "patient.outstanding_forms") == []
    privacy, pain = make_template(clinic), make_template(clinic, "pain", "questionnaire")
    for visit in (1, 2):
        ask(patient, pain, about_type="appointment", about_id=visit)
    services.decline(ask(patient, make_template(clinic, "declined")))
    withdrawn = fill(ask(patient, make_template(clinic, "withdrawn")))
    signed = fill(ask(patient, privacy))
    assert of_patient(patient, "patient.outstanding_forms") == ["pain"]
    assert of_patient(patient, "patient.signed_forms") == ["privacy", "withdrawn"]
    services.withdraw(withdrawn)
    services.amend(signed, answers={}, signed_by="Maria M. Marin")
    assert of_patient(patient, "patient.signed_forms") == ["privacy"]
    assert of_patient(stranger_patient, "patient.signed_forms") == []


def test_the_lists_cost_one_query_for_many_patients(patient, django_assert_num_queries):
    fill(ask(patient, make_template(patient.clinic)))
    keys: list[Any] = [("patient.outstanding_forms", {}), ("patient.signed_forms", {})]
    with django_assert_num_queries(1):
        read_patients([patient.pk], keys, THEN)


# --- the patient's newest answer, whichever event asks ---


def newest(patient: Any, question: str, form: str = "pain", moment: datetime | None = None) -> Any:
    params = {"form": form, "question": question}
    found = read_patients([patient.pk], [("patient.form_answer", params)], moment or clock.now())
    return found[patient.pk][fact_key("patient.form_answer", params)]


def test_the_newest_answer_is_that_of_the_latest_signing_with_its_correction(patient):
    template = make_template(patient.clinic, "pain", "survey")
    late = fill(ask(patient, template), ANSWERS | {"pain": 3}, occurred_at=THEN)
    fill(ask(patient, template, about_type="appointment", about_id=1), {"pain": 9}, occurred_at=THEN - timedelta(1))
    assert newest(patient, "pain") == 3
    services.amend(late, answers={"pain": 4, "goal": "Alergare"}, signed_by="Maria Marin")
    assert [newest(patient, "pain"), newest(patient, "goal"), newest(patient, "smoker")] == [4, "Alergare", None]
    assert newest(patient, "pain", moment=THEN) == 3


def test_another_form_another_patient_and_a_question_that_nobody_asked_are_unknown(patient, stranger_patient):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey")))
    assert newest(patient, "pain", form="goals") is None
    assert newest(patient, "mood") is None
    assert newest(stranger_patient, "pain") is None


def test_what_a_withdrawn_consent_said_counts_no_more(patient):
    questions = [{"id": "photos", "type": "boolean", "text": "May we take photos?"}]
    template = make_template(patient.clinic, "photos", "consent", text="I agree.", questions=questions)
    request = fill(ask(patient, template), {"photos": True})
    assert newest(patient, "photos", form="photos") is True
    services.withdraw(request)
    assert newest(patient, "photos", form="photos") is None


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        ({"op": "gte", "value": 7, "question": "pain"}, True),
        ({"op": "is", "value": "seven", "question": "pain"}, None),
        ({"op": "contains", "value": "ALERG", "question": "goal"}, True),
        ({"op": "is", "value": False, "question": "smoker"}, True),
        ({"op": "is_any_of", "value": ["left"], "question": "side"}, True),
        ({"op": "has_any_of", "value": ["knee"], "question": "places"}, True),
        ({"op": "before", "value": "2026-11-02", "question": "since"}, True),
        ({"op": "is_empty", "question": "history"}, True),
    ],
)
def test_the_operator_decides_the_type_and_both_readers_agree(patient, asked, result):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey")), ANSWERS | {"goal": "Alergăre"})
    tree = {"match": "all", "items": [{"field": "patient.form_answer", "form": "pain", **asked}]}
    group, zone, moment = parse_group(tree, catalog.facts), ZoneInfo("Europe/Bucharest"), clock.now()
    [condition] = group.conditions()
    facts = read_patients([patient.pk], [(condition.field, condition.params)], moment)[patient.pk]
    assert evaluate(group, EventFacts("patient.onboarded", moment, zone, facts)).result is result
    [in_sql] = (
        type(patient).objects.annotate(answer=compile_group(group, moment, zone)).values_list("answer", flat=True)
    )
    assert in_sql is result
