from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "clinic"

    def ready(self) -> None:
        import_module(
            "clinic.celery"
        )  # so that shared tasks find their app; not in __init__, which the keeper imports too
