from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SegmentsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "segments"
    verbose_name = _("Segments")

    def ready(self) -> None:
        """Follow the records that segments ask about, and say what waits."""
        import_module("segments.wiring").connect()
