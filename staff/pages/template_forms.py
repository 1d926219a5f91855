"""The forms of a message template: what it is for, and its text in each language, with what is wrong at the line."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.errors import ClinicError
from clinic.slugs import with_letter
from messaging.liquid import LONGEST_SOURCE, TextError, parse
from messaging.models import MessageTemplate
from messaging.templates import Body
from messaging.variables import variables
from patients.categories import Category

PREFIX = "bodies"
FIELDS = ("language", "subject", "text")
MOST = 20
SLUG_MAX = 50
AT_LINE = re.compile(r"\D(\d+)\)$")


class TemplateForm(forms.Form):
    """What the template is called and for; the slug stays once rules can name it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        required=False,
        max_length=SLUG_MAX,
        help_text=gettext_lazy("Rules name the template by it, so it stays. Left empty: made of the name."),
    )
    category = forms.ChoiceField(label=gettext_lazy("Category"), choices=Category.choices)
    inside_only = forms.BooleanField(
        label=gettext_lazy("Only inside the platform"),
        required=False,
        help_text=MessageTemplate._meta.get_field("inside_only").help_text,
    )

    def __init__(self, *args: Any, template: MessageTemplate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if template is not None:
            del self.fields["slug"]

    def values(self) -> dict[str, Any]:
        """Return what `messaging.templates` takes."""
        values = dict(self.cleaned_data)
        if "slug" in values and not values["slug"]:
            values["slug"] = with_letter(slugify(values["name"]), "message")[:SLUG_MAX]
        return values


class BodyForm(forms.Form):
    """Subject and text in one language; what is wrong with them `messaging.templates` says."""

    language = forms.CharField(
        label=gettext_lazy("Language"), max_length=35, required=False, widget=forms.TextInput({"list": "languages"})
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=1_000, required=False)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=LONGEST_SOURCE,
        required=False,
        strip=False,
        widget=forms.Textarea({"rows": 9, "dir": "auto"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bad_lines: list[tuple[int, str, str]] = []
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "form-control" + (
                " is-invalid" if self.is_bound and name in self.errors else ""
            )

    def body(self) -> Body | None:
        """Return the text; None for a row that was left empty."""
        values = {name: self.cleaned_data.get(name) or "" for name in FIELDS}
        return Body(**values) if any(value.strip() for value in values.values()) else None


BodyFormSet = forms.formset_factory(BodyForm, extra=0, max_num=MOST, absolute_max=MOST + 5)


class Bodies:
    """The texts on one page: as they are to be shown, and as they were typed."""

    def __init__(self, data: Any = None, rows: Any = (), spare: int = 0) -> None:
        initial = [{name: row.get(name, "") for name in FIELDS} for row in rows] + [{}] * spare
        self.formset = BodyFormSet(data, prefix=PREFIX, initial=None if data is not None else initial[:MOST])
        self.kept: list[Any] = []
        self.languages = settings.LANGUAGES

    def is_valid(self) -> bool:
        """Tell whether each text can be read."""
        return bool(self.formset.is_valid())

    def given(self) -> list[Body]:
        """Return the texts that were typed."""
        self.kept = [form for form in self.formset if form.body() is not None]
        return [form.body() for form in self.kept]

    def take(self, error: ClinicError, *, inside_only: bool) -> bool:
        """Show a refusal at the text and field that it names, with the lines that are wrong; False: it is elsewhere."""
        parts = error.path.strip("/").split("/")
        if parts[0] != PREFIX:
            return False
        place = parts[1] if len(parts) >= 3 else ""
        if not (place.isascii() and place.isdigit() and len(place) < 5) or int(place) >= len(self.kept):
            self.formset.non_form_errors().append(error.message)
            return True
        form = self.kept[int(parts[1])]
        form.add_error(parts[2], error.message)
        form.fields[parts[2]].widget.attrs["class"] = "form-control is-invalid"
        if parts[2] == "text":
            form.bad_lines = bad_lines(
                form.cleaned_data.get("text") or form.data.get(form.add_prefix("text"), ""), inside_only
            )
        return True


def bad_lines(text: str, inside_only: bool) -> list[tuple[int, str, str]]:
    """Return (number, line, what is wrong with it) for the lines of a template's text that are to blame."""
    lines = text.splitlines()
    try:
        names = parse(text).names
    except TextError as error:
        found = AT_LINE.search(str(error))
        number = int(found[1]) if found else 0
        return [(number, lines[number - 1], str(error))] if 0 < number <= len(lines) else []
    known = variables.known()
    wrong = {name: _("“%s” is no variable.") % name for name in names - known.keys()}
    if not inside_only:
        wrong |= {
            name: _("“%s” must not stand in an email.") % name for name in names & known.keys() if known[name].sensitive
        }
    return [
        (number, line, said)
        for number, line in enumerate(lines, start=1)
        for name, said in sorted(wrong.items())
        if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", line)
    ]


def typed_bodies(data: Any) -> list[dict[str, str]]:
    """Return the texts of a posted form just as they were typed."""
    count = data.get(f"{PREFIX}-TOTAL_FORMS", "0")
    total = min(int(count), MOST) if count.isascii() and count.isdigit() and len(count) < 5 else 0
    found = [{name: data.get(f"{PREFIX}-{n}-{name}", "") for name in FIELDS} for n in range(total)]
    return [row for row in found if any(row.values())]
