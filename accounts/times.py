"""Admin pages whose times are the clinic's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin_base import ClinicAdmin
from accounts.admin_scope import reach
from accounts.models import Clinic


class ClinicTimes(ClinicAdmin):
    """Pages whose times are read and typed in the clinic's zone (people of several clinics: UTC, named by the page)."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show and read one row's times in the clinic's zone."""
        return self._in_zone(request, super().changeform_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the list's times in the clinic's zone."""
        return self._in_zone(request, super().changelist_view, *args, **kwargs)

    def _in_zone(self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kw: Any) -> HttpResponse:
        clinics = reach(request, self.view_roles)
        zones = Clinic.objects.filter(pk__in=clinics or ()).values_list("time_zone", flat=True).distinct()
        found = set(zones) if clinics else set()
        with timezone.override(ZoneInfo(found.pop()) if len(found) == 1 else ZoneInfo("UTC")):
            response = view(request, *args, **kw)
            # A template response is rendered after the view: here it must be while the zone is set.
            return response.render() if hasattr(response, "render") else response
