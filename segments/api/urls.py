"""Addresses of segments."""

from clinic.api.routers import ApiRouter
from segments.api.endpoints import SegmentViewSet

router = ApiRouter()
router.register("segments", SegmentViewSet, basename="api-segment")

urlpatterns = router.urls
