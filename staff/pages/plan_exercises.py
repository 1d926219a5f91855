"""Several exercises in one form: rows that may stay empty, one more by a button, refusals at the row they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.errors import ClinicError
from treatments.exercising import EXERCISES_MAX, INSTRUCTIONS_MAX, NAME_MAX
from treatments.models import SESSIONS_A_WEEK_MAX

PREFIX = "exercises"
SPARE = 2
FIELDS = ("name", "sessions_per_week", "instructions")


class ExerciseForm(forms.Form):
    """One exercise; what it must have the service says."""

    name = forms.CharField(label=_("Exercise"), max_length=NAME_MAX, required=False)
    sessions_per_week = forms.IntegerField(
        label=_("Times a week"), min_value=0, max_value=SESSIONS_A_WEEK_MAX, required=False
    )
    instructions = forms.CharField(
        label=_("Instructions"), max_length=INSTRUCTIONS_MAX, required=False, widget=forms.Textarea({"rows": 1})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            wrong = self.is_bound and name in self.errors
            field.widget.attrs["class"] = "form-control" + (" is-invalid" if wrong else "")

    def given(self) -> dict[str, Any] | None:
        """Return the exercise as services take it; None for a row that was left empty."""
        values = {name: self.cleaned_data.get(name) for name in FIELDS}
        return None if all(value in ("", None) for value in values.values()) else values


ExerciseFormSet = forms.formset_factory(ExerciseForm, extra=0, max_num=EXERCISES_MAX, absolute_max=EXERCISES_MAX + 5)


class Exercises:
    """The rows of one page: as they are to be shown, and as they were typed."""

    def __init__(self, data: Any = None, rows: Sequence[Mapping[str, Any]] = (), spare: int = SPARE) -> None:
        initial = [{name: row.get(name, "") for name in FIELDS} for row in rows] + [{}] * spare
        self.formset = ExerciseFormSet(
            data, prefix=PREFIX, initial=None if data is not None else initial[:EXERCISES_MAX]
        )
        self.kept: list[Any] = []

    def is_valid(self) -> bool:
        """Tell whether each row can be read."""
        return bool(self.formset.is_valid())

    def given(self) -> list[dict[str, Any]]:
        """Return the exercises that were typed."""
        self.kept = [form for form in self.formset if form.given() is not None]
        return [form.given() for form in self.kept]

    def take(self, error: ClinicError) -> bool:
        """Show a refusal at the row and field that it names; False if it is about something else."""
        parts = error.path.strip("/").split("/")
        if parts[0] != PREFIX:
            return False
        place = parts[1] if len(parts) >= 2 else ""
        if not (place.isascii() and place.isdigit() and len(place) < 5) or int(place) >= len(self.kept):
            self.formset.non_form_errors().append(error.message)
            return True
        form = self.kept[int(parts[1])]
        name = parts[2] if len(parts) > 2 and parts[2] in FIELDS else None
        form.add_error(name, error.message)
        if name:
            form.fields[name].widget.attrs["class"] = "form-control is-invalid"
        return True


def typed_rows(data: Any) -> list[dict[str, str]]:
    """Return the rows of a posted form just as they were typed, for a page that only adds to them."""
    count = data.get(f"{PREFIX}-TOTAL_FORMS", "0")
    total = min(int(count), EXERCISES_MAX) if count.isascii() and count.isdigit() and len(count) < 5 else 0
    rows = [{name: data.get(f"{PREFIX}-{n}-{name}", "") for name in FIELDS} for n in range(total)]
    return [row for row in rows if any(row.values())]
