"""Addresses of tasks."""

from clinic.api.routers import ApiRouter
from worklist.api.endpoints import TaskViewSet

router = ApiRouter()
router.register("tasks", TaskViewSet, basename="api-task")

urlpatterns = router.urls
