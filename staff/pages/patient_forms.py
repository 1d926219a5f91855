"""The forms about patients: searching, registering, those who stand by them, and what staff note for them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.postgres.forms import SimpleArrayField
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.models import Clinic
from accounts.permissions import Role
from accounts.selectors import members
from patients.models import Contact, Feature, Patient
from patients.selectors import search
from treatments.models import PAIN_MAX, Exercise, TreatmentPlan

IN_CARE, DECEASED, EVERYBODY = "care", "deceased", "all"


def in_a_row(form: forms.Form) -> None:
    """Dress the inputs of a form that filters a list; templates put the labels above them."""
    for field in form.fields.values():
        choosing = isinstance(field.widget, forms.Select)
        field.widget.attrs["class"] = "form-select" if choosing else "form-control"


class SearchForm(forms.Form):
    """What narrows the list of patients."""

    q = forms.CharField(label=_lazy("Name, phone or id"), required=False, max_length=100)
    status = forms.ChoiceField(
        label=_lazy("Status"),
        required=False,
        choices=[
            ("", _lazy("in care")),
            (Patient.Status.DISCHARGED, Patient.Status.DISCHARGED.label),
            (Patient.Status.ARCHIVED, Patient.Status.ARCHIVED.label),
            (DECEASED, _lazy("deceased")),
            (EVERYBODY, _lazy("everybody")),
        ],
    )
    specialist: Any = forms.ModelChoiceField(
        label=_lazy("Specialist"), required=False, queryset=None, empty_label=_lazy("any specialist")
    )
    tag = forms.CharField(label=_lazy("Tag"), required=False, max_length=50)

    def __init__(self, data: Any, clinic: Clinic) -> None:
        super().__init__(data)
        self.fields["specialist"].queryset = members(clinic, Role.SPECIALIST)  # type: ignore[attr-defined]
        self.fields["q"].widget.input_type = "search"
        in_a_row(self)

    def narrow(self, rows: QuerySet[Patient]) -> QuerySet[Patient]:
        """Keep what is asked for; a filter that makes no sense keeps nobody."""
        if not self.is_valid():
            return rows.none()
        asked = self.cleaned_data
        rows = _of_status(search(rows, asked["q"]), asked["status"])
        if asked["specialist"]:
            rows = rows.filter(specialist=asked["specialist"])
        if asked["tag"].strip():
            rows = rows.filter(tags__contains=[asked["tag"].strip()])
        return rows

    @property
    def narrowed(self) -> bool:
        """Tell whether anything but the whole list is asked for."""
        return any(self.data.get(name) for name in self.fields)

    @property
    def order(self) -> tuple[str, ...]:
        """Return the order: by name in any case, which an index gives only to the whole list.

        Those who are searched are found first and sorted then: walking all names in order would take longer, unless
        one letter is asked for, which fits so many that a walk soon has a page of them.
        """
        asked = len(self.data.get("q", "").strip()) > 1 or self.data.get("tag")
        return ("family_name_folded", "given_name_folded", "pk") if asked else ("family_name", "given_name", "pk")


def _of_status(rows: QuerySet[Patient], status: str) -> QuerySet[Patient]:
    if status == EVERYBODY:
        return rows
    if status == DECEASED:
        return rows.filter(deceased_on__isnull=False)
    return rows.filter(Q(deceased_on__isnull=True), status=status or Patient.Status.ACTIVE)


def language_choices(kept: str, empty: Any) -> list[tuple[str, Any]]:
    """Offer the languages of the product, and the one that is stored."""
    known = dict(settings.LANGUAGES)
    return [("", empty), *known.items(), *([(kept, kept)] if kept and kept not in known else [])]


class PatientForm(forms.ModelForm):
    """What is known of a patient. It carries the revision that was read."""

    read_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    tags = SimpleArrayField(
        forms.CharField(max_length=50), label=_lazy("Tags"), required=False, help_text=_lazy("Separate them by commas.")
    )
    language = forms.ChoiceField(label=_lazy("Language"), required=False)

    class Meta:
        model = Patient
        fields = (
            "given_name",
            "family_name",
            "birth_date",
            "sex",
            "email",
            "phone",
            "city",
            "language",
            "specialist",
            "tags",
            "source",
            "external_id",
            "time_zone",
        )
        widgets = {
            "birth_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "phone": forms.TextInput(attrs={"type": "tel"}),
        }
        help_texts = {
            "external_id": _lazy("The id in another system, if there is one."),
            "time_zone": _lazy("Only if the patient lives elsewhere, for example Europe/Madrid."),
        }

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.clinic = clinic
        stored = self.instance.specialist_id
        chosen: Any = self.fields["specialist"]
        chosen.queryset = members(clinic, Role.SPECIALIST)
        if stored and not chosen.queryset.filter(pk=stored).exists():
            chosen.queryset = chosen.queryset.model.objects.filter(
                Q(pk=stored) | Q(pk__in=chosen.queryset.order_by().values("pk"))
            )
        chosen.empty_label = _("nobody")
        language: Any = self.fields["language"]
        language.choices = language_choices(self.instance.language, _("the clinic's"))
        self.fields["read_revision"].initial = self.instance.revision

    @property
    def known(self) -> dict[str, Any]:
        """Return what the service takes: all of a new patient, of a registered one what was changed."""
        names = [name for name in self.Meta.fields if self.instance.pk is None or name in self.changed_data]
        return {name: self.cleaned_data[name] for name in names}


class ContactForm(forms.ModelForm):
    """Somebody who stands by a patient."""

    language = forms.ChoiceField(label=_lazy("Language"), required=False)

    class Meta:
        model = Contact
        fields = ("name", "relation", "email", "phone", "language", "gets_messages", "may_sign")
        help_texts = {
            "gets_messages": _lazy("In place of a patient who is too young."),
            "may_sign": _lazy("Forms, for the patient."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language: Any = self.fields["language"]
        language.choices = language_choices(self.instance.language, _("the clinic's"))


class GrantForm(forms.Form):
    """A feature, and the last day on which it may be used."""

    feature = forms.ChoiceField(label=_lazy("What"), choices=Feature.choices)
    until_on = forms.DateField(
        label=_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_lazy("Empty: without end."),
    )

    @property
    def until(self) -> datetime | None:
        """Return the end of the last day, in the clinic's zone."""
        day = self.cleaned_data["until_on"]
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time())) if day else None


