"""The form of a segment: the rule editor's own inputs for its conditions."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_jsonform.utils import ErrorMap
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin_forms import ClinicModelForm, WatchedModelForm
from accounts.models import Clinic
from automations.admin import jsonforms
from automations.admin.convert import Editor, Unreadable
from automations.admin.readback import Readback
from automations.admin.widgets import PartField
from automations.engine.problems import Problem, RuleInvalid
from clinic.errors import StaleRecord
from segments import definition
from segments.models import Segment

CONDITIONS = ("conditions",)


class SegmentForm(ClinicModelForm):
    """A segment as a person builds it. `document` are the conditions that were posted."""

    read_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    conditions = PartField(label=_("Who is in it"))

    class Meta:
        model = Segment
        fields = ("name", "slug", "kind", "description")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems: list[Problem] = []
        self.document: Any = None
        self.initial["read_version"] = self.instance.version
        if "slug" in self.fields:
            self.fields["slug"].required = False  # one is made of the name
        if "conditions" in self.fields:
            self.editor = Editor(self.clinic_id, "", definition.offered())
            self.readback = Readback(self.editor)
            self._show(self._posted() if self.is_bound else self.instance.conditions)

    @property
    def clinic_id(self) -> int | None:
        """Return the clinic whose choices the form offers."""
        if self.instance.clinic_id:
            return self.instance.clinic_id
        raw = self.data.get("clinic", "") if self.is_bound else ""
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 18 else None

    def _show(self, conditions: Any) -> None:
        """Give the inputs their schema, and the conditions in its shape; what has none is shown as nothing."""
        widget: Any = self.fields["conditions"].widget
        try:
            shown = self.editor.show({"conditions": conditions or definition.EVERYONE})
        except Unreadable:
            shown = None
        widget.schema = jsonforms.conditions(self.editor)
        widget.shown = None if shown is None else json.dumps(shown["conditions"])

    def _posted(self) -> Any:
        """Read back what was posted, so that a refused form comes back as it was."""
        field: Any = self.fields["conditions"]
        try:
            return self._read(field.to_python(self.data.get("conditions") or "null"))
        except forms.ValidationError:
            return self.instance.conditions

    def _read(self, data: Any) -> Any:
        return self.readback.group(data, CONDITIONS, CONDITIONS)

    def clean(self) -> dict[str, Any] | None:
        """Let the one validator judge the conditions; its problems go to the inputs they are about."""
        cleaned = super().clean()
        if self.instance.pk and self.cleaned_data.get("read_version") not in (None, self.instance.version):
            self.add_error(None, StaleRecord(str(Segment._meta.verbose_name)).message)
        if "conditions" not in self.cleaned_data or not self.is_dynamic:
            return cleaned
        self.document = self._read(self.cleaned_data["conditions"])
        clinic = Clinic.objects.filter(pk=self.clinic_id or 0).first()
        if clinic is not None:
            try:
                definition.check(clinic, self.document)
            except RuleInvalid as error:
                self._refuse(error.errors)
        return cleaned

    @property
    def is_dynamic(self) -> bool:
        """Tell whether conditions decide, as it stands or as it was typed."""
        return str(self.cleaned_data.get("kind") or self.instance.kind) == Segment.Kind.DYNAMIC

    def _refuse(self, problems: list[Problem]) -> None:
        self.problems = problems
        texts = " · ".join(problem.message for problem in problems[:5])
        self.add_error("conditions", _("Look at the marked lines: %(texts)s") % {"texts": texts})
        found = ErrorMap()
        for problem in problems:
            place = self.readback.place(problem.path)
            if len(place) > 1:
                found.append(list(place[1:]), problem.message)
        widget: Any = self.fields["conditions"].widget
        widget.add_error(found)


class MemberForm(WatchedModelForm):
    """Whom to add to which manual segment."""

    class Meta:
        fields = ("segment", "patient")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "segment" in self.fields:
            field: Any = self.fields["segment"]
            field.queryset = field.queryset.filter(kind=Segment.Kind.MANUAL, archived_at=None)
