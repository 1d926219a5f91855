"""The action `send_notification`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Blank, Param, register
from automations.engine.values import EffectError, Refusal, StepContext
from clinic.errors import ClinicError
from messaging import services
from messaging.automation import blanks, may_write, readers
from messaging.automation.readers import TO, Reader
from messaging.liquid import TextError
from messaging.models import Category, MessageTemplate
from messaging.purposes import choose_body
from messaging.selectors import templates_by_slug
from messaging.text import render_many, validate
from messaging.variables import MessageContext
from patients.categories import Channel
from patients.models import Patient
from worklist.models import Task

LINKS = (
    ("patient_summary", _("the patient's summary")),
    ("appointment", _("the appointment")),
    ("form", _("the form")),
    ("task", _("the task that this rule made")),
)


@register
class SendNotification(Action):
    """Tell somebody inside the platform, from a template or in the rule's own words."""

    key = "send_notification"
    label = _("Send a notification")
    phrase = _("notify %(to)s")
    extras = {"title": _("of “%(title)s”"), "template": _("with “%(template)s”")}
    params = (
        Param("to", "choice", _("to"), default="patient", choices=TO),
        Param("template", "reference", _("template"), reference="template"),
        Param("title", "text", _("title"), max_length=200, help=_("Instead of a template.")),
        Param("body", "long_text", _("text"), max_length=4000),
        Param("link", "choice", _("link to"), choices=LINKS),
    )
    example = {"to": "specialist", "title": "New patient: {{ patient.full_name }}", "link": "patient_summary"}
    message = True

    def is_patient_message(self, params: Mapping[str, Any]) -> bool:
        """Tell whether it goes to the patient."""
        return self.role(params) == "patient"

    def role(self, params: Mapping[str, Any]) -> str:
        """Name who it is for."""
        return str(params.get("to") or "patient")

    def category(self, params: Mapping[str, Any]) -> str | None:
        """Name the category of a notification in the rule's own words; a template has its own."""
        return None if params.get("template") else Category.CLINICAL

    def problems(self, params: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Ask for a template or words of its own, not both, and for words that can be made."""
        template, title, body = (params.get(name) for name in ("template", "title", "body"))
        if template and (title or body):
            return [("template", gettext("Choose a template or write a title, not both."))]
        if not template and not title:
            return [("title", gettext("Choose a template or write a title."))]
        if title:
            try:
                validate(title, body or "", inside_only=True)
            except ClinicError as error:
                return [("title" if error.path == "subject" else "body", error.message)]
        return ()

    def blanks(self, params: Mapping[str, Any], clinic_id: Any, trigger: str) -> list[Blank]:
        """List what the template, or the rule's own words, say and no event of the trigger knows."""
        if slug := params.get("template"):
            name, lacking = blanks.of_template(slug, clinic_id, trigger)
            return [Blank("template", lacking, name)] if lacking else []
        own = [(part, blanks.of_texts([params.get(part) or ""], trigger)) for part in ("title", "body")]
        return [Blank(part, lacking) for part, lacking in own if lacking]

    def guard(self, steps: Sequence[StepContext]) -> dict[Any, Refusal]:
        """Refuse where nobody of the role works here, what the patient does not want, and what is too much by now."""
        people = readers.find([step for step in steps if step.role != "patient"])
        nobody = [pk for pk, found in people.by_step.items() if not found]
        refused = {pk: Refusal("no_address", gettext("Nobody of that role works here now.")) for pk in nobody}
        return refused | may_write.refusals(_to_patients(steps))

    def perform(self, steps: Sequence[StepContext]) -> dict[Any, dict[str, Any]]:
        """Write one notification a person."""
        letters, notes = _letters(steps)
        try:
            texts = render_many([(one.title, one.body, one.context) for one in letters])
        except TextError as error:
            raise EffectError(str(error), permanent=True, rule_error=True) from error
        links = _links(steps)
        made = services.notify(
            _note(one, title, body, links[one.step.id]) for one, (title, body) in zip(letters, texts, strict=True)
        )
        results: dict[Any, dict[str, Any]] = {step.id: {"notifications": [], **notes[step.id]} for step in steps}
        for notification in made:
            results[notification.source_step_id]["notifications"].append(str(notification.pk))
        return results

    def unsent(self, step_ids: Collection[Any]) -> Collection[Any]:
        """Name the steps of which something is on its way."""
        return services.unsent(step_ids)

    def withdraw(self, step_ids: Collection[Any]) -> None:
        """Take back what nobody could see yet."""
        services.withdraw(step_ids)

    def limit(self, limits: Mapping[Any, Any]) -> None:
        """Move the moments of what nobody could see yet."""
        services.limit(limits)


def _to_patients(steps: Sequence[StepContext]) -> list[may_write.Letter]:
    to_patients = [step for step in steps if step.role == "patient"]
    categories = _categories(to_patients)
    return [may_write.Letter(step, categories[step.id], Channel.IN_PLATFORM) for step in to_patients]


def _categories(steps: Sequence[StepContext]) -> dict[Any, str]:
    """Return each step's category: its template's, else what it is in the rule's own words."""
    slugs = {step.params["template"] for step in steps if step.params.get("template")}
    templates = templates_by_slug({step.clinic_id for step in steps}, slugs) if slugs else {}
    found = {}
    for step in steps:
        template = templates.get((step.clinic_id, step.params.get("template") or ""))
        found[step.id] = str(template.category if template else Category.CLINICAL)
    return found


@dataclass(frozen=True, slots=True)
class _Letter:
    step: StepContext
    reader: Reader
    title: str
    body: str
    context: MessageContext
    category: str


def _letters(steps: Sequence[StepContext]) -> tuple[list[_Letter], dict[Any, dict[str, str]]]:
    """Return what each reader of each step is to be told, not yet filled in."""
    slugs = {step.params["template"] for step in steps if step.params.get("template")}
    templates = templates_by_slug({step.clinic_id for step in steps}, slugs) if slugs else {}
    patients = readers.patients(steps)
    people = readers.find([step for step in steps if step.role != "patient"])
    letters = []
    for step in steps:
        patient = patients[step.patient_id]
        # A patient's notifications lie in the portal, whoever opens it for a child.
        found = [Reader(patient, has_address=True)] if step.role == "patient" else people.of(step)
        letters += [_letter(step, one, patient, templates) for one in found]
    return letters, {step.id: people.note(step) for step in steps}


def _letter(
    step: StepContext, reader: Reader, patient: Patient, templates: Mapping[tuple[int, str], MessageTemplate]
) -> _Letter:
    described = readers.described(reader, patient)
    title, body = step.params.get("title") or "", step.params.get("body") or ""
    category: str = Category.CLINICAL
    if slug := step.params.get("template"):
        template = templates.get((step.clinic_id, slug))
        if template is None:
            message = gettext("There is no template “%(slug)s” in use.") % {"slug": slug}
            raise EffectError(message, permanent=True, rule_error=True)
        chosen = choose_body(template.bodies.all(), described.language, patient.clinic.language)
        title, body, category = chosen.subject, chosen.text, template.category
    context = MessageContext(
        clinic=patient.clinic,
        patient=patient,
        recipient=described,
        subject_type=step.subject_type,
        subject_id=step.subject_id,
        facts=step.facts,
    )
    return _Letter(step, reader, title, body, context, category)


def _note(letter: _Letter, title: str, body: str, link: tuple[str, int | None]) -> services.Note:
    step = letter.step
    return services.Note(
        clinic_id=step.clinic_id,
        patient_id=step.patient_id,
        title=title,
        body=body,
        category=letter.category,
        rule_id=step.rule_id,
        recipient_id=letter.reader.recipient_id,
        link_kind=link[0],
        link_id=link[1],
        visible_at=step.not_before,
        not_after=step.not_after,
        source_step_id=step.id,
    )


def _links(steps: Sequence[StepContext]) -> dict[Any, tuple[str, int | None]]:
    """Return kind and id of what each notification links to; nothing where the event has no such thing."""
    tasks = _tasks([step for step in steps if step.params.get("link") == "task"])
    links: dict[Any, tuple[str, int | None]] = {}
    for step in steps:
        kind = step.params.get("link") or ""
        targets = {
            "patient_summary": step.patient_id,
            "task": tasks.get((step.rule_id, step.event_id)),
            step.subject_type: step.subject_id,
        }
        target = targets.get(kind)
        links[step.id] = (kind, target) if target is not None else ("", None)
    return links


def _tasks(steps: Sequence[StepContext]) -> dict[tuple[Any, Any], int]:
    """Return (rule id, event id) → the task that the same run made."""
    if not steps:
        return {}
    rows = Task.objects.filter(
        source_step__rule_id__in={step.rule_id for step in steps},
        source_step__run__event_id__in={step.event_id for step in steps},
    )
    pairs = rows.order_by("pk").values_list("source_step__rule_id", "source_step__run__event_id", "pk")
    return {(rule, event): pk for rule, event, pk in pairs}
