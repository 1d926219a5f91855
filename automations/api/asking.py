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
    OpenApiParameter("patient", str, description="The patient's id."),
    OpenApiParameter("patient_external_id", str, description="Or the patient's external id: one of the two."),
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
        refuse_unknown(request, [one.name for one in WHO])
        rule = selectors.rule_of(self.clinic, request.query_params.get("rule", ""))
        if rule is None:
            raise invalid("/rule", "not_found", _("Name a rule of this clinic by slug or id."))
        return self.shown(ExplanationSerializer, explain(rule, self._patient()).as_json())

    def _patient(self) -> Any:
        """Return the patient that the address names. Raises ProblemError."""
        pk, own = (self.request.query_params.get(name) for name in ("patient", "patient_external_id"))
        if pk is not None and own is not None:
            raise invalid("/patient", "ambiguous", _("Name the patient by id or by external id, not by both."))
        name = "patient" if own is None else "patient_external_id"
        found = patient_of(self.clinic, (pk or "") if own is None else {"external_id": own})
        if found is None:
            raise invalid(f"/{name}", "not_found", _("Name a patient of this clinic by id or external id."))
        return found
