"""The forms of the plans' pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import Role
from treatments.models import PAIN_MAX, Exercise, Program, TreatmentPlan
from treatments.sessions import NOTE_MAX


def day_input() -> forms.DateInput:
    """Return the browser's own calendar."""
    return forms.DateInput({"type": "date"}, format="%Y-%m-%d")


class PlanForm(forms.Form):
    """What a plan says beside its exercises; one that was assigned keeps its first day."""

    program = forms.ModelChoiceField(
        Program.objects.none(), label=_("Program"), required=False, empty_label=_("none, by hand")
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False, help_text=_("Left empty: the program's."))
    specialist = forms.ModelChoiceField(
        Membership.objects.none(), label=_("Specialist"), required=False, empty_label=_("nobody")
    )
    starts_on = forms.DateField(
        label=_("First day"), required=False, widget=day_input(), help_text=_("Left empty: today.")
    )
    ends_on = forms.DateField(
        label=_("Last day"), required=False, widget=day_input(), help_text=_("Left empty: no end is planned.")
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, clinic: Any, *args: Any, plan: TreatmentPlan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What a plan has stays on offer to it, even if it is offered to no other any more.
        program = Q(archived_at=None) | Q(pk=plan.program_id if plan else None)
        person = Q(is_active=True, role=Role.SPECIALIST) | Q(pk=plan.specialist_id if plan else None)
        offered: dict[str, Any] = {
            "program": Program.objects.for_clinic(clinic).filter(program).order_by("name", "pk"),
            "specialist": Membership.objects.filter(person, clinic=clinic).order_by("name", "pk"),
        }
        for name, rows in offered.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        if plan is None:
            del self.fields["revision"]
        elif plan.status != TreatmentPlan.Status.DRAFT:
            del self.fields["starts_on"]

    def values(self) -> dict[str, Any]:
        """Return what the services take; no first day is none to set."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "revision" and (name, value) != ("starts_on", None)
        }


class ReviseForm(forms.Form):
    """From when on something else is prescribed."""

    from_on = forms.DateField(label=_("From"), required=False, widget=day_input(), help_text=_("Left empty: today."))
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)


class SessionForm(forms.Form):
    """What was done, when, and how much it hurt."""

    exercise = forms.ChoiceField(label=_("Exercise"), required=False)
    done_at = forms.DateTimeField(
        label=_("Done at"),
        required=False,
        help_text=_("Left empty: now."),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    pain = forms.TypedChoiceField(
        label=_("Pain, 0 to 10"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("not told")), *((str(n), str(n)) for n in range(PAIN_MAX + 1))],
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=NOTE_MAX, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: Any, exercises: Iterable[Exercise] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(one.pk): one for one in exercises}
        choices: list[Any] = [("", _("the plan as a whole")), *((pk, one.name) for pk, one in self.known.items())]
        self.fields["exercise"].choices = choices  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return what `services.log_session` takes."""
        return {**self.cleaned_data, "exercise": self.known.get(self.cleaned_data["exercise"])}
