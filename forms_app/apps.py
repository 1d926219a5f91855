from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FormsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "forms_app"
    verbose_name = _("Forms")

    def ready(self) -> None:
        """Void forms of patients who leave, look for overdue ones; offer the message and templates to shipped rules."""
        import_module("forms_app.receivers")
        import_module("forms_app.message").connect()
        import_module("forms_app.provisioning").connect()
        import_module("forms_app.overdue").connect()
