"""What the page of one form shows: its words in the reader's language, its fields, who may sign, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.clock import now
from clinic.text import fold
from forms_app.answers import check_answers
from forms_app.drawing import from_data_url
from forms_app.errors import FormInvalid
from forms_app.fields import Field, build_fields, posted_values, shown_values, typed_answers
from forms_app.models import FormRequest, FormTemplate, FormTemplateVersion
from forms_app.questions import Problem
from forms_app.signing import SELF, sign, who_may_sign
from forms_app.witnessing import InPerson
from messaging.recipients import patient_zone
from messaging.times import say_moment
from patients.models import Contact, Patient


def moment_words(moment: datetime | None, patient: Patient) -> str:
    """Put a moment into words in the patient's zone, named if it is not the clinic's."""
    if moment is None:
        return ""
    clinic = patient.clinic
    zone = patient_zone(patient, clinic)
    return say_moment(moment, zone=zone, clinic_zone=ZoneInfo(clinic.time_zone), language=get_language() or "en")


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who may sign, as the page offers it."""

    value: str
    label: str
    chosen: bool


class FormPage:
    """One form as one person sees it."""

    def __init__(self, request: FormRequest, contact: Contact | None, languages: tuple[str, str]) -> None:
        self.request = request
        self.contact = contact
        self.version = request.version
        self.languages = languages
        self.is_consent = request.template.kind == FormTemplate.Kind.CONSENT
        self.values: Mapping[str, Sequence[str]] = {}
        self.answers: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.signed_by = ""
        self.drawing = ""
        self.agreed = False
        self.changed = False
        self.version_read: int | None = None
        self.relations = self._relations()
        self.relation = self.relations[0] if self.relations else ""

    def _relations(self) -> list[str]:
        """List in which relations this reader may sign: a contact only in their own."""
        offered = [signer.relation for signer in who_may_sign(self.request, now())]
        if self.contact is None:
            return offered
        own = fold(self.contact.relation).strip()
        return [one for one in offered if fold(one).strip() == own]

    def show_draft(self, own: bool) -> None:
        """Fill the fields with what this browser gave before; another one sees an empty form."""
        if own:
            self.values = shown_values(self.version.questions, self.request.draft_answers)

    def read(self, data: QueryDict) -> None:
        """Take what was posted."""
        self.values = posted_values(self.version.questions, data)
        self.answers = typed_answers(self.version.questions, self.values)
        self.signed_by = data.get("signed_by", "").strip()
        self.drawing = data.get("drawing", "") if self.is_consent else ""
        self.agreed = data.get("agree") == "yes"
        number = data.get("version", "")
        self.version_read = int(number) if number.isdecimal() and len(number) < 10 else 0
        if (relation := data.get("relation")) in self.relations:
            self.relation = str(relation)

    def sign(self, in_person: InPerson | None = None) -> FormRequest:
        """Sign as posted. A drawn signature stands for the name on record, if no name was written.

        `in_person` says who of the staff saw it, on the clinic's tablet.

        Raises FormInvalid, NotADrawing, and what `signing.sign` refuses.
        """
        drawing = from_data_url(self.drawing) if self.drawing else None
        signed_by = self.signed_by or (self._name_on_record() if drawing else "")
        if self.is_consent and not self.agreed:
            _clean, problems = check_answers(self.version.questions, self.answers)
            problems.note("/agree", "required", _("Tick the box if you agree."))
            if not signed_by:
                problems.note("/signed_by", "required", _("Write your full name."))
            raise FormInvalid(problems)
        return sign(
            self.request,
            answers=self.answers,
            signed_by=signed_by,
            relation=self.relation,
            version=self.version_read,
            drawing=drawing,
            in_person=in_person,
        )

    def _name_on_record(self) -> str:
        if self.contact is not None:
            return self.contact.name
        return str(self.request.patient) if self.relation == SELF else ""

    # --- for the template ---

    @staticmethod
    def title_of(version: FormTemplateVersion, languages: Sequence[str]) -> str:
        """Return a version's title in the first of the languages it was written in."""
        return _translated(version, "title", languages)

    @staticmethod
    def text_of(version: FormTemplateVersion, languages: Sequence[str]) -> str:
        """Return a version's text in the first of the languages it was written in."""
        return _translated(version, "text", languages)

    @property
    def title(self) -> str:
        """Return the form's title."""
        return self.title_of(self.version, self.languages)

    @property
    def text(self) -> str:
        """Return the form's text."""
        return self.text_of(self.version, self.languages)

    @property
    def due(self) -> str:
        """Return when the form is due, in words."""
        return moment_words(self.request.due_at, self.request.patient)

    @property
    def may_sign(self) -> bool:
        """Tell whether anybody who reads this may sign."""
        return bool(self.relations)

    @property
    def signers(self) -> list[Choice]:
        """List the relations to choose from."""
        labels = {SELF: _("I am the patient")}
        return [Choice(one, labels.get(one, one), one == self.relation) for one in self.relations]

    @property
    def fields(self) -> list[Field]:
        """Return the fields of the questions."""
        return build_fields(self.version.questions, self.languages, self.values, self.problems)

    @property
    def errors(self) -> list[dict[str, str]]:
        """List what is wrong, each with the id of the element to mend."""
        targets = {f"/answers/{field.name[2:]}": (field.target, field.label) for field in self.fields}
        targets |= {
            "/signed_by": ("signed_by", _("Your full name")),
            "/agree": ("agree", _("Your agreement")),
            "/drawing": ("signed_by", _("Your signature")),
            "/relation": ("relation", _("Who signs")),
        }
        known = [(*targets[one.path], one.message) for one in self.problems if one.path in targets]
        return [{"target": target, "label": label, "message": message} for target, label, message in known]

    @property
    def errors_by_place(self) -> dict[str, str]:
        """Return the messages of the fields that are no questions."""
        return {one.path[1:]: one.message for one in self.problems if not one.path.startswith("/answers/")}


def _translated(version: FormTemplateVersion, name: str, languages: Sequence[str]) -> str:
    """Return the words in the reader's own language, else those that the version was written in."""
    reader = languages[0]
    for tag in (reader, reader.partition("-")[0]):
        if found := version.translations.get(tag, {}).get(name):
            return str(found)
    return str(getattr(version, name))
