"""Pages of a list: {"next", "previous", "results"}, by cursor, so that rows that come meanwhile shift nothing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from clinic.api.problems import invalid

MAX_LIMIT = 200


class CursorPages(CursorPagination):
    """Pages of `limit` rows, in one of the orders that the view offers (`orders`; the first unless asked).

    A minus sign turns an order round. An order is a column that is never null.
    """

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MAX_LIMIT
    ordering_param = "ordering"

    def get_page_size(self, request: Request) -> int:
        """Return the limit asked for. Raises ProblemError for what is none."""
        text = request.query_params.get("limit", str(self.page_size))
        if not (text.isascii() and text.isdigit()) or not 1 <= len(text) <= 4 or not 1 <= int(text) <= MAX_LIMIT:
            raise invalid("/limit", "limit", _("Give a limit from 1 to %(most)d.") % {"most": MAX_LIMIT})
        return int(text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Document cursor, limit and the orders that the list can be in."""
        own: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for one in own:
            if one["name"] == "limit":
                one["schema"] = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": self.page_size}
        words = self._orders(view)
        order = {"name": "ordering", "in": "query", "required": False, "schema": {"type": "string", "enum": words}}
        return [*own, order]

    @staticmethod
    def _orders(view: Any) -> list[str]:
        """Return the words for a view's orders, each also turned round."""
        names = [one.lstrip("-").replace("pk", "id") for one in getattr(view, "orders", ("-pk",))]
        return [sign + name for name in names for sign in ("", "-")]

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the order asked for, made total by the key."""
        offered: tuple[str, ...] = getattr(view, "orders", ("-pk",))
        words = [sign + one.lstrip("-") for one in offered for sign in ("", "-")]
        wanted = request.query_params.get(self.ordering_param, offered[0])
        public = [one.replace("pk", "id") for one in words]
        if wanted in public:
            wanted = words[public.index(wanted)]
        elif wanted not in words:
            message = _("Order by one of: %(words)s.") % {"words": ", ".join(public)}
            raise invalid("/ordering", "ordering", message)
        sign = "-" if wanted.startswith("-") else ""
        return (wanted,) if wanted.lstrip("-") == "pk" else (wanted, f"{sign}pk")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the rows of the page, remembering the model that a cursor's position belongs to."""
        self._model = queryset.model
        self._first = self.get_ordering(request, queryset, view)[0].lstrip("-")
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Read the cursor. Raises ProblemError for one that this list did not make."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                self._check(str(cursor.position))
        except (NotFound, ValidationError, ValueError, OverflowError):
            raise invalid("/cursor", "cursor", _("This is not a cursor of this list; begin without one.")) from None
        return cursor

    def _check(self, position: str) -> None:
        """Refuse a position that is no value of the column."""
        if "\0" in position or len(position) > 300:
            raise ValueError
        field = self._model._meta.pk if self._first == "pk" else self._model._meta.get_field(self._first)
        value = field.to_python(position)
        field.run_validators(value)

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Describe a page: the addresses of its neighbours, null at the ends."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }
