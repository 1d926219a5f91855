"""Find what the apps offer to rules, as `admin.autodiscover` finds admin.py: nothing is listed anywhere."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache

from django.apps import apps

from automations.engine.declare import Trigger, catalog


def discover() -> None:
    """Import every module of every installed app's `automation/` package; importing registers its declarations.

    Raises whatever a module raises: a declaration that cannot be imported must stop the start, not vanish.
    """
    for config in apps.get_app_configs():
        name = f"{config.name}.automation"
        if importlib.util.find_spec(name) is None:
            continue
        package = importlib.import_module(name)
        for found in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{name}.{found.name}")
    watchers.cache_clear()


@cache
def watchers(model_label: str) -> tuple[Trigger, ...]:
    """Return the triggers that listen to a model ("appointments.Appointment")."""
    return tuple(t for t in catalog.triggers.values() if t.model == model_label)
