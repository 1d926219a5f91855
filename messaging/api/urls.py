"""Addresses of message templates, notifications and deliveries."""

from clinic.api.routers import ApiRouter
from messaging.api.endpoints import DeliveryViewSet, MessageTemplateViewSet, NotificationViewSet

router = ApiRouter()
router.register("message-templates", MessageTemplateViewSet, basename="api-message-template")
router.register("notifications", NotificationViewSet, basename="api-notification")
router.register("deliveries", DeliveryViewSet, basename="api-delivery")

urlpatterns = router.urls
