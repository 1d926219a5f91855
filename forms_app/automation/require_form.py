"""The action `require_form`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, catalog, register
from automations.engine.moments import shift
from automations.engine.values import EffectError, Refusal, StepContext
from clinic.errors import Refused
from forms_app import invitations, services, telling
from forms_app.lifecycle import due_before
from forms_app.models import FormRequest, FormTemplate
from forms_app.requesting import ALREADY_SIGNED, Requested, Wanted
from messaging.automation import may_write, readers
from patients.categories import Category, Channel


@register
class RequireForm(Action):
    """Ask the patient for a form, and send one message with a link to all that is open.

    A form that is open already is not asked twice, nor is what was signed. Requests within a minute share one message.
    """

    key = "require_form"
    label = _("Require a form")
    phrase = _("require the form “%(form)s”")
    extras = {
        "due_in_days": _("within %(due_in_days)s day(s)"),
        "due_days_before": _("due %(due_days_before)s day(s) before the visit"),
        "blocking": _("(no booking before it is filled)"),
    }
    params = (
        Param("form", "reference", _("form"), required=True, reference="form"),
        Param("due_in_days", "integer", _("due in days"), minimum=0, maximum=3650),
        Param(
            "due_days_before",
            "integer",
            _("due this many days before the visit"),
            minimum=0,
            maximum=365,
            help=_("Moves along when the visit does. Later than that already, it is due when the visit starts."),
        ),
        Param("blocking", "boolean", _("no booking until it is filled"), default=False),
        Param("notify", "boolean", _("send a message with the link"), default=True),
    )
    example = {"form": "satisfaction-survey", "due_in_days": 7}
    alters = ("patient.outstanding_forms", "patient.signed_forms", "patient.form_answer")
    message = True

    def is_patient_message(self, params: Mapping[str, Any]) -> bool:
        """Tell whether a message goes to the patient."""
        return params.get("notify", True) is not False

    def category(self, params: Mapping[str, Any]) -> str | None:
        """Name the category of a consent's or questionnaire's message; a survey's own is set with its delivery."""
        return "transactional" if self.is_patient_message(params) else None

    def causes(self, params: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Name what may become of the request: it is signed or declined, or its day passes."""
        asked = {"form.template": params.get("form")}
        return {"form.signed": asked, "form.declined": asked, "form.overdue": asked, "form.withdrawn": asked}

    def problems(self, params: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Refuse two due dates."""
        if params.get("due_in_days") is None or params.get("due_days_before") is None:
            return ()
        return (("due_days_before", gettext("Give one of the two due dates, not both.")),)

    def guard(self, steps: Sequence[StepContext]) -> dict[Any, Refusal]:
        """Refuse a survey that the patient does not want, or that is one too many by now.

        Other forms are asked for in any case; whether their message may leave is asked when it does.
        """
        told = [step for step in steps if self.is_patient_message(step.params)]
        if not told:
            return {}
        templates = _templates(told)
        surveys = [s for s in told if templates[s.clinic_id, s.params["form"]].kind == FormTemplate.Kind.SURVEY]
        return may_write.refusals([may_write.Letter(step, Category.SURVEY, Channel.EMAIL) for step in surveys])

    def perform(self, steps: Sequence[StepContext]) -> dict[Any, dict[str, Any]]:
        """Write the requests and queue the messages."""
        try:
            requested = services.request_forms(_wanted(steps))
        except Refused as refused:
            broken = refused.code in ("template_archived", "no_version", "not_found")
            raise EffectError(refused.message, permanent=True, rule_error=broken) from refused
        by_step = {step.id: one for step, one in zip(steps, requested, strict=True)}
        results = {step_id: _result(one) for step_id, one in by_step.items()}
        announced = [step for step in steps if self.is_patient_message(step.params) and _is_open(by_step[step.id])]
        for step_id, sent in _invite(announced, by_step).items():
            results[step_id].update(sent)
        return results

    def unsent(self, step_ids: Collection[Any]) -> Collection[Any]:
        """Name the steps whose message, or the one of others by which they tell, is on its way."""
        return telling.unsent(step_ids)

    def withdraw(self, step_ids: Collection[Any]) -> None:
        """Take the message back if it waits and nobody else tells of an open form by it; the request stays."""
        telling.withdraw(step_ids)

    def limit(self, limits: Mapping[Any, Any]) -> None:
        """Move the moments of a message that waits; where others tell by it as well, the last end of all counts."""
        telling.limit(limits)


def _is_open(requested: Requested) -> bool:
    return requested.outcome != ALREADY_SIGNED and requested.request.status in FormRequest.OPEN


def _result(requested: Requested) -> dict[str, Any]:
    return {"form_request": str(requested.request.pk), "outcome": requested.outcome}


def _invite(steps: Sequence[StepContext], by_step: Mapping[Any, Requested]) -> dict[Any, dict[str, Any]]:
    if not steps:
        return {}
    people, patients = readers.find(steps), readers.patients(steps)
    wishes = [
        invitations.Wish(
            request=by_step[step.id].request,
            patient=patients[step.patient_id],
            contact_ids=tuple(one.contact_id for one in people.of(step) if one.has_address),
            step_id=step.id,
            not_before=step.not_before,
            not_after=step.not_after,
            moment=step.now,
        )
        for step in steps
    ]
    return invitations.invite(wishes)


# --- what is wanted ---


def _wanted(steps: Sequence[StepContext]) -> list[Wanted]:
    templates = _templates(steps)
    starts = _starts([step for step in steps if step.params.get("due_days_before") is not None])
    about = abouts(steps)
    return [
        Wanted(
            clinic_id=step.clinic_id,
            patient_id=step.patient_id,
            template=templates[step.clinic_id, step.params["form"]],
            due_at=_due(step, starts),
            due_days_before=step.params.get("due_days_before"),
            blocking=bool(step.params.get("blocking")),
            about_type=about[step.id][0],
            about_id=about[step.id][1],
            source_step_id=step.id,
        )
        for step in steps
    ]


def _templates(steps: Sequence[StepContext]) -> dict[tuple[Any, str], FormTemplate]:
    """Find the forms that the steps name. Raises EffectError for one that is not there or not in use."""
    slugs = {step.params["form"] for step in steps}
    rows = FormTemplate.objects.filter(
        clinic_id__in={step.clinic_id for step in steps}, slug__in=slugs, archived_at=None
    )
    found = {(row.clinic_id, row.slug): row for row in rows}
    for step in steps:
        if (step.clinic_id, step.params["form"]) not in found:
            message = gettext("There is no form “%(slug)s” in use.") % {"slug": step.params["form"]}
            raise EffectError(message, permanent=True, rule_error=True)
    return found


def abouts(steps: Sequence[StepContext]) -> dict[Any, tuple[str, int | None]]:
    """Say what each request belongs to: the step's subject, or what that form belongs to; never the patient."""
    forms = {step.subject_id for step in steps if step.subject_type == "form"}
    rows = FormRequest.objects.filter(pk__in=forms).values_list("pk", "about_type", "about_id") if forms else ()
    of_form = {pk: (kind, about_id) for pk, kind, about_id in rows}
    found: dict[Any, tuple[str, int | None]] = {}
    for step in steps:
        if step.subject_type == "form":
            found[step.id] = of_form.get(step.subject_id, ("", None))
        else:
            about = ("", None) if step.subject_type == "patient" else (step.subject_type, step.subject_id)
            found[step.id] = about
    return found


def _due(step: StepContext, starts: Mapping[tuple[str, Any], datetime]) -> datetime | None:
    days, before, zone = step.params.get("due_in_days"), step.params.get("due_days_before"), ZoneInfo(step.zone)
    if before is not None:
        start = starts.get((step.subject_type, step.subject_id))
        if start is None:
            message = gettext("“Due before the visit” needs a rule about appointments.")
            raise EffectError(message, permanent=True, rule_error=True)
        return due_before(start, int(before), zone, step.now)
    return None if days is None else shift(step.now, int(days), "days", zone)


def _starts(steps: Sequence[StepContext]) -> dict[tuple[str, Any], datetime]:
    """Read when the subjects start, by the anchor that their app declares for it, as it is now."""
    found: dict[tuple[str, Any], datetime] = {}
    for anchor in catalog.anchors.values():
        ids = {step.subject_id for step in steps if step.subject_type == anchor.subject}
        if not anchor.begins or not ids:
            continue
        model = apps.get_model(catalog.subjects[anchor.subject].model)
        rows = model._base_manager.filter(pk__in=ids).values_list("pk", anchor.field)
        found.update({(anchor.subject, pk): moment for pk, moment in rows if moment is not None})
    return found
