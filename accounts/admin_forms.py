"""The form behind every admin page of a clinic's rows."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from clinic.db import ClinicForeignKey, WatchedModel
from clinic.errors import ClinicError, StaleRecord

KEY_DIGITS = 18  # what surely fits a bigint


class ClinicModelForm(forms.ModelForm):
    """Keeps a row inside its clinic, and shows what a service refused at the field it is about."""

    request: ClassVar[HttpRequest]
    fixed_clinic_id: ClassVar[int | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self._replace_impossible_keys()
        if self.fixed_clinic_id and not self.instance.clinic_id:
            self.instance.clinic_id = self.fixed_clinic_id

    def _replace_impossible_keys(self) -> None:
        """Let what cannot be a key be the key of nothing: Django's autocomplete looks a refused one up once more."""
        data = cast(QueryDict, self.data).copy()
        for name, field in self.fields.items():
            key = self.add_prefix(name)
            sent = data.get(key) if isinstance(field, forms.ModelChoiceField) else None
            if sent and not (sent.isascii() and sent.isdecimal() and len(sent) <= KEY_DIGITS):
                data[key] = "0"
        self.data = data

    def offer(self, name: str, **which: Any) -> None:
        """Offer only rows that can be chosen now, and the one that is chosen already."""
        if name in self.fields:
            field = self.fields[name]
            field.queryset = field.queryset.filter(Q(**which) | Q(pk=getattr(self.instance, f"{name}_id")))  # type: ignore[attr-defined]

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        if "clinic" not in self.fields:
            excluded.discard("clinic")  # so that "unique in the clinic" is checked though nobody types the clinic
        return excluded

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        self._refuse_other_clinics()
        refusal = getattr(self.request, "clinic_refusal", None)
        if refusal is not None:
            self.refuse(refusal)

    def _refuse_other_clinics(self) -> None:
        for name in self.fields:
            chosen = self.cleaned_data.get(name)
            field = next((f for f in self.instance._meta.concrete_fields if f.name == name), None)
            if isinstance(field, ClinicForeignKey) and chosen and chosen.clinic_id != self.instance.clinic_id:
                self.add_error(name, _("This belongs to another clinic."))

    def refuse(self, error: ClinicError) -> None:
        """Show a service's refusal at the field it names, or above the form."""
        self.add_error(error.path if error.path in self.fields else None, error.message)


class WatchedModelForm(ClinicModelForm):
    """Carries the revision that was read, so that a form that went stale on the screen is refused."""

    read_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "read_revision" in self.fields:
            self.fields["read_revision"].initial = self.instance.revision

    def clean(self) -> dict[str, Any] | None:
        """Refuse a form that was opened before somebody else changed the record."""
        cleaned = super().clean()
        if self.instance.pk and self.cleaned_data.get("read_revision") != self.instance.revision:
            self.add_error(None, StaleRecord(str(self.instance._meta.verbose_name)).message)
        return cleaned


def form_for(base: type[forms.ModelForm], model: Any, attributes: dict[str, Any]) -> type[forms.ModelForm]:
    """Derive the form class of one request from the admin's own form, keeping it one of the house's."""
    house = WatchedModelForm if issubclass(model, WatchedModel) else ClinicModelForm
    if not issubclass(base, ClinicModelForm):
        base = house if base is forms.ModelForm else type(base.__name__, (base, house), {})
    elif house is WatchedModelForm and not issubclass(base, WatchedModelForm):
        raise TypeError(f"{base.__name__} edits a watched record: derive it from WatchedModelForm.")
    return type(base.__name__, (base,), attributes)
