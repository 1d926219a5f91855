"""The form behind a template's admin page: its name, and the wording that the next version will have."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import ClinicModelForm
from forms_app.models import FormTemplate
from forms_app.questions import TYPES, check_questions

EXAMPLE = '[{"id": "pain", "type": "scale", "text": {"en": "Pain?", "ro": "Durere?"}, "required": true}]'


class PrettyJSONField(forms.JSONField):
    """JSON that people read: indented, letters as they are."""

    def prepare_value(self, value: Any) -> Any:
        """Indent what was stored; show what was typed as it was typed."""
        if isinstance(value, str | forms.fields.InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)


class TemplateForm(ClinicModelForm):
    """Shows the draft, else the newest version; saving another wording publishes it as the next one."""

    title = forms.CharField(
        label=_("title"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("As patients read it; left empty, the name."),
    )  # fmt: skip
    text = forms.CharField(
        label=_("text"), max_length=50_000, required=False, strip=False, widget=UnfoldAdminTextareaWidget
    )
    questions = PrettyJSONField(
        label=_("questions"), required=False, widget=UnfoldAdminTextareaWidget,
        help_text=_("A list such as %(example)s. Types: %(types)s.") % {"example": EXAMPLE, "types": ", ".join(TYPES)},
    )  # fmt: skip
    translations = PrettyJSONField(
        label=_("translations"), required=False, widget=UnfoldAdminTextareaWidget,
        help_text=_('Title and text in other languages, for example {"ro": {"title": "…", "text": "…"}}.'),
    )  # fmt: skip
    WORDING = ("title", "text", "questions", "translations")

    class Meta:
        model = FormTemplate
        fields = ("name", "slug", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self.instance.versions.order_by("-number").first() if self.instance.pk else None
        draft = self.instance.draft or {}
        for name, empty in (("title", ""), ("text", ""), ("questions", []), ("translations", {})):
            if name in self.fields:
                self.fields[name].initial = draft.get(name, getattr(newest, name) if newest else empty)

    def clean_questions(self) -> Any:
        """Name every place in the questions that must change."""
        questions = self.cleaned_data["questions"] or []
        _clean, problems = check_questions(questions, "")
        for problem in problems:
            self.add_error("questions", f"{problem.path or '/'}: {problem.message}")
        return questions

    def clean_translations(self) -> Any:
        """Take an empty box as no translations."""
        return self.cleaned_data["translations"] or {}
