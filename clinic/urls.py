"""Where each address leads. An app with addresses has a urls.py, which is found here and names its own prefixes;
one with endpoints has an api/urls.py, which is found below /api/v1/."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.functional import lazy
from django.utils.module_loading import module_has_submodule
from django.views.generic import RedirectView

from clinic import health
from clinic.api.docs import DocsView, schema_view
from clinic.api.nothing import no_endpoint

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz/live", health.live, name="healthz-live"),
    path("healthz/ready", health.ready, name="healthz-ready"),
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("clinic/icon.svg")), name="favicon"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]


def has_endpoints(config: AppConfig) -> bool:
    """Tell whether an app has endpoints of the API."""
    found = config.module is not None and module_has_submodule(config.module, "api")
    return found and module_has_submodule(import_module(f"{config.name}.api"), "urls")


OURS = [
    config
    for config in apps.get_app_configs()
    if config.path == str(settings.BASE_DIR / config.name) and config.name != "clinic"
]
urlpatterns += [path("", include(f"{one.name}.urls")) for one in OURS if module_has_submodule(one.module, "urls")]
urlpatterns += [
    path("api/v1/schema/", schema_view, name="api-schema"),
    path("api/v1/docs/", DocsView.as_view(), name="api-docs"),
    *(path("api/v1/", include(f"{one.name}.api.urls")) for one in OURS if has_endpoints(one)),
    re_path(r"^api/(?P<rest>.*)$", no_endpoint),
]
