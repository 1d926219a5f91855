"""Today's exercises, and logging that one was done."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from clinic.errors import ClinicError
from clinic.secrets import new_secret
from forms_app.fields import Field, options
from portal import selectors, services
from portal.frame import page, show
from portal.selectors import Todo
from treatments.models import PAIN_MAX
from treatments.sessions import NOTE_MAX

KEY = re.compile(r"[\w-]{10,64}")


@page(methods=("GET", "HEAD", "POST"))
def exercises(request: Any) -> HttpResponse:
    """Show what is to be done today; take what was done, with the pain from 0 to 10."""
    patient = request.reader.patient
    todos = selectors.todos(patient)
    if request.method != "POST":
        return _page(request, todos, {})
    posted = {name: request.POST.get(name, "").strip() for name in ("exercise", "pain", "note", "day", "once")}
    chosen = next((one for one in todos if one.key == posted["exercise"]), None)
    problems = {}
    if chosen is None:
        problems["exercise"] = _("Choose what you did.")
    if not re.fullmatch(r"\d|10", posted["pain"]):
        problems["pain"] = _("Say how strong the pain was, from 0 to 10.")
    if len(posted["note"]) > NOTE_MAX or "\0" in posted["note"]:
        problems["note"] = _("Use at most %(limit)d characters.") % {"limit": NOTE_MAX}
    if not KEY.fullmatch(posted["once"]):
        posted["once"] = new_secret()
    if chosen is None or problems:
        return _page(request, todos, posted, problems, 422)
    try:
        services.log_once(
            patient,
            chosen,
            key=posted["once"],
            pain=int(posted["pain"]),
            note=posted["note"],
            yesterday=posted["day"] == "yesterday",
            by_contact=request.reader.contact is not None,
        )
    except ClinicError as error:
        return _page(request, todos, posted, {"exercise": str(error)}, 422)
    return redirect(f"{reverse('portal:exercises')}?done=1")


def _page(
    request: Any, todos: list[Todo], posted: dict[str, str], problems: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    problems = problems or {}
    chosen = posted.get("exercise", todos[0].key if len(todos) == 1 else "")
    context = {
        "todos": todos,
        "done": request.GET.get("done") == "1",
        "once": posted.get("once") or new_secret(),
        "fields": [_which(todos, chosen, problems), _pain(posted.get("pain", ""), problems), _day(posted)],
        "note": _note(posted, problems),
        "problems": problems,
    }
    return show(request, "exercises", context, status=status)


def _which(todos: list[Todo], chosen: str, problems: dict[str, str]) -> Field:
    offered = options("exercise", [(one.key, one.name) for one in todos], [chosen])
    error = problems.get("exercise", "")
    return Field("exercise", "radio", _("What did you do?"), required=True, error=error, options=offered)


def _pain(chosen: str, problems: dict[str, str]) -> Field:
    steps = [(str(step), str(step)) for step in range(PAIN_MAX + 1)]
    return Field(
        "pain",
        "scale",
        _("How strong was the pain?"),
        required=True,
        error=problems.get("pain", ""),
        options=options("pain", steps, [chosen]),
        low_text=_("no pain"),
        high_text=_("the worst pain"),
    )


def _day(posted: dict[str, str]) -> Field:
    offered = [("today", _("Today")), ("yesterday", _("Yesterday"))]
    return Field("day", "radio", _("When?"), options=options("day", offered, [posted.get("day") or "today"]))


def _note(posted: dict[str, str], problems: dict[str, str]) -> Field:
    return Field(
        "note",
        "long",
        _("Anything your clinic should know?"),
        value=posted.get("note", ""),
        error=problems.get("note", ""),
        attributes={"maxlength": NOTE_MAX},
    )


urlpatterns = [path("exercises/", exercises, name="exercises")]
