"""The form of a task that a person writes down."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Role
from accounts.selectors import members
from worklist.models import Task


class TaskForm(forms.Form):
    """What is to be done, by when, and by whom."""

    title = forms.CharField(label=_("What is to be done"), max_length=200)
    details = forms.CharField(
        label=_("Details"), required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=5000
    )
    whom = forms.ChoiceField(label=_("For whom"))
    due_at = forms.DateTimeField(
        label=_("Due"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    priority = forms.ChoiceField(label=_("Priority"), choices=Task.Priority.choices, initial=Task.Priority.NORMAL)

    def __init__(self, *args: Any, clinic: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {f"person-{one.pk}": one for one in members(clinic)}
        roles = [(f"role-{value}", label) for value, label in Role.choices]
        people = [(key, one.name) for key, one in sorted(self.people.items(), key=lambda pair: pair[1].name)]
        self.fields["whom"].choices = [(_("Whoever of the role is first"), roles), (_("One person"), people)]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return the arguments that the service takes."""
        given = dict(self.cleaned_data)
        whom = given.pop("whom")
        kind, _dash, value = whom.partition("-")
        return given | {"assignee": self.people.get(whom), "role": value if kind == "role" else ""}
