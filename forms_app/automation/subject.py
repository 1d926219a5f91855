"""The nouns that rules about forms speak of."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Anchor, Reference, Subject, register

register(Subject("form", _("Form"), "forms_app.FormRequest"))
register(Anchor("form.due_at", _("form's due date"), "form", "due_at"))
register(Reference("form", _("Form"), "forms_app.FormTemplate", {"archived_at": None}))
