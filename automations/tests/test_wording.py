"""A rule in plain words."""

import pytest
from django.utils.functional import Promise

from automations import wording
from automations.engine.operators import OPERATORS, operators_for
from automations.engine.schema import parse_rule
from automations.tests.engine.cast import CATALOG, line, rule

NAMES = {
    ("service", "initial-evaluation"): "Initial Evaluation",
    ("form", "satisfaction-survey"): "Satisfaction survey",
    ("template", "clinical-summary"): "Clinical summary",
}


def names(kind, slug):
    return NAMES.get((kind, slug), slug)


@pytest.fixture
def phrased(monkeypatch):
    monkeypatch.setattr(type(CATALOG.actions["require_form"]), "phrase", "require the form “%(form)s”")
    extras = {"due_in_days": "within %(due_in_days)s days"}
    monkeypatch.setattr(type(CATALOG.actions["require_form"]), "extras", extras)
    monkeypatch.setattr(type(CATALOG.actions["send_email"]), "phrase", "email “%(template)s” to the %(to)s")


def said(**changes):
    return wording.sentence_text(parse_rule(rule(**changes), CATALOG), CATALOG, names)


def test_a_rule_reads_as_in_the_picture_of_the_editor(phrased):
    text = said(
        conditions={
            "match": "all",
            "items": [
                line("appointment.service", "is_any_of", ["initial-evaluation"]),
                {
                    "field": "group",
                    "match": "any",
                    "items": [line("patient.age", "gte", 65), line("patient.tags", "has_any_of", ["x", "y"])],
                },
            ],
        },
        actions=[
            {
                "type": "require_form",
                "form": "satisfaction-survey",
                "due_in_days": 7,
                "timing": {"mode": "delay", "amount": 24, "unit": "hours"},
            },
            {
                "type": "send_email",
                "template": "clinical-summary",
                "timing": {
                    "mode": "wait_for",
                    "trigger": "appointment.summary_released",
                    "within": {"amount": 3, "unit": "days"},
                    "otherwise": "task",
                },
            },
        ],
        settings={"stop_on": []},
    )
    assert text == (
        "When appointment completed, only if Service is any of Initial Evaluation and (Patient age is at least 65 or "
        "Patient tags has any of x or y), then: 1. after 24 hours, require the form “Satisfaction survey” within 7 "
        "days; 2. once visit summary released (a task instead after 3 days), email “Clinical summary” to the patient."
    )


def test_a_rule_without_conditions_says_that_it_runs_every_time(phrased):
    text = said(settings={"stop_on": [], "reentry": {"mode": "once_per_days", "days": 90}})
    assert text == (
        "When appointment completed, every time, then: 1. require the form “Satisfaction survey”. "
        "At most once in 90 days per patient."
    )


def test_an_action_without_a_phrase_is_said_by_its_label_and_parameters():
    text = said(settings={"stop_on": ["appointment.cancelled"]})
    assert text == (
        "When appointment completed, every time, then: 1. Require form (Form: Satisfaction survey, Tell the patient: "
        "yes). Stops when appointment cancelled."
    )


TIMINGS = [
    ({"mode": "delay", "amount": 1, "unit": "days", "at": "09:00"}, "after 1 day at 09:00, "),
    ({"mode": "delay", "amount": 0, "unit": "days", "at": "09:00"}, "the same day at 09:00, "),
    (
        {
            "mode": "relative",
            "amount": 24,
            "unit": "hours",
            "direction": "before",
            "anchor": "appointment.starts_at",
        },
        "24 hours before the appointment, ",
    ),
]


@pytest.mark.parametrize(("timing", "expected"), TIMINGS)
def test_the_time_of_a_step_is_said_first(phrased, timing, expected):
    action = {"type": "send_email", "template": "clinical-summary", "timing": timing}
    _opening, steps, _limits = wording.sentence_parts(parse_rule(rule(actions=[action]), CATALOG), CATALOG, names)
    assert steps == [f"{expected}email “Clinical summary” to the patient"]


def test_a_window_an_only_if_and_a_switched_off_step_are_said(phrased):
    count = line("patient.appointment_count", "eq", 0, window={"amount": 3, "unit": "months"})
    action = {
        "type": "send_email",
        "template": "clinical-summary",
        "disabled": True,
        "only_if": {"match": "none", "items": [count, {"field": "patient.age", "op": "is_empty"}]},
    }
    _opening, steps, _limits = wording.sentence_parts(parse_rule(rule(actions=[action]), CATALOG), CATALOG, names)
    assert steps == [
        "(switched off) email “Clinical summary” to the patient, only if none of these: "
        "(Number of appointments (in the last 3 months) is 0 or Patient age is empty)"
    ]


@pytest.mark.parametrize(
    ("op", "value", "said"),
    [
        ("gte", 7, "Answer is at least 7"),
        ("is", True, "Answer is yes"),
        ("is", "left", "Answer is left"),
        ("in_last", {"amount": 2, "unit": "days"}, "Answer is in the last 2 days"),
    ],
)
def test_a_condition_on_a_fact_of_any_type_is_said_by_what_it_asks(phrased, op, value, said):
    conditions = {"match": "all", "items": [line("patient.answer", op, value)]}
    opening, _steps, _limits = wording.sentence_parts(parse_rule(rule(conditions=conditions), CATALOG), CATALOG, names)
    assert said in opening


def test_every_operator_of_any_has_words():
    for op in operators_for("any"):
        assert wording.operator_label("any", op)


def test_every_operator_has_words_that_can_be_translated():
    for kind, op in OPERATORS:
        assert wording.operator_label(kind, op)
    assert all(isinstance(text, Promise) for text in wording.MESSAGES.values())