PAIN = [("", _lazy("not told")), *((str(value), str(value)) for value in range(PAIN_MAX + 1))]


def moment_field(label: Any) -> forms.DateTimeField:
    """Ask for a moment in the clinic's zone; empty means now."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget, help_text=_lazy("Empty: now."))


class SessionForm(forms.Form):
    """A session that a patient tells of: of which plan or exercise, when, and how much it hurt."""

    what = forms.ChoiceField(label=_lazy("What was done"))
    done_at = moment_field(_lazy("When"))
    pain = forms.TypedChoiceField(
        label=_lazy("Pain, 0 to 10"), choices=PAIN, coerce=int, empty_value=None, required=False
    )
    note = forms.CharField(label=_lazy("Note"), required=False, max_length=2000)

    def __init__(self, plans: list[TreatmentPlan], exercises: list[Exercise], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plans = {str(plan.pk): plan for plan in plans}
        self.exercises = {f"{one.version.plan_id}:{one.pk}": one for one in exercises}
        what: Any = self.fields["what"]
        what.choices = [(str(plan.pk), str(plan)) for plan in plans]
        what.choices += [(key, f"{self.plans[key.partition(':')[0]]}: {one}") for key, one in self.exercises.items()]

    @property
    def session(self) -> dict[str, Any]:
        """Return what the service takes."""
        key = self.cleaned_data["what"]
        told = {name: self.cleaned_data[name] for name in ("done_at", "pain", "note")}
        return {"plan": self.plans[key.partition(":")[0]], "exercise": self.exercises.get(key), **told}


class PainForm(forms.Form):
    """How much pain a patient tells of."""

    value = forms.TypedChoiceField(label=_lazy("Pain, 0 to 10"), choices=PAIN[1:], coerce=int)
    measured_at = moment_field(_lazy("When"))
