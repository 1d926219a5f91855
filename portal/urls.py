"""The addresses of the patients' portal: each module of `portal/pages/` names its own."""

from importlib import import_module
from pkgutil import iter_modules

from django.urls import URLPattern, include, path

from portal import pages

app_name = "portal"

_found: list[URLPattern] = []
for _one in iter_modules(pages.__path__):
    _found += getattr(import_module(f"{pages.__name__}.{_one.name}"), "urlpatterns", [])
urlpatterns = [path("portal/", include(_found))]
