from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FormsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "forms_app"
    verbose_name = _("Forms")

    def ready(self) -> None:
        import_module("forms_app.receivers")  # forms of a patient who leaves are voided
