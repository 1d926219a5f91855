"""The endpoints that ask and change nothing: dry run, back-test, why it ran or did not."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ClinicView
from automations import selectors
from automations.api.answers import BacktestSerializer, DryRunSerializer, ExplanationSerializer
from automations.api.inputs import BacktestBody, DryRunBody, patient_of
from automations.backtest import backtest
from automations.dryrun import dry_run
from automations.explain import explain
from clinic.api.filters import refuse_unknown
from clinic.api.problems import invalid

WHO = [
    OpenApiParameter("rule", str, required=True, description="The rule's slug or id."),
    OpenApiParameter("patient", str, required=True, description="The patient's id."),
]


class Asks:
    """What can be asked of one rule."""

    @extend_schema(request=DryRunBody, responses=DryRunSerializer)
    @action(detail=True, methods=["post"], url_path="dry-run")
    def dry_run(self: Any, request: Request, id: str) -> Response:
        """Suppose that the draft's event happens to a patient: would it match, and what would follow when?

        Nothing is written or sent.
        """
        values = self.body(DryRunBody)
        found = dry_run(self.get_object(), **values)
        return self.shown(DryRunSerializer, found.as_json())

    @extend_schema(request=BacktestBody, responses=BacktestSerializer)
    @action(detail=True, methods=["post"])
    def backtest(self: Any, request: Request, id: str) -> Response:
        """Ask the draft of the events of the last days: how often would it have run? Nothing is written or sent."""
        values = self.body(BacktestBody)
        found = backtest(self.get_object(), days=values["days"])
        return self.shown(BacktestSerializer, found.as_json())


class ExplainView(ClinicView):
    """Why a rule ran, or did not, for a patient."""

    serializer_class = ExplanationSerializer

    @extend_schema(responses=ExplanationSerializer, parameters=WHO, operation_id="automations_explain")
    def get(self, request: Request) -> Response:
        """Say why, in sentences and event by event, newest first."""
        refuse_unknown(request, ["rule", "patient"])
        rule = selectors.rule_of(self.clinic, request.query_params.get("rule", ""))
        if rule is None:
            raise invalid("/rule", "not_found", _("Name a rule of this clinic by slug or id."))
        patient = patient_of(self.clinic, request.query_params.get("patient", ""))
        if patient is None:
            raise invalid("/patient", "not_found", _("Name a patient of this clinic by id."))
        return self.shown(ExplanationSerializer, explain(rule, patient).as_json())
