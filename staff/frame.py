"""What every page of the staff shares: who may open it, at which clinic they are, and how a refusal is told.

A person who works at several clinics or in several roles is at one of them at a time (the session keeps which). Opening
a record of another clinic of theirs moves them there; a record of anybody else's clinic is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Clinic, Membership
from clinic.errors import ClinicError

CHOSEN = "staff_membership"
View = Callable[..., HttpResponse]


@dataclass(slots=True)
class Desk:
    """Where the signed-in person sits now: the membership, and the others that they may change to."""

    membership: Membership
    memberships: Sequence[Membership]

    @property
    def clinic(self) -> Clinic:
        """Return the clinic."""
        return self.membership.clinic

    @property
    def role(self) -> str:
        """Return the role, a value of `Membership.Role`."""
        return self.membership.role

    @property
    def here(self) -> list[Membership]:
        """Return the person's memberships at this clinic, one a role."""
        return [one for one in self.memberships if one.clinic_id == self.membership.clinic_id]


class StaffRequest(HttpRequest):
    """A request that `page` has let in."""

    desk: Desk


def page(*roles: str, methods: Sequence[str] = ("GET", "HEAD", "POST")) -> Callable[[View], View]:
    """Let signed-in staff in (with one of `roles`; none named: everybody who works at a clinic), as `request.desk`.

    Times are those of the clinic. Nobody's desk: the page says so, 403. A wrong role at this clinic: 403, with an
    offer to change to a clinic where the person has a right one.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            desk = desk_of(request)
            fitting = [one for one in desk.memberships if not roles or one.role in roles] if desk else []
            here = [one for one in fitting if desk and one.clinic_id == desk.clinic.pk]
            if desk is None or not here:  # at another clinic one may be let in, and is told so: nobody is moved there
                return render(request, "staff/denied.html", {"desk": desk, "elsewhere": fitting}, status=403)
            if desk.membership not in here:
                desk.membership = here[0]
            request.desk = desk
            with timezone.override(ZoneInfo(desk.clinic.time_zone)):
                return view(request, *args, **kwargs)

        return never_cache(login_required(require_http_methods(methods)(opened)))

    return decorate


def desk_of(request: Any) -> Desk | None:
    """Return where the person sits: what the session remembers, else their first membership."""
    memberships = request.memberships  # as ActorMiddleware has read them for this request
    if not memberships:
        return None
    chosen = request.session.get(CHOSEN)
    return Desk(next((one for one in memberships if one.pk == chosen), memberships[0]), memberships)


def sit(request: Any, membership: Membership) -> None:
    """Move to another of one's own memberships, and stay there."""
    request.session[CHOSEN] = membership.pk
    request.desk.membership = membership
    timezone.activate(ZoneInfo(membership.clinic.time_zone))


def own(request: Any, rows: Any, **which: Any) -> Any:
    """Return the one row of a clinic of the person's own, moving them to that clinic. Raises Http404."""
    row: Model | None = rows.filter(**which).first()
    if row is None:
        raise Http404
    clinic_id = row.pk if isinstance(row, Clinic) else row.clinic_id  # type: ignore[attr-defined]
    if clinic_id != request.desk.clinic.pk:
        there = next((one for one in request.desk.memberships if one.clinic_id == clinic_id), None)
        if there is None:
            raise Http404
        sit(request, there)
    return row


def attempt(request: HttpRequest, call: Callable[[], Any], said: Any = "") -> bool:
    """Do it and say so, or say why it was refused."""
    try:
        call()
    except ClinicError as error:
        messages.error(request, error.message)
        return False
    if said:
        messages.success(request, said)
    return True


def attempt_form(form: BaseForm, call: Callable[[], Any]) -> bool:
    """Do what a valid form asks; a refusal is shown at the field it names, else above the form."""
    try:
        call()
    except ClinicError as error:
        name = error.path.strip("/").split("/")[0]
        form.add_error(name if name in form.fields else None, error.message)
        return False
    return True


def move(
    request: HttpRequest, row: Any, verbs: Mapping[str, tuple[Any, Any]], verb: str, otherwise: str
) -> HttpResponse:
    """Do one of a page's verbs to a row (what to call, what to say then) and go back. Raises Http404 for another."""
    if verb not in verbs:
        raise Http404
    call, said = verbs[verb]
    attempt(request, lambda: call(row), said)
    return redirect(back_to(request, otherwise))


def back_to(request: HttpRequest, otherwise: str) -> str:
    """Return the page of ours that the form names in `next`, else the given one."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else otherwise


@dataclass(frozen=True, slots=True)
class Paged:
    """One page of a list, found without counting the whole."""

    rows: list[Any]
    number: int
    has_next: bool
    query: str

    @property
    def has_previous(self) -> bool:
        """Tell whether there is a page before this one."""
        return self.number > 1


PAGE = 50
LAST_PAGE = 10_000


def paged(request: HttpRequest, rows: QuerySet[Any], size: int = PAGE) -> Paged:
    """Return the page that `?page=` asks for (the first, if it asks for none that there can be)."""
    text = request.GET.get("page", "1")
    number = min(int(text), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    number = max(number, 1)
    found = list(rows[(number - 1) * size : number * size + 1])
    kept = request.GET.copy()
    kept.pop("page", None)
    return Paged(found[:size], number, len(found) > size, kept.urlencode())
