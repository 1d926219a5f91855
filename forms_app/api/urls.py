"""Addresses of forms."""

from clinic.api.routers import ApiRouter
from forms_app.api.endpoints import FormRequestViewSet, FormTemplateViewSet

router = ApiRouter()
router.register("form-templates", FormTemplateViewSet, basename="api-form-template")
router.register("form-requests", FormRequestViewSet, basename="api-form-request")

urlpatterns = router.urls
