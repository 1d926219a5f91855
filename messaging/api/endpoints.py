"""The endpoints of message templates, notifications and deliveries."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.verbs import verb
from accounts.api.views import ClinicViewSet, Lists, Reads
from clinic.api.filters import Filters, MomentFilter, NamedFilter, TruthFilter, WordsFilter
from messaging import handling, services, templates, visibility
from messaging.api.serializers import (
    DeliveryAnswer,
    MessageTemplateAnswer,
    MessageTemplateBody,
    MessageTemplateChange,
    NotificationAnswer,
)
from messaging.models import Delivery, MessageBody, MessageTemplate, Notification
from patients.api.fields import OfPatients
from patients.categories import Category


class MessageTemplateFilters(Filters):
    """Filters of message templates."""

    category = WordsFilter("category", Category.values)
    archived = TruthFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)


class MessageTemplateViewSet(Lists, Reads, ClinicViewSet):
    """The messages that rules send."""

    queryset = MessageTemplate.objects.none()
    answer = MessageTemplateAnswer
    filterset_class = MessageTemplateFilters
    named_by_slug = True
    orders = ("name", "pk")

    def rows(self) -> QuerySet[MessageTemplate]:
        """Return the clinic's templates with their texts."""
        bodies = Prefetch("bodies", MessageBody.objects.order_by("pk"))
        return MessageTemplate.objects.for_clinic(self.clinic).prefetch_related(bodies)

    @extend_schema(request=MessageTemplateBody, responses={201: MessageTemplateAnswer})
    def create(self, request: Request) -> Response:
        """Create a template. Unknown variables are refused by name, sensitive ones too unless it stays inside."""
        values = self.body(MessageTemplateBody)
        template = templates.create_template(clinic=self.clinic, **_with_bodies(values))
        return self.one(template, status=201)

    @extend_schema(request=MessageTemplateChange, responses=MessageTemplateAnswer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change a template; rules that use it are checked with it."""
        template = self.get_object()
        values = self.body(MessageTemplateChange, partial=True)
        return self.one(templates.update_template(template, **_with_bodies(values)))

    archive = verb("archive", services.archive_template, MessageTemplateAnswer)
    restore = verb("restore", services.restore_template, MessageTemplateAnswer)


def _with_bodies(values: dict[str, Any]) -> dict[str, Any]:
    if "bodies" in values:
        values["bodies"] = [services.Body(**one) for one in values["bodies"]]
    return values


class NotificationFilters(OfPatients):
    """Filters of notifications."""

    recipient = NamedFilter("recipient")
    read = TruthFilter(field_name="read_at", lookup_expr="isnull", exclude=True)
    withdrawn = TruthFilter(field_name="withdrawn_at", lookup_expr="isnull", exclude=True)
    created_since = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_until = MomentFilter(field_name="created_at", lookup_expr="lt")


class NotificationViewSet(Lists, Reads, ClinicViewSet):
    """What people were told inside the platform."""

    queryset = Notification.objects.none()
    answer = NotificationAnswer
    filterset_class = NotificationFilters
    orders = ("-pk", "created_at")

    def rows(self) -> QuerySet[Notification]:
        """Return the clinic's notifications, each with whether it may be seen now."""
        rows: QuerySet[Notification] = Notification.objects.for_clinic(self.clinic).select_related("recipient")
        return rows.annotate(is_visible=visibility.seen())

    read = verb("read", handling.read_notification, NotificationAnswer)


class DeliveryFilters(OfPatients):
    """Filters of deliveries."""

    state = WordsFilter("state", Delivery.State.values)
    category = WordsFilter("category", Category.values)
    template = NamedFilter("template")
    created_since = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_until = MomentFilter(field_name="created_at", lookup_expr="lt")


class DeliveryViewSet(Lists, Reads, ClinicViewSet):
    """What left the house, or was to leave it, and what became of it."""

    queryset = Delivery.objects.none()
    answer = DeliveryAnswer
    filterset_class = DeliveryFilters
    orders = ("-pk", "created_at")

    def rows(self) -> QuerySet[Delivery]:
        """Return the clinic's deliveries."""
        return Delivery.objects.for_clinic(self.clinic).select_related("template", "recipient")

    retry = verb("retry", services.retry_failed, DeliveryAnswer)
    withdraw = verb("withdraw", handling.withdraw_delivery, DeliveryAnswer)
