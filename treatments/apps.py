from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TreatmentsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "treatments"
    verbose_name = _("Treatments")

    def ready(self) -> None:
        """Offer a plan's specialist and words to the apps below, and have closed weeks looked for."""
        import_module("treatments.wiring").connect()
