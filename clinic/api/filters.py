"""Filters of lists: each is declared, documented in the schema, and an unknown one is refused rather than ignored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request

from clinic.api.fields import id_of, moment_of
from clinic.api.pointers import pointer
from clinic.api.problems import Fault, ProblemError, invalid
from clinic.api.strictjson import text_problem
from clinic.slugs import is_number

PAGED = ("limit", "cursor", "ordering")
"""What every list takes besides its filters."""
IGNORED = {"format"}
TRUTH = {"true": True, "1": True, "false": False, "0": False}


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


class _NameField(forms.CharField):
    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


class _IdField(_NameField):
    def clean(self, value: Any) -> Any:
        name = super().clean(value)
        if name is not None and id_of(name) is None:
            raise forms.ValidationError(_("Name it by its id."))
        return name


class _TruthField(forms.CharField):
    def clean(self, value: Any) -> Any:
        word = super().clean(value).lower()
        if word and word not in TRUTH:
            raise forms.ValidationError(_("Say true or false."))
        return TRUTH.get(word)


class TruthFilter(django_filters.BooleanFilter):
    """Yes or no; any other word is refused."""

    field_class = _TruthField


@extend_schema_field({"type": "string", "description": "The id."})
class IdFilter(django_filters.Filter):
    """Keep the rows that refer to a row with this id; what can be no id is refused."""

    field_class: Any = _IdField

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Keep those rows."""
        return qs if value is None else qs.filter(**{f"{self.field_name}_id": id_of(value)})


@extend_schema_field({"type": "string", "description": "The slug or id."})
class NamedFilter(IdFilter):
    """Keep the rows that refer to a row with this id or slug; digits are an id. A slug that nothing has is refused."""

    field_class = _NameField

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Keep those rows."""
        if value is None:
            return qs
        if not is_number(value):
            return qs.filter(**{self.field_name: self._row(qs.model, value)})
        if id_of(value) is None:
            raise self._refusal("filter", _("Name it by its slug or id."))
        return super().filter(qs, value)

    def _row(self, model: Any, slug: str) -> Any:
        kind = model._meta.get_field(self.field_name).related_model
        clinic = self.parent.request.parser_context["view"].clinic
        found = kind.objects.for_clinic(clinic).filter(slug=slug).only("pk").first()
        if found is None:
            raise self._refusal("not_found", _("This clinic has no “%(slug)s” of that kind.") % {"slug": slug[:60]})
        return found

    def _refusal(self, code: str, message: str) -> ProblemError:
        name = next(name for name, one in self.parent.filters.items() if one is self)
        return invalid(pointer(name), code, message)


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
        refuse_unknown(request, (*self.known(view), *PAGED))
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
    """Refuse parameters that an endpoint does not have, those without a value, and text that nothing can equal."""
    allowed = set(known)
    faults = []
    for name, values in request.query_params.lists():
        if name not in allowed | IGNORED:
            faults.append(Fault(pointer(name), "unknown_parameter", _not_here(allowed)))
        elif not all(value.strip() for value in values):
            faults.append(Fault(pointer(name), "empty", _("Give it a value, or leave the parameter out.")))
        elif any((problem := text_problem(value)) is not None for value in values):
            faults.append(Fault(pointer(name), *problem))  # type: ignore[misc]
    if faults:
        raise ProblemError(422, faults[0].message, faults)


def _not_here(allowed: set[str]) -> str:
    if not allowed:
        return _("There is no such parameter here; this address has none.")
    return _("There is no such parameter here; there are: %(names)s.") % {"names": ", ".join(sorted(allowed))}
