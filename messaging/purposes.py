"""What a delivery says, by its purpose. "template" is built in; an app with a message of its own registers it:

register("forms", render, label="Forms to fill in")

`render(delivery, reader)` is called when the message is about to leave and returns its Content, or Suppress with the
reason why there is nothing to say any more. It raises TextError if the text cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from messaging.liquid import TextError
from messaging.models import LABELS, Delivery
from messaging.recipients import Recipient
from messaging.text import Content, render
from messaging.variables import MessageContext


@dataclass(frozen=True, slots=True)
class Suppress:
    """A reason not to send: a code of messaging.reasons and, where it helps, a text."""

    code: str
    text: str = ""


Render = Callable[[Delivery, Recipient], Content | Suppress]
_purposes: dict[str, Render] = {}
_renewals: dict[str, Callable[[Delivery], object]] = {}
_asked_for: set[str] = set()


def register(
    purpose: str,
    render: Render,
    *,
    label: Any = "",
    asked_for: bool = False,
    renew: Callable[[Delivery], object] | None = None,
) -> None:
    """Say how deliveries of `purpose` are put into words. Raises ValueError if the purpose is taken.

    `label`: what the staff call such a message, which has no template to name it. `asked_for`: the reader has just
    asked for each of them, so no earlier no to messages holds it back. `renew`: writes what the records make of a
    delivery by now (its category, its end, for whom it leaves), before it is judged and when it is queued again.
    """
    if purpose in _purposes:
        raise ValueError(f"Deliveries for {purpose!r} are put into words by {_purposes[purpose]!r} already.")
    _purposes[purpose] = render
    LABELS[purpose] = label
    if asked_for:
        _asked_for.add(purpose)
    if renew is not None:
        _renewals[purpose] = renew


def renew(delivery: Delivery) -> None:
    """Bring a delivery up to date, if its purpose has a way to."""
    if delivery.purpose in _renewals:
        _renewals[delivery.purpose](delivery)
        delivery.refresh_from_db(fields=["category", "not_after", "on_behalf_of"])


def is_asked_for(purpose: str) -> bool:
    """Tell whether deliveries of this purpose leave because their reader has just asked for them."""
    return purpose in _asked_for


def asked_for() -> list[str]:
    """List those purposes; what people ask for is no message to them in the sense of any limit."""
    return sorted(_asked_for)


def content_of(delivery: Delivery, reader: Recipient) -> Content | Suppress:
    """Put a delivery into words. Raises TextError."""
    if delivery.purpose not in _purposes:
        raise TextError(f"No app knows how to write for {delivery.purpose!r}.")
    return _purposes[delivery.purpose](delivery, reader)


def context_of(delivery: Delivery, reader: Recipient) -> MessageContext:
    """Return what the message is about, as it was queued."""
    return MessageContext(
        clinic=delivery.clinic,
        patient=delivery.patient,
        recipient=reader,
        subject_type=delivery.context.get("subject_type", ""),
        subject_id=delivery.context.get("subject_id"),
        facts=delivery.context.get("facts", {}),
        delivery=delivery,
    )


def choose_body(bodies: Any, *languages: str) -> Any:
    """Return the body in the first language that there is one for ("pt-BR" is content with "pt"), else any.

    Raises TextError if there is none at all.
    """
    by_language = {body.language.lower(): body for body in sorted(bodies, key=lambda body: body.language)}
    if not by_language:
        raise TextError(str(_("The template has no text in any language.")))
    for language in languages:
        for tag in (language.lower(), language.lower().partition("-")[0]):
            if tag and tag in by_language:
                return by_language[tag]
    return next(iter(by_language.values()))


def render_template(delivery: Delivery, reader: Recipient) -> Content | Suppress:
    """Fill in the delivery's message template in the reader's language, else the clinic's, else any."""
    if delivery.template is None or delivery.template.archived_at is not None:
        raise TextError(str(_("The template was archived.")))
    if delivery.template.inside_only:
        raise TextError(str(_("The template is only for messages inside the platform.")))
    body = choose_body(delivery.template.bodies.all(), reader.language, delivery.clinic.language)
    return render(body.subject, body.text, context_of(delivery, reader), body.language)
