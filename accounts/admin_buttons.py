"""The buttons of a record's life-cycle at the foot of its admin page."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class LifecycleButtons:
    """Offers, of `buttons` (verbs; each has an action `press_<verb>`), those that lead on from the record's state."""

    buttons: ClassVar[tuple[str, ...]] = ()
    opts: Any

    def leads_on(self, verb: str, status: str) -> bool:
        """Tell whether the button leads on from this state."""
        raise NotImplementedError(f"{type(self).__name__} does not say which buttons lead on.")

    def pressed(self, request: HttpRequest) -> str:
        """Return the verb of the button that was pressed, or nothing."""
        return next((verb for verb in self.buttons if self._name(verb) in request.POST), "")

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer the buttons that lead on, and the one that was pressed."""
        row = self.get_object(request, str(object_id)) if object_id else None  # type: ignore[attr-defined]
        if row is None or not self.has_change_permission(request, row):  # type: ignore[attr-defined]
            return []
        offered = {self._name(verb) for verb in self.buttons if self.leads_on(verb, row.status)}
        every = super().get_actions_submit_line(request, object_id)  # type: ignore[misc]
        return [one for one in every if one.action_name in offered or one.action_name in request.POST]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Leave the room at the foot of the page to the buttons."""
        extra = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context | extra, *args, **kwargs)  # type: ignore[misc]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page after a button, to see what came of it."""
        if self.pressed(request):
            return redirect(request.path)
        return super().response_change(request, obj)  # type: ignore[misc]

    def _name(self, verb: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_press_{verb}"
