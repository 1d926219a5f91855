"""The endpoint of stop switches: the whole clinic, one rule or one patient."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit, services
from accounts.api.views import ClinicView
from accounts.models import Pause
from automations import selectors
from automations.api.inputs import StopBody, patient_of
from automations.api.serializers import StopSerializer
from automations.models import Rule
from clinic.api.filters import PAGED, refuse_unknown
from clinic.api.problems import invalid

SCOPES = [
    OpenApiParameter("scope", str, required=True, enum=Pause.Scope.values),
    OpenApiParameter("target", str, description="The rule's slug or id, or the patient's id; none for the clinic."),
]


class PauseView(ClinicView):
    """What stands still, at whose wish and why."""

    serializer_class = StopSerializer
    write_scope = "rules"
    extra_params = ("scope", "target")

    @extend_schema(responses=StopSerializer(many=True), operation_id="automations_pause_list", filters=False)
    def get(self, request: Request) -> Response:
        """List the stop switches that stand."""
        refuse_unknown(request, PAGED)
        rows = Pause.objects.for_clinic(self.clinic).filter(ended_at__isnull=True).order_by("pk")[:200]
        patients = [row.target_id for row in rows if row.scope == Pause.Scope.PATIENT]
        if patients:
            audit.record("pause.listed", clinic_id=self.clinic.pk, detail={"patients": patients})
        shown = self.shown(StopSerializer, self._named(list(rows)), many=True).data
        return Response({"next": None, "previous": None, "results": shown})

    @extend_schema(request=StopBody, responses={200: StopSerializer, 201: StopSerializer})
    def post(self, request: Request) -> Response:
        """Stop executing and sending within 2 seconds; matching goes on. Stopped already: nothing happens."""
        refuse_unknown(request)
        values = self.body(StopBody)
        target = self._target(values["scope"], values.get("target"), "/target")
        standing = self._standing(values["scope"], target)
        row = services.pause(clinic=self.clinic, scope=values["scope"], why=values["why"], target=target)
        return self.shown(StopSerializer, self._named([row])[0], status=200 if standing else 201)

    @extend_schema(parameters=SCOPES, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Let work go on; nothing stands there: 404."""
        refuse_unknown(request, self.extra_params)
        given = {**request.query_params.dict(), **(request.data if isinstance(request.data, dict) else {})}
        scope = given.get("scope")
        if scope not in Pause.Scope.values:
            raise invalid("/scope", "invalid_choice", _("Say which: clinic, rule or patient."))
        standing = self._standing(scope, self._target(scope, given.get("target"), "/target"))
        if standing is None:
            raise Http404(_("Nothing is stopped there."))
        services.end_pause(standing)
        return Response(status=204)

    def _target(self, scope: str, named: Any, path: str) -> Any:
        """Return the rule or patient that is meant, or None for the clinic."""
        if scope == Pause.Scope.CLINIC:
            return named
        found = None
        if scope == Pause.Scope.RULE and isinstance(named, str):
            found = selectors.rule_of(self.clinic, named)
        by_number = isinstance(named, dict) and isinstance(named.get("external_id"), str)
        if scope == Pause.Scope.PATIENT and (isinstance(named, str) or by_number):
            found = patient_of(self.clinic, named)
        if found is None:
            message = _("This clinic has no such %(kind)s.") % {"kind": Pause.Scope(scope).value}
            raise invalid(path, "not_found", message)
        return found

    def _standing(self, scope: str, target: Any) -> Pause | None:
        rows = Pause.objects.for_clinic(self.clinic).filter(scope=scope, ended_at__isnull=True)
        return rows.filter(target_id=getattr(target, "pk", None)).first()

    def _named(self, rows: list[Pause]) -> list[Pause]:
        """Give each switch `target`, the rule's slug or the patient's id."""
        rules = [row.target_id for row in rows if row.scope == Pause.Scope.RULE]
        slugs = dict(Rule.objects.for_clinic(self.clinic).filter(pk__in=rules).values_list("pk", "slug"))
        for row in rows:
            named = slugs.get(row.target_id or 0, row.target_id) if row.scope == Pause.Scope.RULE else row.target_id
            row.target = None if named is None else str(named)  # type: ignore[attr-defined]
        return rows
