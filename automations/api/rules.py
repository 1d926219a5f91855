"""The endpoints of rules: read, draft, publish, pause, resume, archive; versions and plain words."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ClinicViewSet
from automations import lifecycle
from automations.api import showing, writing
from automations.api.asking import Asks
from automations.api.enrolling import Enrols
from automations.api.fields import component
from automations.api.filters import RuleFilters
from automations.api.inputs import PauseBody, PublishBody, ResumeBody
from automations.api.openapi import rule_examples
from automations.api.serializers import RuleSerializer, SentenceSerializer, VersionSerializer
from automations.engine.problems import RuleInvalid
from automations.models import Rule
from automations.selectors import rule_of
from clinic.api.etags import check_if_match, etag_of
from clinic.api.filters import PAGED, refuse_unknown
from clinic.api.problems import ProblemError, of_problems, register_problem
from clinic.errors import StaleRecord

register_problem(RuleInvalid, lambda error: of_problems(422, error.errors))

EXAMPLES = [
    OpenApiExample(slug, value=body, request_only=True, summary=body["name"]) for slug, body in rule_examples().items()
]
WRITE = {"application/json": component("RuleWrite")}
EDIT = {"application/json": component("RuleEdit")}


class RuleViewSet(Asks, Enrols, ClinicViewSet):
    """Rules of the clinic. What you read is the draft; `version` is the number of what is published."""

    queryset = Rule.objects.none()
    answer = RuleSerializer
    named_by_slug = True
    write_scope = "rules"
    action_scopes: ClassVar[dict[str, str]] = {"dry_run": "read", "backtest": "read", "run": "write"}
    filterset_class = RuleFilters
    gives_etag = ("retrieve", "create", "partial_update", "publish", "pause", "resume")
    if_match: ClassVar[dict[str, bool]] = {
        "partial_update": True,
        **dict.fromkeys(("destroy", "publish", "pause", "resume"), False),
    }

    @property
    def orders(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return the orders that the list of rules, of versions or of enrolments can be read in."""
        return {"versions": ("-number",), "enrolments": ("-pk",)}.get(self.action, ("slug",))

    def rows(self) -> Any:
        """Return the clinic's rules as they are shown."""
        return showing.rules_of(self.clinic)

    def one(self, row: Rule, *, status: int = 200) -> Response:
        """Answer with one rule and the ETag of its draft."""
        fresh = self.get_queryset().get(pk=row.pk)
        response = self.shown(RuleSerializer, showing.rules_json([fresh])[0], status=status)
        response["ETag"] = etag(fresh)
        if status == 201:
            response["Location"] = self.request.build_absolute_uri(f"{self.collection_path()}{fresh.slug}/")
        return response

    def list(self, request: Request) -> Response:
        """List the rules."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        data = RuleSerializer(showing.rules_json(page), many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(data)

    def retrieve(self, request: Request, id: str) -> Response:
        """Show one rule: its draft, with every default."""
        refuse_unknown(request)
        return self.one(self.get_object())

    def _as_read(self, *, required: bool = False) -> Rule:
        """Return the rule of the address. Raises ProblemError where If-Match names another state of its draft."""
        rule: Rule = self.get_object()
        check_if_match(self.request, etag(rule), required=required)
        return rule

    @extend_schema(request=WRITE, responses={201: RuleSerializer}, examples=EXAMPLES)
    def create(self, request: Request) -> Response:
        """Make a rule; with `"mode": "on"` (or "review") it is published at once."""
        refuse_unknown(request)
        return self.one(writing.create(self.clinic, request.data), status=201)

    @extend_schema(request=EDIT, responses=RuleSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Edit the draft: the parts that are sent replace theirs. What is published goes on until `publish/`.

        `If-Match` takes the ETag that reading gave: 428 without it, 412 if somebody edited the rule meanwhile.
        """
        refuse_unknown(request)
        rule = self._as_read(required=True)
        try:
            return self.one(writing.edit(rule, request.data))
        except StaleRecord as error:
            raise ProblemError(412, error.message, code="stale") from error

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Archive the rule: it matches nothing any more and its pending steps are cancelled. It can still be read."""
        refuse_unknown(request)
        lifecycle.archive(self._as_read())
        return Response(status=204)

    @extend_schema(request=PublishBody, responses=RuleSerializer)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, id: str) -> Response:
        """Make the draft what events are matched with from now on. `If-Match`, if sent, must name what you read."""
        values = self.body(PublishBody)
        rule = self._as_read()
        try:
            published = lifecycle.publish(
                rule, mode=values.get("mode"), apply_to_pending=values["apply_to_pending"], edits=rule.edits
            )
        except StaleRecord as error:
            raise ProblemError(412, error.message, code="stale") from error
        return self.one(published)

    @extend_schema(request=PauseBody, responses=RuleSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, id: str) -> Response:
        """Stop executing: matching goes on, and what is planned waits, held."""
        values = self.body(PauseBody)
        return self.one(lifecycle.pause(self._as_read(), why=values.get("why", "")))

    @extend_schema(request=ResumeBody, responses=RuleSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: str) -> Response:
        """Go on; `overdue` says whether steps whose time passed meanwhile run or are skipped."""
        values = self.body(ResumeBody)
        return self.one(lifecycle.resume(self._as_read(), overdue=values.get("overdue"), mode=values["mode"]))

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, id: str) -> Response:
        """List the published wordings, newest first, each with its difference from the one before in sentences."""
        refuse_unknown(request, PAGED)
        rule = self.get_object()
        page = self.paginate_queryset(showing.versions_of(rule)) or []
        rows = showing.versions_json(rule, page)
        return self.get_paginated_response(
            VersionSerializer(rows, many=True, context=self.get_serializer_context()).data
        )

    @extend_schema(responses=SentenceSerializer)
    @action(detail=True, methods=["get"])
    def sentence(self, request: Request, id: str) -> Response:
        """Say the draft in plain words, in its parts, and how it differs from what is published."""
        refuse_unknown(request)
        return self.shown(SentenceSerializer, showing.sentence_json(self.get_object()))


def etag(rule: Rule) -> str:
    """Return the ETag of a rule's draft: its name, description and definition."""
    return etag_of("rule", rule.pk, rule.edits)


def rule_or_404(clinic: Any, name: str) -> Rule:
    """Return the clinic's rule by slug or id. Raises Http404."""
    rule = rule_of(clinic, name)
    if rule is None:
        raise Http404
    return rule
