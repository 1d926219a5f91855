"""Staff that rules may name by slug."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Reference, register

register(Reference("specialist", _("Specialist"), "accounts.Membership", {"role": "specialist", "is_active": True}))
register(Reference("user", _("Member of staff"), "accounts.Membership", {"is_active": True}))
