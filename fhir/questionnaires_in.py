"""Questionnaires of an import → form templates: published where all of it can be asked, else a draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import Clinic
from clinic.errors import ClinicError
from clinic.slugs import is_number
from fhir.batches import CREATED, REFUSED, UNCHANGED, UPDATED, Answer, Item
from fhir.gathering import Problem
from fhir.mapping import slug_of
from fhir.questionnaires import Asked, Choices, QuestionnaireData, Refusal, ValueSetData
from fhir.reading import file_of
from forms_app import services
from forms_app.models import FormTemplate, FormTemplateVersion
from forms_app.questions import MAX_ID, check_questions

Question = dict[str, Any]


class QuestionnaireWriter:
    """Makes forms of Questionnaires, and new wordings of those that the file says otherwise.

    A wording that the form had before, as a version or as its draft, is nothing new, whatever the clinic has made of
    the form since. `refused` collects the items that cannot be asked, by the Questionnaire's place.
    """

    def __init__(self, clinic: Clinic, value_sets: Iterable[Item]) -> None:
        self.clinic = clinic
        self.value_sets = tuple(value_sets)
        self.refused: dict[str, list[Problem]] = {}

    def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """Write one batch in the caller's transaction."""
        return [self._write(place, data) for place, data in items]

    @property
    def problems(self) -> list[Problem]:
        """Return the items that were left out."""
        return [problem for found in self.refused.values() for problem in found]

    def _write(self, place: str, data: QuestionnaireData) -> Answer:
        template = FormTemplate.objects.for_clinic(self.clinic).filter(external_id=data.id).first()
        if data.status == "retired":
            return self._retire(template)
        questions, refused = questions_of(data, *self._answers(place))
        self.refused[place] = [
            Problem(place, f"Questionnaire {data.id}: item “{one.link_id}” {one.reason}") for one in refused
        ]
        if all(one["type"] == "display" for one in questions):
            return REFUSED, _("holds no question that a form can ask")
        answer = UPDATED if template else CREATED
        if template is None:
            template = services.create_template(
                clinic=self.clinic,
                slug=self._free_slug(data.id),
                name=data.name,
                kind=FormTemplate.Kind.QUESTIONNAIRE,
                external_id=data.id,
            )
        wording = services.checked_wording(template, title=data.name, text=data.text, questions=questions)
        if template.draft == wording or _had(template, wording):
            return UNCHANGED, ""
        if data.status == "active" and not refused:
            services.publish_template_version(template, **wording)
        else:
            services.save_template_draft(template, **wording)
        return answer, ""

    def _answers(self, place: str) -> tuple[list[ValueSetData], list[ValueSetData]]:
        """Return the value sets of the Questionnaire's own file, and those of the others."""
        own = [data for at, data in self.value_sets if file_of(at) == file_of(place)]
        return own, [data for at, data in self.value_sets if file_of(at) != file_of(place)]

    def _retire(self, template: FormTemplate | None) -> Answer:
        if template is None:
            raise ClinicError(_("is retired, and no form is made of it"))
        if template.archived_at is not None:
            return UNCHANGED, ""
        services.archive_template(template)
        return UPDATED, ""

    def _free_slug(self, pk: str) -> str:
        wanted = slug_of(pk)
        taken = FormTemplate.objects.for_clinic(self.clinic).filter(slug=wanted).exists()
        return slug_of(f"fhir {pk}") if taken or is_number(wanted) else wanted


def _had(template: FormTemplate, wording: Mapping[str, Any]) -> bool:
    """Tell whether a version of the template has this wording."""
    return FormTemplateVersion.objects.filter(template=template, **wording).exists()


def questions_of(
    data: QuestionnaireData, own: Sequence[ValueSetData] = (), others: Sequence[ValueSetData] = ()
) -> tuple[list[Question], list[Refusal]]:
    """Return the questions that a form can ask, every default written out, and the items that it cannot.

    Answers are looked for in the Questionnaire itself, then in the value sets of its `own` file, then in the `others`.
    """
    questions: list[Question] = []
    refused: list[Refusal] = []
    known = {**_by_name(others), **_by_name([*data.contained, *own])}
    for item in data.items:
        made = item if isinstance(item, Refusal) else _question(item, known)
        if isinstance(made, Refusal):
            refused.append(made)
        else:
            questions.append(made)
    return questions, refused


def _question(item: Asked, value_sets: Mapping[str, list[ValueSetData]]) -> Question | Refusal:
    question = dict(item.question)
    if question["type"] in ("choice", "multiple_choice"):
        found = item.choices or _choices(item.value_set, value_sets)
        if isinstance(found, str):
            return Refusal(item.link_id, found)
        question["choices"] = _as_choices(found)
    clean, problems = check_questions([question], "")
    if problems:
        place = problems[0].path.removeprefix("/0/")
        return Refusal(item.link_id, f"{_('cannot be asked')} ({place}: {problems[0].message})")
    return clean[0]


def _choices(name: str, value_sets: Mapping[str, list[ValueSetData]]) -> Choices | str:
    """Return the answers of a value set, or why there are none."""
    if not name:
        return _("offers no answers to choose from")
    found = value_sets.get(name.partition("|")[0])
    if not found:
        return _("takes its answers from %(name)s, which the files do not hold") % {"name": name}
    if len({one.choices for one in found}) > 1:
        return _("takes its answers from %(name)s, which the files tell in different ways") % {"name": name}
    if found[0].choices is None:
        return _("takes its answers from %(name)s, which does not list them") % {"name": name}
    return found[0].choices


def _by_name(value_sets: Iterable[ValueSetData]) -> dict[str, list[ValueSetData]]:
    """Key value sets by all that may refer to them: address, relative reference, and fragment if contained."""
    found: dict[str, list[ValueSetData]] = {}
    for one in value_sets:
        for name in {one.url, f"ValueSet/{one.id}", f"#{one.id}"}:
            found.setdefault(name, []).append(one)
    return found


def _as_choices(choices: Choices) -> list[dict[str, str]]:
    """Make values of the codes, each once: the same code again is another spelling of one answer only by chance."""
    made: list[dict[str, str]] = []
    taken: set[str] = set()
    for position, (code, display) in enumerate(choices, start=1):
        base = slugify(code)[:MAX_ID].strip("-_") or str(position)
        value = base if base not in taken else f"{base[: MAX_ID - 4]}-{position}"
        taken.add(value)
        made.append({"value": value, "text": display})
    return made
