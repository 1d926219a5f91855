"""Addresses of the clinic, its specialists and its audit trail."""

from django.urls import path

from accounts.api.endpoints import AuditViewSet, ClinicEndpoint, SpecialistViewSet
from clinic.api.routers import ApiRouter

router = ApiRouter()
router.register("specialists", SpecialistViewSet, basename="api-specialist")
router.register("audit", AuditViewSet, basename="api-audit")

urlpatterns = [path("clinic/", ClinicEndpoint.as_view(), name="api-clinic"), *router.urls]
