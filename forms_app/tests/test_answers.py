"""What a patient may answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_app.answers import check_answers
from forms_app.questions import check_questions
from forms_app.tests.builders import ANSWERS, QUESTIONS
from forms_app.tests.test_questions import JSON, questions

ASKED, _ = check_questions(QUESTIONS)


def test_good_answers_come_back_in_the_order_of_the_questions():
    clean, problems = check_answers(ASKED, ANSWERS | {"goal": "  run again  "})
    assert problems == []
    assert list(clean) == ["pain", "smoker", "goal", "since", "side", "places"]
    assert clean["places"] == ["neck", "knee"]
    assert clean["goal"] == "run again"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"pain": 11}, ("/answers/pain", "range")),
        ({"pain": "7"}, ("/answers/pain", "type")),
        ({"pain": True}, ("/answers/pain", "type")),
        ({"pain": 6.5}, ("/answers/pain", "type")),
        ({"pain": None}, ("/answers/pain", "required")),
        ({"smoker": "no"}, ("/answers/smoker", "type")),
        ({"smoker": 0}, ("/answers/smoker", "type")),
        ({"steps": -1}, ("/answers/steps", "range")),
        ({"weight": float("inf")}, ("/answers/weight", "type")),
        ({"weight": 10**400}, ("/answers/weight", "type")),
        ({"weight": 1}, ("/answers/weight", "range")),
        ({"goal": "x" * 41}, ("/answers/goal", "too_long")),
        ({"goal": 5}, ("/answers/goal", "type")),
        ({"history": "half \ud800"}, ("/answers/history", "characters")),
        ({"since": "2026-02-30"}, ("/answers/since", "date")),
        ({"since": "2031-01-01"}, ("/answers/since", "range")),
        ({"side": "up"}, ("/answers/side", "choice")),
        ({"side": ["left"]}, ("/answers/side", "choice")),
        ({"places": "neck"}, ("/answers/places", "choice")),
        ({"places": ["neck", "nose"]}, ("/answers/places", "choice")),
        ({"intro": "yes"}, ("/answers/intro", "unknown_question")),
        ({"a/b": 1}, ("/answers/a~1b", "unknown_question")),
    ],
)
def test_a_bad_answer_is_refused_at_its_place(answers, expected):
    clean, problems = check_answers(ASKED, {"pain": 3} | answers)
    assert [(problem.path, problem.code) for problem in problems] == [expected]
    assert not set(answers) & set(clean)


def test_a_draft_may_leave_out_what_is_required():
    assert check_answers(ASKED, {"smoker": True}, complete=False) == ({"smoker": True}, [])
    assert [problem.code for problem in check_answers(ASKED, {"smoker": True})[1]] == ["required"]


@given(questions(), st.data())
def test_whatever_is_answered_what_is_kept_is_valid_and_survives_json(asked, data):
    asked, _problems = check_questions(asked)
    names = [question["id"] for question in asked]
    raw = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), JSON | st.text("ab", max_size=2), max_size=5))
    clean, problems = check_answers(asked, raw, complete=False)
    assert all(problem.path.startswith("/answers") for problem in problems)
    assert check_answers(asked, clean, complete=False) == (clean, [])
    assert json.loads(json.dumps(clean)) == clean


@given(JSON)
def test_what_is_no_object_is_refused_whole(raw):
    if not isinstance(raw, dict):
        clean, problems = check_answers(ASKED, raw)
        assert clean == {}
        assert [problem.path for problem in problems] == ["/answers"]
