"""What a template may ask."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_app.questions import TYPES, check_questions, wording
from forms_app.tests.builders import QUESTIONS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.sampled_from(["Yes?", {"en": "Yes?", "ro": "Da?"}])


@st.composite
def questions(draw: Any) -> list[dict[str, Any]]:
    """Draw the questions of a valid template."""
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), unique=True, max_size=5))
    made = []
    for name in names:
        kind = draw(st.sampled_from(TYPES))
        one = {"id": name, "type": kind, "text": draw(TEXTS), "required": kind != "display" and draw(st.booleans())}
        if kind in ("choice", "multiple_choice"):
            values = draw(st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), unique=True, min_size=1, max_size=4))
            one["choices"] = [{"value": value, "text": draw(TEXTS)} for value in values]
        if kind in ("integer", "number") and draw(st.booleans()):
            one["min"] = draw(st.integers(-5, 5))
        made.append(one)
    return made


def paths(raw: Any) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in check_questions(raw)[1]]


def test_every_type_of_question_is_accepted_and_gets_its_defaults():
    clean, problems = check_questions(QUESTIONS)
    assert problems == []
    by_id = {question["id"]: question for question in clean}
    assert {question["type"] for question in clean} == set(TYPES)
    assert by_id["pain"] == {
        "id": "pain",
        "type": "scale",
        "text": {"en": "How strong is your pain?", "ro": "Cât de puternică este durerea?"},
        "required": True,
        "min": 0,
        "max": 10,
        "min_text": "none",
        "max_text": "the worst",
    }
    assert by_id["history"] == {
        "id": "history",
        "type": "long_text",
        "text": "Your history",
        "required": False,
        "max_length": 5000,
    }


@given(questions())
def test_valid_questions_stay_as_they_are_when_checked_again(raw):
    clean, problems = check_questions(raw)
    assert problems == []
    assert check_questions(clean) == (clean, [])


@given(JSON)
def test_whatever_is_given_the_problems_name_places(raw):
    _clean, problems = check_questions(raw)
    assert all(problem.path.startswith("/questions") and problem.message for problem in problems)


QUESTION = {"id": "a", "type": "text", "text": "A?"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": "A b"}, ("/questions/0/id", "slug")),
        ({"id": None}, ("/questions/0/id", "slug")),
        ({"type": "file"}, ("/questions/0/type", "unknown_type")),
        ({"type": ["text"]}, ("/questions/0/type", "unknown_type")),
        ({"text": ""}, ("/questions/0/text", "required")),
        ({"text": {"english!": "A?"}}, ("/questions/0/text/english!", "language")),
        ({"text": {"en": 5}}, ("/questions/0/text/en", "type")),
        ({"text": "nul \0"}, ("/questions/0/text", "characters")),
        ({"required": "yes"}, ("/questions/0/required", "type")),
        ({"max_length": 0}, ("/questions/0/max_length", "range")),
        ({"min": 3}, ("/questions/0/min", "unknown_key")),
        ({"type": "display", "required": True}, ("/questions/0/required", "display")),
        ({"type": "integer", "min": 5, "max": 4}, ("/questions/0/max", "range")),
        ({"type": "integer", "min": 1.5}, ("/questions/0/min", "type")),
        ({"type": "number", "min": float("nan")}, ("/questions/0/min", "type")),
        ({"type": "scale", "max": 100}, ("/questions/0/max", "range")),
        ({"type": "date", "min": "tomorrow"}, ("/questions/0/min", "date")),
        ({"type": "choice"}, ("/questions/0/choices", "choices")),
        ({"type": "choice", "choices": [{"value": "x"}]}, ("/questions/0/choices/0", "type")),
        ({"type": "choice", "choices": [{"value": "X", "text": "x"}]}, ("/questions/0/choices/0/value", "slug")),
    ],
)
def test_a_bad_question_is_refused_at_its_place(change, expected):
    assert paths([QUESTION | change]) == [expected]


def test_two_questions_or_choices_of_one_name_are_refused():
    assert paths([QUESTION, QUESTION]) == [("/questions/1/id", "not_unique")]
    twice = [{"value": "x", "text": "X"}, {"value": "x", "text": "Y"}]
    assert paths([QUESTION | {"type": "choice", "choices": twice}]) == [("/questions/0/choices/1/value", "not_unique")]


def test_the_wording_is_the_readers_language_then_the_next_then_any():
    text = {"ro": "Da", "en": "Yes"}
    assert wording(text, ["ro-MD", "en"]) == "Da"
    assert wording(text, ["fr", "en"]) == "Yes"
    assert wording(text, ["fr"]) == "Da"
    assert wording("Yes", ["ro"]) == "Yes"
