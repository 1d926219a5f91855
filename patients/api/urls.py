"""Addresses of patients."""

from clinic.api.routers import ApiRouter
from patients.api.endpoints import GrantViewSet, PatientViewSet

router = ApiRouter()
router.register("patients", PatientViewSet, basename="api-patient")
router.register("access-grants", GrantViewSet, basename="api-access-grant")

urlpatterns = router.urls
