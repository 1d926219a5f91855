"""The endpoints of tasks."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.verbs import verb
from accounts.api.views import ClinicViewSet, Lists, Reads
from accounts.models import Membership
from clinic.api.filters import MomentFilter, NamedFilter, WordsFilter
from patients.api.fields import OfPatients
from worklist import services
from worklist.api.serializers import AssignBody, TaskAnswer, TaskBody
from worklist.models import Task


class TaskFilters(OfPatients):
    """Filters of tasks."""

    assignee = NamedFilter("assignee")
    role = WordsFilter("role", Membership.Role.values)
    status = WordsFilter("status", Task.Status.values)
    priority = WordsFilter("priority", Task.Priority.values)
    due_since = MomentFilter(field_name="due_at", lookup_expr="gte")
    due_until = MomentFilter(field_name="due_at", lookup_expr="lt")


class TaskViewSet(Lists, Reads, ClinicViewSet):
    """What people of the clinic should do."""

    queryset = Task.objects.none()
    answer = TaskAnswer
    filterset_class = TaskFilters
    orders = ("-pk", "created_at")

    def rows(self) -> QuerySet[Task]:
        """Return the clinic's tasks."""
        return Task.objects.for_clinic(self.clinic).select_related("assignee", "finished_by")

    @extend_schema(request=TaskBody, responses={201: TaskAnswer})
    def create(self, request: Request) -> Response:
        """Give a person, or a role, something to do."""
        return self.one(services.create(clinic=self.clinic, **self.body(TaskBody)), status=201)

    claim = verb("claim", services.claim, TaskAnswer)
    assign = verb("assign", services.assign, TaskAnswer, AssignBody)
    complete = verb("complete", services.complete, TaskAnswer)
    cancel = verb("cancel", services.cancel, TaskAnswer)
