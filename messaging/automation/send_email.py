"""The action `send_email`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Blank, Param, register
from automations.engine.values import EffectError, Refusal, StepContext
from messaging import followup, reasons, selectors, services
from messaging.automation import blanks, may_write, readers
from messaging.automation.readers import TO, Readers
from messaging.models import MessageTemplate
from messaging.selectors import templates_by_slug
from patients.categories import EXPECTED, Channel

Templates = Mapping[tuple[int, str], MessageTemplate]


@register
class SendEmail(Action):
    """Queue an email from a template. Its text and the address are read when it leaves."""

    key = "send_email"
    label = _("Send an email")
    phrase = _("email “%(template)s” to %(to)s")
    params = (
        Param("template", "reference", _("template"), required=True, reference="email_template"),
        Param("to", "choice", _("to"), default="patient", choices=TO),
    )
    example = {"template": "welcome", "to": "patient"}
    message = True

    def is_patient_message(self, params: Mapping[str, Any]) -> bool:
        """Tell whether it goes to the patient."""
        return self.role(params) == "patient"

    def role(self, params: Mapping[str, Any]) -> str:
        """Name who it is for."""
        return str(params.get("to") or "patient")

    def blanks(self, params: Mapping[str, Any], clinic_id: Any, trigger: str) -> list[Blank]:
        """List what the template says and no event of the trigger knows."""
        name, lacking = blanks.of_template(params["template"], clinic_id, trigger)
        return [Blank("template", lacking, name)] if lacking else []

    def guard(self, steps: Sequence[StepContext]) -> dict[Any, Refusal]:
        """Refuse what the patient does not want, what nobody can be sent, and what is too much by now."""
        letters = _letters(steps)
        found = may_write.without_consent(letters)
        found |= self._unreachable([step for step in steps if step.id not in found])
        return found | may_write.held_back([one for one in letters if one.step.id not in found])

    def _unreachable(self, steps: Sequence[StepContext]) -> dict[Any, Refusal]:
        """Refuse where there is nobody to write to; what should have arrived becomes a front-desk task."""
        people = readers.find(steps)
        unreachable = [step for step in steps if not _addressed(step, people)]
        if not unreachable:
            return {}
        needed = self._ask_front_desk(unreachable)
        ids = {step.patient_id for step in needed}
        patients = [patient for patient in readers.patients(needed).values() if patient.pk in ids]
        followup.ask_for_address({patient.clinic_id: patient.clinic for patient in patients}, patients)
        return {step.id: Refusal("no_address", reasons.words("no_address")) for step in unreachable}

    @staticmethod
    def _ask_front_desk(steps: Sequence[StepContext]) -> list[StepContext]:
        """Return the steps to a patient whose message may not simply be lost."""
        known = _templates(steps)
        return [
            step
            for step in steps
            if step.role == "patient"
            and (template := known.get((step.clinic_id, step.params["template"]))) is not None
            and template.category in EXPECTED
        ]

    def perform(self, steps: Sequence[StepContext]) -> dict[Any, dict[str, Any]]:
        """Queue one email a person."""
        known, people = _templates(steps), readers.find(steps)
        emails = [email for step in steps for email in _emails(step, _template(step, known), people)]
        queued: dict[Any, list[str]] = {step.id: [] for step in steps}
        for delivery in services.queue(emails):
            queued[delivery.source_step_id].append(str(delivery.pk))
        return {step.id: {"deliveries": queued[step.id], **people.note(step)} for step in steps}

    def unsent(self, step_ids: Collection[Any]) -> Collection[Any]:
        """Name the steps of which something is on its way."""
        return services.unsent(step_ids)

    def lost(self, step_ids: Collection[Any]) -> dict[Any, str]:
        """Say why a mail did not leave."""
        return {step: reasons.words(code) for step, code in selectors.lost(step_ids).items()}

    def withdraw(self, step_ids: Collection[Any]) -> None:
        """Take back what has not left."""
        services.withdraw(step_ids)

    def limit(self, limits: Mapping[Any, Any]) -> None:
        """Move the moments of what still waits."""
        services.limit(limits)


def _templates(steps: Sequence[StepContext]) -> Templates:
    return templates_by_slug({step.clinic_id for step in steps}, {step.params["template"] for step in steps})


def _letters(steps: Sequence[StepContext]) -> list[may_write.Letter]:
    """Return what goes to patients; a step without a template breaks when it is performed."""
    to_patients = [step for step in steps if step.role == "patient"]
    known = _templates(to_patients) if to_patients else {}
    found = ((step, known.get((step.clinic_id, step.params["template"]))) for step in to_patients)
    return [may_write.Letter(step, template.category, Channel.EMAIL) for step, template in found if template]


def _template(step: StepContext, known: Templates) -> MessageTemplate:
    """Return the step's template. Raises EffectError: without one the rule cannot do what it says."""
    template = known.get((step.clinic_id, step.params["template"]))
    if template is None:
        message = gettext("There is no template “%(slug)s” in use.") % {"slug": step.params["template"]}
        raise EffectError(message, permanent=True, rule_error=True)
    if template.inside_only:
        message = gettext("The template “%(slug)s” is only for messages inside the platform.") % {"slug": template.slug}
        raise EffectError(message, permanent=True, rule_error=True)
    return template


def _addressed(step: StepContext, people: Readers) -> list[readers.Reader]:
    """Return the readers that can be written to. Staff are tried in any case: their address is read on leaving."""
    return [one for one in people.of(step) if one.recipient_id is not None or one.has_address]


def _emails(step: StepContext, template: MessageTemplate, people: Readers) -> list[services.Email]:
    context = {
        "subject_type": step.subject_type,
        "subject_id": step.subject_id,
        "facts": readers.kept_facts(step, template.bodies.all()),
    }
    return [
        services.Email(
            clinic_id=step.clinic_id,
            patient_id=step.patient_id,
            category=template.category,
            template_id=template.pk,
            contact_id=one.contact_id,
            recipient_id=one.recipient_id,
            context=context,
            not_before=step.not_before,
            not_after=step.not_after,
            source_step_id=step.id,
        )
        for one in _addressed(step, people)
    ]
