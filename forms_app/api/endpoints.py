"""The endpoints of form templates and requests."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.verbs import verb
from accounts.api.views import ClinicViewSet, Lists, Reads
from clinic.api.filters import Filters, MomentFilter, NamedFilter, TruthFilter, WordsFilter, refuse_unknown
from forms_app import services
from forms_app.api.serializers import (
    AmendBody,
    FormReasonBody,
    FormRequestAnswer,
    FormRequestBody,
    FormTemplateAnswer,
    FormTemplateBody,
    SignBody,
    VersionAnswer,
    WordingBody,
)
from forms_app.models import FormRequest, FormTemplate
from forms_app.requesting import CREATED
from patients.api.fields import OfPatients
from patients.api.serializers import MoveBody


class FormTemplateFilters(Filters):
    """Filters of form templates."""

    kind = WordsFilter("kind", FormTemplate.Kind.values)
    archived = TruthFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)


class FormTemplateViewSet(Lists, Reads, ClinicViewSet):
    """Consents, questionnaires and surveys. A wording that was published is never changed; another is a new version."""

    queryset = FormTemplate.objects.none()
    answer = FormTemplateAnswer
    filterset_class = FormTemplateFilters
    named_by_slug = True
    orders = ("name", "pk")

    def rows(self) -> QuerySet[FormTemplate]:
        """Return the clinic's forms with their versions."""
        return FormTemplate.objects.for_clinic(self.clinic).prefetch_related("versions")

    @extend_schema(request=FormTemplateBody, responses={201: FormTemplateAnswer})
    def create(self, request: Request) -> Response:
        """Create a form; with a text or questions its first version is published at once."""
        values = self.body(FormTemplateBody)
        own = {name: values.pop(name) for name in ("slug", "name", "kind")}
        template = services.create_template(clinic=self.clinic, **own)
        if values:
            services.publish_template_version(template, **values)
        return self.one(template, status=201)

    @extend_schema(responses=VersionAnswer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def versions(self, request: Request, id: str) -> Response:
        """List every wording that was published, the oldest first."""
        refuse_unknown(request)
        versions = self.get_object().versions.select_related("published_by").order_by("number")
        return self.shown(VersionAnswer, versions, many=True)

    @extend_schema(request=WordingBody, responses={201: VersionAnswer})
    @versions.mapping.post
    def publish(self, request: Request, id: str) -> Response:
        """Publish another wording; the same again publishes nothing."""
        template = self.get_object()
        version = services.publish_template_version(template, **self.body(WordingBody))
        return self.shown(VersionAnswer, version, status=201)

    archive = verb("archive", services.archive_template, FormTemplateAnswer)
    restore = verb("restore", services.restore_template, FormTemplateAnswer)


class FormRequestFilters(OfPatients):
    """Filters of form requests."""

    form = NamedFilter("template")
    status = WordsFilter("status", FormRequest.Status.values)
    blocking = TruthFilter(field_name="blocking")
    due_since = MomentFilter(field_name="due_at", lookup_expr="gte")
    due_until = MomentFilter(field_name="due_at", lookup_expr="lt")


class FormRequestViewSet(Lists, Reads, ClinicViewSet):
    """What patients are asked to sign or fill. Nothing that was signed is ever changed."""

    queryset = FormRequest.objects.none()
    answer = FormRequestAnswer
    filterset_class = FormRequestFilters
    noun = "form"
    orders = ("-pk", "created_at")

    def rows(self) -> QuerySet[FormRequest]:
        """Return the clinic's requests with their answers."""
        rows = FormRequest.objects.for_clinic(self.clinic).select_related("clinic", "template", "version", "patient")
        return rows.prefetch_related("responses")

    @extend_schema(request=FormRequestBody, responses={200: FormRequestAnswer, 201: FormRequestAnswer})
    def create(self, request: Request) -> Response:
        """Ask a patient for a form. One that is open, or signed already, is given back (200) and not doubled."""
        values = self.body(FormRequestBody)
        template = values.pop("form")
        requested = services.request_form(clinic=self.clinic, template=template, **values)
        return self.one(requested.request, status=201 if requested.outcome == CREATED else 200)

    sign = verb("sign", services.sign, FormRequestAnswer, SignBody)
    amend = verb("amend", services.amend, FormRequestAnswer, AmendBody)
    decline = verb("decline", services.decline, FormRequestAnswer, FormReasonBody)
    void = verb("void", services.void, FormRequestAnswer, FormReasonBody)
    withdraw = verb("withdraw", services.withdraw, FormRequestAnswer, FormReasonBody)
    begin = verb("begin", services.begin, FormRequestAnswer, MoveBody)
