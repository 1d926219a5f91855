"""Where each address leads. An app with addresses has a urls.py, which is found here and names its own prefixes."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.utils.module_loading import module_has_submodule
from django.views.generic import RedirectView

from clinic import health

urlpatterns = [
    path("healthz/live", health.live, name="healthz-live"),
    path("healthz/ready", health.ready, name="healthz-ready"),
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("clinic/icon.svg")), name="favicon"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
urlpatterns += [
    path("", include(f"{config.name}.urls"))
    for config in apps.get_app_configs()
    if config.path == str(settings.BASE_DIR / config.name)
    and config.name != "clinic"
    and module_has_submodule(config.module, "urls")
]
