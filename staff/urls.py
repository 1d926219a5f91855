"""Addresses of the staff's pages: each module of `staff/pages/` names its own."""

from importlib import import_module
from pkgutil import iter_modules

from django.conf import settings
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from staff import pages

app_name = "staff"

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "",
        RedirectView.as_view(pattern_name="staff:demo" if settings.CLINIC_MODE == "demo" else "staff:home"),
        name="front-door",
    ),
]
for found in iter_modules(pages.__path__):
    urlpatterns += getattr(import_module(f"{pages.__name__}.{found.name}"), "urlpatterns", [])
