"""The forms behind the admin pages of treatments. Exercises are written one a line: "3 Squats | slowly, ten times"."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import Role, WatchedModelForm
from accounts.guards import REASON_MAX
from treatments.lifecycle import VERBS
from treatments.models import TreatmentPlan
from treatments.selectors import current_version

LINE = re.compile(r"(\d{1,2})\s*(?:x\s+)?(\S.*)")


def as_lines(plan: TreatmentPlan) -> str:
    """Write what a plan prescribes at last, one exercise a line."""
    newest = plan.versions.order_by("-number").first()
    version = current_version(plan, newest.from_on) if newest else None
    rows = version.exercises.all() if version else ()
    return "\n".join(
        f"{row.sessions_per_week} {row.name}" + (f" | {row.instructions}" if row.instructions else "") for row in rows
    )


def read_lines(text: str) -> list[dict[str, Any]]:
    """Read exercises written one a line. Raises forms.ValidationError naming the line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise forms.ValidationError(
                _("Line %(number)d: write how many times a week and then what, for example “3 Squats”.")
                % {"number": number}
            )
        name, _bar, instructions = match[2].partition("|")
        found.append({"name": name.strip(), "sessions_per_week": int(match[1]), "instructions": instructions.strip()})
    return found


class PlanForm(WatchedModelForm):
    """Carries the exercises and a reason beside the plan's own fields."""

    exercises = forms.CharField(
        label=gettext_lazy("Exercises"),
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text=gettext_lazy("One a line: times a week, what, and after a | how. For example: 3 Squats | slowly"),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason for cancelling"),
        max_length=REASON_MAX,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    pressed = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "starts_on"):
            if name in self.fields and not self.instance.pk:
                self.fields[name].required = False
        if "exercises" in self.fields and self.instance.pk:
            self.fields["exercises"].initial = as_lines(self.instance)
        self.offer("specialist", role=Role.SPECIALIST, is_active=True)
        self.offer("program", archived_at=None)

    def _get_validation_exclusions(self) -> set[str]:
        """Leave to the service what it fills in."""
        return super()._get_validation_exclusions() | ({"name", "starts_on"} if not self.instance.pk else set())

    def clean_exercises(self) -> list[dict[str, Any]]:
        """Read the lines."""
        return read_lines(self.cleaned_data["exercises"])

    def clean(self) -> dict[str, Any] | None:
        """Refuse a form gone stale, except for a second click: what it asks for has happened."""
        if self.instance.pk and self.pressed and self.instance.status == VERBS[self.pressed].to:
            return forms.ModelForm.clean(self)
        return super().clean()


class SessionForm(WatchedModelForm):
    """A session as staff log it; the moment may be left empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "done_at" in self.fields and not self.instance.pk:
            self.fields["done_at"].required = False
            self.fields["done_at"].help_text = gettext_lazy("Left empty: now.")

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | {"done_at", "patient"}
