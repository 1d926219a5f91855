"""The patient as something that events are about."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Subject, register

register(Subject("patient", _("Patient"), "patients.Patient"))
