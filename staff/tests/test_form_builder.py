"""A form's wording in the builder: from what is stored, through the page, to what is published."""

from __future__ import annotations

from django.http import QueryDict

from forms_app.questions import TYPES, check_questions
from forms_app.tests.builders import QUESTIONS
from staff.form_boxes import OP_WORDS, TYPE_WORDS, Box, Shown
from staff.form_builder import Wording, as_arguments, posted
from staff.form_builder import _stored as stored
from staff.form_editing import press

FOLLOWING = [
    {"id": "until", "type": "text", "text": "S", "show_when": {"question": "smoker", "op": "is", "value": False}},
    {"id": "a", "type": "text", "text": "A", "show_when": {"question": "pain", "op": "gte", "value": 5}},
    {"id": "b", "type": "text", "text": "B", "show_when": {"question": "places", "op": "is_any_of", "value": ["knee"]}},
    {"id": "c", "type": "text", "text": "C", "show_when": {"question": "goal", "op": "answered"}},
]  # fmt: skip
EVERY, _ = check_questions([*QUESTIONS, *FOLLOWING])
CONTENT = {
    "title": "Pain",
    "text": "Hello",
    "questions": EVERY,
    "translations": {"ro": {"title": "Durere", "text": "Salut"}},
}


def as_posted(shown: Shown) -> QueryDict:
    """Post what the page shows, as a browser would."""
    data = QueryDict(mutable=True)
    data["count"] = str(len(shown.cards))
    data.setlist("language", [code for code, _name in shown.languages])

    def put(boxes: list[Box]) -> None:
        for box in boxes:
            data[box.name] = box.value

    put(shown.titles)
    put(shown.texts)
    for card in shown.cards:
        data[f"{card.name}-type"] = card.draft.type
        put([*card.texts, *card.helps, *card.bounds, *card.ends, card.identifier])
        data[f"{card.name}-choices"] = str(len(card.choices))
        for boxes in card.choices:
            put(boxes)
        if card.draft.required:
            data[f"{card.name}-required"] = "on"
        for name, options in (("when", card.sources), ("when-op", card.ops)):
            data.setlist(f"{card.name}-{name}", [one.value for one in options if one.chosen])
        values = [one.value for one in card.values if one.chosen] or ([card.value] if card.value else [])
        data.setlist(f"{card.name}-when-value", values)
    return data


def test_what_is_stored_comes_through_the_page_as_it_was():
    made = as_arguments(posted("en", as_posted(Shown(stored("en", CONTENT)))))
    assert check_questions(made.pop("questions")) == (EVERY, [])
    assert made == {name: value for name, value in CONTENT.items() if name != "questions"}


def test_every_type_and_operator_has_words():
    assert tuple(TYPE_WORDS) == TYPES
    assert set(OP_WORDS) == {"is", "is_any_of", "eq", "gte", "lte", "answered"}


def edited(*actions: str, **more: str) -> Wording:
    """Begin with nothing and press buttons, the page posted between them."""
    wording = Wording(["en"])
    for action in actions:
        data = as_posted(Shown(wording))
        data["new_type"] = more.get("new_type", "boolean")
        data["new_language"] = more.get("new_language", "")
        wording = posted("en", data)
        press(wording, action, data)
    return wording


def test_questions_are_added_moved_and_removed():
    wording = Wording(["en"])
    for kind in TYPES:
        press(wording, "add", QueryDict(f"new_type={kind}"))
    assert [one.type for one in wording.questions] == list(TYPES)
    press(wording, "up-1", QueryDict())
    press(wording, "down-2", QueryDict())
    press(wording, "remove-0", QueryDict())
    assert [one.type for one in wording.questions] == ["boolean", "scale", "number", *TYPES[4:]]


def test_a_button_that_cannot_be_does_nothing():
    for action in ("up-0", "down-0", "remove-7", "choice-7", "unchoice-0-7", "unchoice-0", "up", "up-x", "drop-0", "-"):
        wording = edited("add", action)
        assert [one.type for one in wording.questions] == ["boolean"], action


def test_choices_are_added_and_removed_but_never_the_last():
    assert len(edited("add", "choice-0", new_type="choice").questions[0].choices) == 3
    assert len(edited("add", "unchoice-0-0", "unchoice-0-0", new_type="choice").questions[0].choices) == 1


def test_a_language_comes_with_empty_words_and_goes_with_all_of_its_own():
    wording = stored("en", CONTENT)
    assert wording.languages == ["en", "ro"]
    press(wording, "unlanguage-0", QueryDict())
    assert wording.languages == ["en", "ro"]
    press(wording, "unlanguage-1", QueryDict())
    assert wording.languages == ["en"]
    made = as_arguments(wording)
    assert made["translations"] == {}
    assert made["questions"][1]["text"] == "How strong is your pain?"
    assert edited("language", new_language="ro").languages == ["en", "ro"]
    assert edited("language", new_language="no such").languages == ["en"]


def test_names_for_rules_are_made_of_the_words_once_and_stay():
    data = as_posted(Shown(edited("add", "add")))
    data["q0-text-en"] = data["q1-text-en"] = "Do you smoke?"
    wording = posted("en", data)
    assert [one.id for one in wording.questions] == ["do-you-smoke", "do-you-smoke-2"]
    data = as_posted(Shown(wording))
    data["q0-text-en"] = "Are you a smoker?"
    assert [one.id for one in posted("en", data).questions] == ["do-you-smoke", "do-you-smoke-2"]


def test_words_of_another_alphabet_get_a_plain_name():
    data = as_posted(Shown(edited("add")))
    data["q0-text-en"] = "هل تدخن؟"
    assert posted("en", data).questions[0].id == "question-1"


def test_a_change_of_type_drops_what_the_other_type_has_not():
    data = as_posted(Shown(edited("add", new_type="choice")))
    data["q0-type"], data["q0-text-en"], data["q0-c0-text-en"] = "text", "Why?", "Because"
    assert as_arguments(posted("en", data))["questions"] == [
        {"id": "why", "type": "text", "required": False, "text": "Why?"}
    ]


def test_what_is_wrong_is_said_at_its_place():
    data = as_posted(Shown(edited("add", "add", new_type="scale")))
    data["q0-text-en"], data["q0-min"], data["q0-max"] = "Pain", "ten", "10"
    wording = posted("en", data)
    _clean, problems = check_questions(as_arguments(wording)["questions"])
    shown = Shown(wording, problems)
    assert [box.error for box in shown.cards[0].bounds] == ["Give a number.", ""]
    assert [box.error for box in shown.cards[1].texts] == ["Write a text here."]
    assert shown.errors == []


def test_a_question_that_was_moved_before_what_it_follows_says_so():
    wording = stored("en", {"questions": [{"id": "smoker", "type": "boolean", "text": "Smoker?"}, FOLLOWING[0]]})
    press(wording, "up-1", QueryDict())
    data = as_posted(Shown(wording))
    data["q0-when"] = "smoker"
    wording = posted("en", data)
    _clean, problems = check_questions(as_arguments(wording)["questions"])
    assert Shown(wording, problems).cards[0].errors == ["Name a question that stands before this one."]
