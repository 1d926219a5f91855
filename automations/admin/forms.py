"""The form of a rule: when, only if, then, limits. It reads and writes the wire document and judges nothing itself."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_jsonform.utils import ErrorMap
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models import Clinic
from automations import lifecycle
from automations.admin import jsonforms
from automations.admin.convert import PARTS, Editor, Unreadable, check_readable
from automations.admin.limits import LimitsForm
from automations.admin.readback import Readback
from automations.admin.widgets import PartField
from automations.engine.declare import catalog
from automations.engine.problems import Problem, Problems, RuleInvalid
from automations.engine.structure import check_structure
from automations.models import Rule
from clinic.errors import StaleRecord

SETTING_FIELDS = {"reentry": "reentry_mode", "stop_on": "stop_on", "recheck": "recheck", "hourly_cap": "hourly_cap"}
EMPTY = {"trigger_config": {}, "conditions": {"match": "all", "items": []}, "actions": []}


class SettingsField(PartField):
    """The settings of the trigger: nobody has to choose any, yet an empty post is no choice either."""

    def clean(self, value: Any) -> Any:
        """Refuse the part if it arrived empty, as every part."""
        if value in self.empty_values:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return super().clean(value)


class RuleForm(LimitsForm):
    """A rule as a person builds it. `document` is the wire document that was posted, or is stored."""

    read_edits = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=5000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )
    trigger_event = forms.ChoiceField(label=_("When this happens"), widget=UnfoldAdminSelectWidget)
    trigger_config = SettingsField(label=_("and only for"), required=False)
    conditions = PartField(label=_("Only if"))
    actions = PartField(label=_("Then"))

    class Meta:
        model = Rule
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unreadable = ""
        self.problems: list[Problem] = []
        self.editable = "actions" in self.fields
        if not self.editable:
            return
        if self.is_bound:
            self._prepare_posted()
        else:
            self._prepare_stored()

    # --- what the page shows ---

    def _prepare_stored(self) -> None:
        document = self._stored()
        try:
            check_readable(document)
        except Unreadable as error:
            self.unreadable, document = str(error), {}
        trigger = document.get("trigger_event")
        self._fill(trigger if isinstance(trigger, str) else "", document)
        if self.instance.pk and not self.unreadable:
            self.stored_document = document
            self._mark(document)

    def _fill(self, trigger: str, document: dict[str, Any]) -> None:
        editor = self.editor = Editor(self.clinic_id, trigger)
        shown = editor.show({**EMPTY, **document})
        self.initial.update(shown)
        self._show(shown)
        self.initial["trigger_event"] = trigger
        self._offer_triggers(trigger)
        self._fill_settings(document.get("settings") or {}, trigger)
        self.initial["read_edits"] = self.instance.edits

    def _offer_triggers(self, current: str) -> None:
        offered = [(key, one.label) for key, one in catalog.triggers.items() if not one.stop_only]
        offered.sort(key=lambda pair: pair[0])
        if current and current not in dict(offered):
            offered.append((current, _("(deleted) %(name)s") % {"name": current}))
        self.fields["trigger_event"].choices = [("", _("Choose what starts it …")), *offered]  # type: ignore[attr-defined]

    def _part(self, name: str) -> PartField:
        return self.fields[name]  # type: ignore[return-value]

    @property
    def clinic_id(self) -> int | None:
        """Return the clinic whose choices the form offers."""
        if self.instance.clinic_id:
            return self.instance.clinic_id
        raw = self.data.get("clinic", "") if self.is_bound else ""
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 18 else None

    # --- what was posted ---

    def _prepare_posted(self) -> None:
        trigger = self.data.get("trigger_event", "")
        self.editor = Editor(self.clinic_id, trigger)
        self._offer_triggers("")
        stops = self.data.getlist("stop_on") if hasattr(self.data, "getlist") else []
        self._offer_stops(trigger, [one for one in stops if one in catalog.triggers])
        self.readback = Readback(self.editor)
        self._show_posted(trigger)

    def _show_posted(self, trigger: str) -> None:
        """Make the schemas for what was posted, so that a refused form comes back as it was."""
        posted = self._read_parts(self._raw())
        try:
            shown = self.editor.show({"trigger_event": trigger, **self._stored_parts(), **posted})
        except Unreadable:
            shown = None
        self._show(shown)

    def _stored_parts(self) -> dict[str, Any]:
        """Return the stored parts: what arrived empty is shown as it is stored, not as if it had been emptied."""
        stored = self._stored()
        try:
            check_readable(stored)
        except Unreadable:
            return dict(EMPTY)
        return {**EMPTY, **{part: stored[part] for part in PARTS if part in stored}}

    def _show(self, shown: dict[str, Any] | None) -> None:
        """Give each part its schema, and the data in the shape of that schema."""
        for part, schema in jsonforms.schemas(self.editor).items():
            widget = self._part(part).widget
            widget.schema = schema
            widget.shown = None if shown is None else json.dumps(shown[part])

    def _raw(self) -> dict[str, Any]:
        """Return the posted parts that are at least of the right kind."""
        raw: dict[str, Any] = {}
        for part in PARTS:
            try:
                value = json.loads(self.data.get(part) or "null")
                check_structure(value, Problems())
            except (ValueError, RecursionError, RuleInvalid):
                continue
            if isinstance(value, list if part == "actions" else dict) and (part != "conditions" or "items" in value):
                raw[part] = value
        return raw

    def _read_parts(self, raw: dict[str, Any]) -> dict[str, Any]:
        back = self.readback
        readers: dict[str, Any] = {
            "trigger_config": back.config,
            "conditions": lambda data: back.group(data, ("conditions",), ("conditions",)),
            "actions": back.actions,
        }
        return {part: readers[part](value) for part, value in raw.items()}

    def clean(self) -> dict[str, Any] | None:
        """Read the document and let the one validator judge it; its problems go to the inputs they are about."""
        cleaned = super().clean()
        if not self.editable:
            return cleaned
        if self.instance.pk and self.cleaned_data.get("read_edits") != self.instance.edits:
            self.add_error(None, StaleRecord(str(self.instance._meta.verbose_name)).message)
        if any(part not in self.cleaned_data for part in PARTS) or "trigger_event" not in self.cleaned_data:
            return cleaned
        self.document = {
            "trigger_event": self.cleaned_data["trigger_event"],
            **self._read_parts({part: self.cleaned_data[part] for part in PARTS}),
            "settings": self._settings(),
        }
        self._judge(self.document)
        return cleaned

    def _judge(self, document: dict[str, Any]) -> None:
        clinic = Clinic.objects.filter(pk=self.clinic_id or 0).first()
        if clinic is None:
            return
        try:
            lifecycle.check_document(clinic, document)
        except RuleInvalid as error:
            self.refuse_rule(error)

    def refuse_rule(self, error: RuleInvalid) -> None:
        """Show each problem at its input, and a summary above the form."""
        self.problems = error.errors
        by_field: dict[str, list[str]] = {}
        for problem in error.errors:
            by_field.setdefault(self._field_of(problem.path), []).append(problem.message)
        for name, texts in by_field.items():
            if name in PARTS:
                self.add_error(name, _("Look at the marked lines: %(texts)s") % {"texts": " · ".join(texts[:5])})
            else:
                self.add_error(name or None, texts)
        self._map(error.errors)

    def _field_of(self, path: str) -> str:
        parts = path.split("/")[1:]
        if parts[:2] == ["settings", "reentry"] and parts[2:3] == ["days"]:
            return "reentry_days"
        if parts[:1] == ["settings"]:
            return SETTING_FIELDS.get(parts[1] if len(parts) > 1 else "", "")
        return parts[0] if parts and parts[0] in self.fields else ""

    def _map(self, problems: list[Problem]) -> None:
        maps: dict[str, ErrorMap] = {}
        for problem in problems:
            coords = self.readback.place(problem.path)
            if len(coords) > 1:
                maps.setdefault(coords[0], ErrorMap()).append(list(coords[1:]), problem.message)
        for part, found in maps.items():
            self._part(part).widget.add_error(found)

    def _mark(self, document: dict[str, Any]) -> None:
        """Mark what is wrong in the stored draft, before anybody saves."""
        try:
            lifecycle.check_document(self.instance.clinic, document)
        except RuleInvalid as error:
            self.problems = error.errors
            self.readback = Readback(self.editor)
            self._read_parts({part: self.initial[part] for part in PARTS})
            self._map(error.errors)
