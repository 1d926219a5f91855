"""What the lists of visits show: each visit with the buttons that lead on from its state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.guards import CARE
from appointments.lifecycle import FINISHED, VERBS
from appointments.models import Appointment
from appointments.undoing import undoable


@dataclass(frozen=True, slots=True)
class Button:
    """A move that can be made: its verb, what the button says and what is said when it is done, and how it looks."""

    verb: str
    label: Any
    done: Any
    style: str
    asks_why: bool = False
    roles: tuple[str, ...] = ()

    def leads_on(self, status: str) -> bool:
        """Tell whether the life-cycle has this move from a state."""
        return status in (VERBS[self.verb].sources if self.verb in VERBS else FINISHED)


BUTTONS = {
    one.verb: one
    for one in (
        Button("confirm", _("Confirm"), _("Confirmed."), "outline-primary"),
        Button("start", _("Start"), _("Started."), "outline-primary"),
        Button("complete", _("Complete"), _("Completed."), "outline-success"),
        Button("no_show", _("No-show"), _("Noted as missed."), "outline-secondary"),
        Button("cancel", _("Cancel visit"), _("Cancelled."), "outline-danger", asks_why=True),
        Button("reopen", _("Reopen"), _("Reopened as booked."), "outline-secondary", asks_why=True, roles=CARE),
        Button("enter_in_error", _("Entered in error"), _("Struck out."), "outline-danger", asks_why=True, roles=CARE),
    )
}
QUICK = ("confirm", "start", "complete", "no_show")
"""The buttons of a list: what is pressed many times a day."""
ENDING = ("complete", "no_show", "cancel")
"""The moves that can be taken back for a while."""


def buttons_for(status: str, role: str, names: Collection[str] = tuple(BUTTONS)) -> list[Button]:
    """Return the buttons that lead on from a state and that a role may press."""
    offered = [one for one in BUTTONS.values() if one.verb in names and one.leads_on(status)]
    return [one for one in offered if not one.roles or role in one.roles]


@dataclass(frozen=True, slots=True)
class Row:
    """A visit in a list, with its buttons; `undo`: the reader may take its last move back now."""

    visit: Appointment
    buttons: list[Button]
    undo: bool


def rows_of(desk: Any, visits: Sequence[Appointment], moment: datetime, names: Collection[str] = QUICK) -> list[Row]:
    """Give each visit its buttons; one query if any of them has ended."""
    mine = undoable(desk.clinic, visits, moment)
    return [Row(visit, buttons_for(visit.status, desk.role, names), visit.pk in mine) for visit in visits]
