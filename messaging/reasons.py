"""Why a message did not leave, or what is not known about it: codes for machines, words for people."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Any] = {
    "patient_inactive": _("The patient is archived, discharged or deceased."),
    "too_late": _("It was too late to send it."),
    "no_address": _("There is no email address that works."),
    "unsubscribed": _("The browser does not take notifications any more."),
    "no_consent": _("The person does not want messages of this kind."),
    "stopped": _("It was called off before it left."),
    "nothing_to_say": _("What it was about had been settled already."),
    "rule_broken": _("Its text cannot be made."),
    "unreachable": _("The server could not be reached."),
    "temporary": _("The server asked to try again later."),
    "refused": _("The server refused it for good."),
    "gave_up": _("It was tried as often as is sensible."),
    "connection_lost": _("The connection broke after the message was handed over: it may have arrived."),
    "worker_lost": _("The process that was sending it ended in the middle: it may have arrived."),
    "not_tried": _("There was no time left to send it."),
    "error": _("An error of this program; the log has it."),
}


def words(code: str) -> str:
    """Return the reason in words; the code itself for one that another app gave."""
    return str(WORDS.get(code, code))
