"""What a caller may ask of an endpoint at all: a token by its scopes, a person by working at the clinic.

What a role may do is the services' question; `read_roles` of a view narrows who may look.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.permissions import EVERYBODY, allowed


def scope_of(view: Any, method: str) -> str:
    """Return the scope that a token needs for this method: by action, else by reading or writing."""
    named: dict[str, str] = getattr(view, "action_scopes", {})
    action = getattr(view, "action", None)
    if action in named:
        return named[action]
    if method in SAFE_METHODS:
        return str(getattr(view, "read_scope", ApiToken.Scope.READ))
    return str(getattr(view, "write_scope", ApiToken.Scope.WRITE))


class InScope(BasePermission):
    """Let a token pass that has the scope, and a person who works at the clinic."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say yes, or raise what says why not."""
        if isinstance(request.auth, ApiToken):
            needed = scope_of(view, request.method or "GET")
            if needed not in request.auth.scopes:
                message = _("This token lacks the scope “%(scope)s”.") % {"scope": needed}
                raise PermissionDenied(message, code="missing_scope")
            return True
        roles = getattr(view, "read_roles", EVERYBODY)
        if request.method in SAFE_METHODS and not allowed(view.clinic, *roles):
            raise PermissionDenied(_("Your role may not see this."), code="forbidden")
        return True
