"""Bodies and answers: serializers that refuse what they do not know. They shape; services decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from clinic.api.pointers import LONGEST_NAME


class Body(serializers.Serializer):
    """What a client may send. Every member it does not name is refused, each at its place."""

    def to_internal_value(self, data: Any) -> Any:
        """Read the members, and refuse the rest together with what is wrong in them."""
        if not isinstance(data, Mapping):
            raise ValidationError({"non_field_errors": [ErrorDetail(_("Send an object here."), code="type")]})
        writable = {name for name, field in self.fields.items() if not field.read_only}
        unknown = {str(name): [_unknown(str(name), writable)] for name in data if name not in writable}
        try:
            with self._whole():
                value = super().to_internal_value(data)
        except ValidationError as error:
            known: Any = error.detail
            raise ValidationError({**unknown, **known}) from None
        if unknown:
            raise ValidationError(unknown)
        return value

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Read a row inside another body whole: a change may leave out members of the body, not of its rows."""
        root: Any = self.root
        partial = getattr(root, "partial", False)
        if self.parent is not None:
            root.partial = False
        try:
            yield
        finally:
            root.partial = partial


def _unknown(name: str, writable: set[str]) -> ErrorDetail:
    near = get_close_matches(name[:LONGEST_NAME], writable, n=1)
    if near:
        text = _("There is no such member here. Did you mean “%(name)s”?") % {"name": near[0]}
    else:
        text = _("There is no such member here; remove it.")
    return ErrorDetail(text, code="unknown_field")


class Answer(serializers.Serializer):
    """What an endpoint shows."""


class NoBody(Body):
    """Nothing is to be sent; an empty object is nothing too."""
