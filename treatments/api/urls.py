"""Addresses of treatments."""

from clinic.api.routers import ApiRouter
from treatments.api.endpoints import PlanViewSet, ProgramViewSet

router = ApiRouter()
router.register("treatment-plans", PlanViewSet, basename="api-plan")
router.register("treatment-programs", ProgramViewSet, basename="api-program")

urlpatterns = router.urls
