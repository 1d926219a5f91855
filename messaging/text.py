"""A template's subject and text, filled in: as plain text and as the HTML made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from messaging.liquid import Letter, TextError, checked, parse
from messaging.variables import MessageContext, Variable, variables

LONGEST_SUBJECT = 300


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says. `html` is a whole document."""

    subject: str
    text: str
    html: str
    language: str


def one_line(text: str) -> str:
    """Return a subject as a header may carry it: one line, no control characters, at most LONGEST_SUBJECT long."""
    printable = "".join(ch if ch.isprintable() else " " for ch in text)
    return " ".join(printable.split())[:LONGEST_SUBJECT]


def is_right_to_left(language: str) -> bool:
    """Tell whether the language is written from right to left."""
    return language.lower() in settings.LANGUAGES_BIDI or language.lower().partition("-")[0] in settings.LANGUAGES_BIDI


def paragraphs(text: str) -> SafeString:
    """Return text as HTML: escaped, blank lines between paragraphs, addresses as links."""
    linked = urlize(text, nofollow=True, autoescape=True)
    return mark_safe(linebreaks(linked, autoescape=False))  # noqa: S308 - urlize escaped it


def compose(*, subject: str, text: str, language: str, clinic_name: str) -> Content:
    """Make a message of a finished subject and text."""
    subject = one_line(subject)
    document = render_to_string(
        "messaging/email.html",
        {
            "subject": subject,
            "body": paragraphs(text),
            "language": language,
            "direction": "rtl" if is_right_to_left(language) else "ltr",
            "clinic_name": clinic_name,
        },
    )
    html = document + ""  # plain: "safe" is a promise about a page, and this is shown inside others
    return Content(subject=subject, text=text.strip() + "\n", html=html, language=language)


def render(subject: str, text: str, context: MessageContext, language: str) -> Content:
    """Fill in a template for one reader. Raises TextError if the template is wrong or a value does not exist."""
    [(filled_subject, filled_text)] = render_many([(subject, text, context)])
    return compose(subject=filled_subject, text=filled_text, language=language, clinic_name=context.clinic.name)


def render_many(letters: Sequence[tuple[str, str, MessageContext]]) -> list[tuple[str, str]]:
    """Fill in (subject, text, context) for several readers, looking variables up in bulk.

    Raises TextError for the first that cannot be made.
    """
    parsed = [(parse(subject), parse(text), context) for subject, text, context in letters]
    names = {name for subject, text, _context in parsed for name in subject.names | text.names}
    values = variables.values(names, [context for _subject, _text, context in parsed])
    filled = []
    for (subject, text, _context), given in zip(parsed, values, strict=True):
        filled.append((one_line(subject.render(given)), text.render(given)))
    return filled


def validate(
    subject: str, text: str, *, inside_only: bool, path: str = "", known: Mapping[str, Variable] | None = None
) -> frozenset[str]:
    """Check a body that somebody wants to save and return the variables it uses.

    Raises ClinicError naming the unknown variables; for a text that may leave by email, the sensitive ones.
    """
    known = variables.known() if known is None else known
    prefix = f"{path}/" if path else ""
    parts = {"subject": checked(subject, f"{prefix}subject"), "text": checked(text, f"{prefix}text")}
    for part, letter in parts.items():
        where = f"{prefix}{part}"
        _refuse_unknown(letter, known, where)
        if not inside_only:
            _refuse_sensitive(letter, known, where)
        _try_out(letter, known, where)
    return parts["subject"].names | parts["text"].names


def _refuse_unknown(letter: Letter, known: Mapping[str, Variable], path: str) -> None:
    if unknown := sorted(letter.names - known.keys()):
        raise ClinicError(
            _("Unknown variables: %(names)s. The list beside the text shows what there is.")
            % {"names": ", ".join(unknown)},
            code="unknown_variable",
            path=path,
        )


def _refuse_sensitive(letter: Letter, known: Mapping[str, Variable], path: str) -> None:
    if sensitive := sorted(name for name in letter.names if known[name].sensitive):
        raise ClinicError(
            _("%(names)s must not stand in an email: write that there is a message, and link to the portal.")
            % {"names": ", ".join(sensitive)},
            code="sensitive_variable",
            path=path,
        )


def samples(
    names: frozenset[str], known: Mapping[str, Variable], *, language: str = "en", clinic: Any = None
) -> dict[str, dict[str, str]]:
    """Return an example value for each name, nested as templates read them; what is said of the clinic is its own."""
    given: dict[str, dict[str, str]] = {}
    for name in names & known.keys():
        space, _dot, leaf = name.partition(".")
        own = clinic is not None and space == "clinic"
        given.setdefault(space, {})[leaf] = getattr(clinic, leaf) if own else known[name].example(language)
    return given


def _try_out(letter: Letter, known: Mapping[str, Variable], path: str) -> None:
    """Fill in samples, so that a limit or a wrong filter argument shows now and not when the message is due."""
    try:
        letter.render(samples(letter.names, known))
    except TextError as error:
        raise ClinicError(
            _("This text cannot be made: %(error)s") % {"error": error}, code="bad_template", path=path
        ) from error
