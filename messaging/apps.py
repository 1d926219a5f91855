from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "messaging"
    verbose_name = _("Messaging")

    def ready(self) -> None:
        """Offer what every message may say, and have waiting messages count towards readiness."""
        import_module("messaging.wiring").connect()
