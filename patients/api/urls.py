"""Addresses of patients."""

from clinic.api.routers import ApiRouter
from patients.api.endpoints import PatientViewSet

router = ApiRouter()
router.register("patients", PatientViewSet, basename="api-patient")

urlpatterns = router.urls
