"""The widget of the editor's parts: django-jsonform with its scripts, and ours that make it usable by everyone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_jsonform.widgets import JSONFormWidget

from automations.engine.problems import Problems, RuleInvalid
from automations.engine.structure import check_structure


class PartWidget(JSONFormWidget):
    """One part of the rule; `schema`, `error_map` and `shown` (the data, as JSON) are set by the form."""

    template_name = "automations/part.html"
    shown: str | None = None

    def __init__(self, schema: Any = None, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(schema or {"type": "object", "properties": {}}, attrs=attrs)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        """Render the part; what cannot be read comes as an empty one."""
        return super().render(name, self.shown, attrs, renderer)

    @property
    def media(self) -> forms.Media:
        """Add our script to those of django-jsonform; its style assumes Django's own admin, so ours takes its place."""
        scripts = [*super().media._js, "automations/editor.js"]
        return forms.Media(css={"all": ["automations/editor.css"]}, js=scripts)


class PartField(forms.JSONField):
    """The posted JSON of one part. An empty one is refused: emptied conditions must never become "everyone"."""

    widget = PartWidget
    empty_values = (None, "")
    default_error_messages = {
        "required": _("This part arrived empty. It is built by a script; switch JavaScript on and try again."),
    }

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Leave what was posted alone: the widget shows what the form made of it."""
        return None

    def to_python(self, value: Any) -> Any:
        """Return the JSON value. Raises ValidationError for what is none, or is too deep or too large to look at."""
        try:
            data = super().to_python(value)
            check_structure(data, Problems())
        except RecursionError as error:
            raise ValidationError(_("This is nested far too deep."), code="invalid") from error
        except RuleInvalid as error:
            raise ValidationError(error.errors[0].message, code="invalid") from error
        except ValueError as error:  # Python reads no number of more than 4,300 digits
            raise ValidationError(_("A number in this part is too long to be read."), code="invalid") from error
        return data
