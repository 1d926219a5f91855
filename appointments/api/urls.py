"""Addresses of services and appointments."""

from appointments.api.endpoints import AppointmentViewSet, ServiceViewSet
from clinic.api.routers import ApiRouter

router = ApiRouter()
router.register("services", ServiceViewSet, basename="api-service")
router.register("appointments", AppointmentViewSet, basename="api-appointment")

urlpatterns = router.urls
