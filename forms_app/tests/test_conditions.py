"""Questions that are asked only after certain answers to an earlier one."""

from __future__ import annotations

import json

import pytest

from forms_app.answers import check_answers
from forms_app.fields import build_fields
from forms_app.questions import check_questions

BASE = [
    {"id": "intro", "type": "display", "text": "Hello"},
    {"id": "smoker", "type": "boolean", "text": {"en": "Do you smoke?", "ro": "Fumați?"}},
    {"id": "pain", "type": "scale", "text": "Pain"},
    {
        "id": "where",
        "type": "multiple_choice",
        "text": "Where?",
        "choices": [{"value": "knee", "text": "Knee"}, {"value": "hip", "text": "Hip"}],
    },
    {"id": "goal", "type": "text", "text": "Goal"},
]


def following(question: str, op: str, value: object = None, **more: object) -> dict[str, object]:
    condition = {"question": question, "op": op} | ({} if value is None else {"value": value})
    return {"id": "next", "type": "text", "text": "Since when?", "required": True, "show_when": condition, **more}


def stored(*questions: dict[str, object]) -> list[dict[str, object]]:
    clean, problems = check_questions([*BASE, *questions])
    assert problems == []
    return clean


@pytest.mark.parametrize(
    ("condition", "answers", "asked"),
    [
        (("smoker", "is", True), {"smoker": True}, True),
        (("smoker", "is", True), {"smoker": False}, False),
        (("smoker", "is", False), {"smoker": False}, True),
        (("smoker", "is", False), {}, False),
        (("pain", "gte", 5), {"pain": 5}, True),
        (("pain", "gte", 5), {"pain": 4}, False),
        (("pain", "lte", 5), {"pain": 5}, True),
        (("pain", "lte", 5), {"pain": 6}, False),
        (("pain", "eq", 0), {"pain": 0}, True),
        (("pain", "eq", 0), {"pain": 1}, False),
        (("where", "is_any_of", ["hip"]), {"where": ["knee", "hip"]}, True),
        (("where", "is_any_of", ["hip"]), {"where": ["knee"]}, False),
        (("goal", "answered"), {"goal": "walk"}, True),
        (("goal", "answered"), {"goal": "  "}, False),
    ],
)
def test_a_question_is_needed_only_after_the_answers_that_it_follows(condition, answers, asked):
    questions = stored(following(*condition))
    _clean, problems = check_answers(questions, answers)
    assert [problem.path for problem in problems] == (["/answers/next"] if asked else [])

    clean, problems = check_answers(questions, {**answers, "next": "Monday"})
    assert problems == []
    assert clean.get("next") == ("Monday" if asked else None)


def test_what_follows_a_question_that_is_not_asked_is_not_asked_either():
    last = {
        "id": "last", "type": "text", "text": "Last", "required": True,
        "show_when": {"question": "next", "op": "answered"},
    }  # fmt: skip
    questions = stored(following("smoker", "is", True), last)
    clean, problems = check_answers(questions, {"smoker": False, "next": "Monday", "last": "x"})
    assert (clean, problems) == ({"smoker": False}, [])


@pytest.mark.parametrize(
    ("condition", "path", "code"),
    [
        ("smoker", "/questions/5/show_when", "type"),
        ({"question": "smoker", "op": "is", "value": True, "more": 1}, "/questions/5/show_when", "type"),
        ({"question": "next", "op": "answered"}, "/questions/5/show_when/question", "unknown_question"),
        ({"question": ["smoker"], "op": "is"}, "/questions/5/show_when/question", "unknown_question"),
        ({"question": "intro", "op": "answered"}, "/questions/5/show_when/question", "unknown_question"),
        ({"question": "smoker", "op": "gte", "value": 1}, "/questions/5/show_when/op", "operator"),
        ({"question": "smoker", "op": "is", "value": "yes"}, "/questions/5/show_when/value", "type"),
        ({"question": "pain", "op": "gte", "value": "5"}, "/questions/5/show_when/value", "type"),
        ({"question": "where", "op": "is_any_of", "value": ["neck"]}, "/questions/5/show_when/value", "choice"),
        ({"question": "where", "op": "is_any_of", "value": []}, "/questions/5/show_when/value", "choice"),
        ({"question": "goal", "op": "answered", "value": 1}, "/questions/5/show_when/value", "unknown_key"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_at_its_place(condition, path, code):
    raw = {"id": "next", "type": "text", "text": "Next", "show_when": condition}
    problems = check_questions([*BASE, raw])[1]
    assert [(problem.path, problem.code) for problem in problems] == [(path, code)]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (("smoker", "is", True), "Only if you answered “Do you smoke?” with: Yes"),
        (("pain", "gte", 5), "Only if you answered “Pain” with 5 or more"),
        (("pain", "lte", 5), "Only if you answered “Pain” with 5 or less"),
        (("where", "is_any_of", ["knee", "hip"]), "Only if you answered “Where?” with: Knee, Hip"),
        (("goal", "answered"), "Only if you answered “Goal”"),
    ],
)
def test_the_page_says_for_whom_the_question_is(condition, words):
    field = build_fields(stored(following(*condition)), ["en"], {})[-1]
    assert field.only_if == words
    assert field.described_by == "q-next-only-if"
    data = json.loads(field.condition)
    assert (data["input"], data["op"]) == (f"q-{condition[0]}", condition[1])


def test_the_script_gets_values_as_the_inputs_post_them():
    field = build_fields(stored(following("smoker", "is", True)), ["en"], {})[-1]
    assert json.loads(field.condition) == {"input": "q-smoker", "op": "is", "value": "yes"}


def test_other_questions_say_nothing_of_the_kind():
    field = build_fields(stored(), ["en"], {})[1]
    assert (field.only_if, field.condition, field.described_by) == ("", "", "")
