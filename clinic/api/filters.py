"""Filters of lists: each is declared, documented in the schema, and an unknown one is refused rather than ignored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.request import Request

from clinic.api.fields import id_of, moment_of
from clinic.api.pointers import pointer
from clinic.api.problems import Fault, ProblemError
from clinic.api.strictjson import text_problem

ALWAYS = {"limit", "cursor", "ordering", "format"}


class _MomentField(forms.CharField):
    def clean(self, value: Any) -> Any:
        if not value:
            return None
        try:
            return moment_of(value.replace(" ", "+"))  # an unescaped plus of the offset
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class MomentFilter(django_filters.Filter):
    """Compare with an RFC 3339 moment; one without an offset is refused."""

    field_class = _MomentField


class _IdField(forms.CharField):
    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


class NamedFilter(django_filters.Filter):
    """Keep the rows that refer to a row with this id or, if that row has one, this slug; none for an unknown name."""

    field_class = _IdField

    def __init__(self, field_name: str, *, slug: str | None = "slug", **kwargs: Any) -> None:
        self.slug = slug
        super().__init__(field_name=field_name, **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Keep those rows."""
        if value is None:
            return qs
        same = Q()
        if (number := id_of(value)) is not None:
            same |= Q(**{f"{self.field_name}_id" if self.field_name != "pk" else "pk": number})
        elif self.slug is not None:
            same |= Q(**{f"{self.field_name}__{self.slug}" if self.field_name != "pk" else self.slug: value})
        return qs.filter(same) if same else qs.none()


class WordsFilter(django_filters.BaseInFilter, django_filters.ChoiceFilter):
    """Keep the rows whose word is one of those given, separated by commas."""

    def __init__(self, field_name: str, words: Iterable[str], **kwargs: Any) -> None:
        super().__init__(field_name=field_name, choices=[(one, one) for one in words], lookup_expr="in", **kwargs)


class Filters(FilterSet):
    """The filters of one list."""


class FilterBackend(DjangoFilterBackend):
    """Apply a view's filters, and refuse the parameters it does not have."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        """Filter, or refuse with the parameter's name."""
        refuse_unknown(request, self.known(view))
        return super().filter_queryset(request, queryset, view)

    @staticmethod
    def known(view: Any) -> set[str]:
        """Return the names of the view's parameters."""
        filters = getattr(view, "filterset_class", None)
        own = set(filters.base_filters) if filters is not None else set()
        return own | set(getattr(view, "extra_params", ()))

    def get_filterset(self, request: Request, queryset: Any, view: Any) -> Any:
        """Build the filters and check what was asked."""
        filterset = super().get_filterset(request, queryset, view)
        if filterset is not None and not filterset.is_valid():
            faults = [
                Fault(pointer(name), "filter", " ".join(str(text) for text in texts))
                for name, texts in filterset.errors.items()
            ]
            raise ProblemError(422, faults[0].message, faults)
        return filterset


def refuse_unknown(request: Request, known: Iterable[str] = ()) -> None:
    """Refuse parameters that an endpoint does not have, and text that nothing can equal."""
    allowed = ALWAYS | set(known)
    faults = []
    for name, values in request.query_params.lists():
        if name not in allowed:
            text = _("There is no such parameter here; there are: %(names)s.") % {"names": ", ".join(sorted(allowed))}
            faults.append(Fault(pointer(name), "unknown_parameter", text))
        elif any((problem := text_problem(value)) is not None for value in values):
            faults.append(Fault(pointer(name), *problem))  # type: ignore[misc]
    if faults:
        raise ProblemError(422, faults[0].message, faults)
