"""The buttons of the form builder: each changes the wording that was posted."""

from __future__ import annotations

from collections.abc import Callable

from django.http import QueryDict

from forms_app.questions import EXTRA, LANGUAGE, MAX_CHOICES, MAX_QUESTIONS
from staff.form_builder import Choice, Draft, Wording


def press(wording: Wording, action: str, data: QueryDict) -> None:
    """Do what a button says ("up-3", "unchoice-2-0"); one that cannot be does nothing."""
    name, *numbers = action.split("-")
    if name not in BUTTONS or not all(one.isascii() and one.isdigit() and len(one) < 4 for one in numbers):
        return
    try:
        BUTTONS[name](wording, data, *(int(one) for one in numbers))
    except (IndexError, TypeError):
        return


def _add(wording: Wording, data: QueryDict) -> None:
    kind = data.get("new_type", "")
    if kind in EXTRA and len(wording.questions) < MAX_QUESTIONS:
        choices = [Choice(), Choice()] if "choices" in EXTRA[kind] else []
        wording.questions.append(
            Draft(kind, choices=choices, bounds={"min": "0", "max": "10"} if kind == "scale" else {})
        )


def _remove(wording: Wording, data: QueryDict, position: int) -> None:
    del wording.questions[position]


def _up(wording: Wording, data: QueryDict, position: int) -> None:
    if 0 < position < len(wording.questions):
        wording.questions.insert(position - 1, wording.questions.pop(position))


def _down(wording: Wording, data: QueryDict, position: int) -> None:
    wording.questions.insert(position + 1, wording.questions.pop(position))


def _choice(wording: Wording, data: QueryDict, position: int) -> None:
    if len(wording.questions[position].choices) < MAX_CHOICES:
        wording.questions[position].choices.append(Choice())


def _unchoice(wording: Wording, data: QueryDict, position: int, number: int) -> None:
    if len(wording.questions[position].choices) > 1:
        del wording.questions[position].choices[number]


def _language(wording: Wording, data: QueryDict) -> None:
    wanted = data.get("new_language", "").strip()
    if LANGUAGE.fullmatch(wanted) and wanted not in wording.languages and len(wording.languages) < 12:
        wording.languages.append(wanted)


def _unlanguage(wording: Wording, data: QueryDict, number: int) -> None:
    """Take a language out, with all its words; never the clinic's."""
    if number > 0:
        gone = wording.languages.pop(number)
        texts = [wording.title, wording.text]
        for one in wording.questions:
            texts += [*one.words.values(), *(choice.text for choice in one.choices)]
        for each in texts:
            each.pop(gone, None)


BUTTONS: dict[str, Callable[..., None]] = {
    "add": _add,
    "remove": _remove,
    "up": _up,
    "down": _down,
    "choice": _choice,
    "unchoice": _unchoice,
    "language": _language,
    "unlanguage": _unlanguage,
}
