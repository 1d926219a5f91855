"""The form of what somebody is typing just now, for the helpers beside it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from accounts.admin_scope import may


class TypedForms:
    """Builds the page's own form of what was sent to a helper."""

    model: Any
    add_roles: Any

    def typed(self, request: HttpRequest) -> Any:
        """Build the form of what is typed, for a person who may write such a thing there. Nothing is stored."""
        if request.method != "POST":
            raise Http404
        named = request.POST.get("rule")
        obj = self.get_object(request, named) if named else None  # type: ignore[attr-defined]
        if named and obj is None:
            raise Http404
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):  # type: ignore[attr-defined]
            raise PermissionDenied
        form_class = self.get_form(request, obj, change=obj is not None)  # type: ignore[attr-defined]
        form = form_class(request.POST, instance=obj or self.model())
        if form.clinic_id and not may(request, self.add_roles, form.clinic_id):
            raise PermissionDenied
        return form
