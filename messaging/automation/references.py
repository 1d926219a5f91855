"""What a rule may name of messaging: its templates."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Reference, register

MODEL = "messaging.MessageTemplate"

register(Reference("template", _("Message template"), MODEL, {"archived_at": None}))
register(Reference("email_template", _("Email template"), MODEL, {"archived_at": None, "inside_only": False}))
