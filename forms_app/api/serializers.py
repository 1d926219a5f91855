"""Form templates and requests on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.api.bodies import Answer, Body
from clinic.api.fields import A_LETTER, FORM_SLUG, Boolean, Id, Integer, Moment, Reference, SlugOf, Text, one_of
from forms_app.models import FormRequest, FormResponse, FormTemplate
from patients.api.fields import PatientField, PatientId
from patients.api.serializers import MoveBody

REASON_MAX = 200


def forms(clinic: Any) -> Any:
    """Return the forms that a body may name; whether one can be asked for the services say."""
    return FormTemplate.objects.for_clinic(clinic)


class Json(serializers.JSONField):
    """JSON whose shape a service checks, place by place."""


@extend_schema_field({"type": "string", "pattern": FORM_SLUG, "maxLength": 50, "description": A_LETTER})
class FormSlug(Text):
    """The short name of a form; the service judges it."""


class VersionAnswer(Answer):
    """One published wording of a form; never changed."""

    number = Integer()
    title = Text()
    text = Text(max_length=None)
    questions = serializers.ListField(child=serializers.DictField())
    translations = serializers.DictField()
    published_by = SlugOf(allow_null=True)
    created_at = Moment()


class FormTemplateAnswer(Answer):
    """A consent, a questionnaire or a survey, with the wording that is asked now."""

    id = Id(source="pk")
    slug = Text()
    name = Text()
    kind = one_of(FormTemplate.Kind.values)
    archived = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()
    title = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    questions = serializers.SerializerMethodField()
    translations = serializers.SerializerMethodField()
    created_at = Moment()

    def get_archived(self, row: FormTemplate) -> bool:
        """Tell whether it is asked of nobody any more."""
        return row.archived_at is not None

    def get_version(self, row: FormTemplate) -> int | None:
        """Return the number of the newest version; null before the first."""
        newest = newest_of(row)
        return newest.number if newest else None

    def get_title(self, row: FormTemplate) -> str:
        """Return its title."""
        newest = newest_of(row)
        return newest.title if newest else row.name

    def get_text(self, row: FormTemplate) -> str:
        """Return what stands above the questions."""
        newest = newest_of(row)
        return newest.text if newest else ""

    def get_questions(self, row: FormTemplate) -> list[dict[str, Any]]:
        """Return the questions."""
        newest = newest_of(row)
        return list(newest.questions) if newest else []

    def get_translations(self, row: FormTemplate) -> dict[str, Any]:
        """Return title and text in other languages."""
        newest = newest_of(row)
        return dict(newest.translations) if newest else {}


def newest_of(row: FormTemplate) -> Any:
    """Return the newest version of those that were read along."""
    versions = list(row.versions.all())
    return max(versions, key=lambda one: one.number) if versions else None


class WordingBody(Body):
    """A wording to publish. `questions` are {"id", "type", "text", "required", …} each."""

    title = Text(allow_blank=True, required=False)
    text = Text(max_length=50_000, allow_blank=True, required=False, trim_whitespace=False)
    questions = Json(required=False)
    translations = Json(required=False)


class FormTemplateBody(WordingBody):
    """A form to create; with a text or questions its first version is published at once."""

    slug = FormSlug(max_length=50)
    name = Text()
    kind = one_of(FormTemplate.Kind.values)


class AboutAnswer(Answer):
    """The record that a request belongs to."""

    type = Text()
    id = Text()


class FormRequestAnswer(Answer):
    """A form that a patient is asked to sign or fill, and the newest answers."""

    id = Id(source="pk")
    patient = PatientId()
    form = SlugOf(source="template")
    form_version = Integer(source="version.number")
    status = one_of(FormRequest.Status.values)
    due_at = Moment(allow_null=True)
    blocking = serializers.BooleanField()
    about = serializers.SerializerMethodField()
    answers = serializers.SerializerMethodField()
    signed_at = serializers.SerializerMethodField()
    signed_by = serializers.SerializerMethodField()
    relation = serializers.SerializerMethodField()
    finished_at = Moment(allow_null=True)
    source_step = Id(source="source_step_id", allow_null=True)
    created_at = Moment()

    def get_about(self, row: FormRequest) -> dict[str, str] | None:
        """Return what it belongs to; null for the patient alone."""
        return {"type": row.about_type, "id": str(row.about_id)} if row.about_type else None

    def get_answers(self, row: FormRequest) -> dict[str, Any] | None:
        """Return the newest answers, by question id; null before there are any."""
        response = response_of(row)
        return response.answers if response else None

    def get_signed_at(self, row: FormRequest) -> str | None:
        """Return when it was signed or submitted."""
        response = response_of(row)
        return Moment(read_only=True).to_representation(response.signed_at) if response else None

    def get_signed_by(self, row: FormRequest) -> str | None:
        """Return who signed, by name."""
        response = response_of(row)
        return response.signed_by if response else None

    def get_relation(self, row: FormRequest) -> str | None:
        """Return in what relation to the patient: "self", or a contact's."""
        response = response_of(row)
        return response.relation if response else None


def response_of(row: FormRequest) -> FormResponse | None:
    """Return the newest response of those that were read along."""
    return max(row.responses.all(), key=lambda one: one.number, default=None)


class FormRequestBody(Body):
    """A form to ask of a patient."""

    patient = PatientField()
    form = Reference(forms)
    due_at = Moment(allow_null=True, required=False)
    blocking = Boolean(required=False)
    occurred_at = Moment(required=False)


class SignBody(MoveBody):
    """What was answered, by whom, and which wording they read."""

    answers = Json()
    signed_by = Text()
    relation = Text(max_length=50, required=False)
    version = Integer(min_value=1, required=False)


class AmendBody(MoveBody):
    """The corrected answers, whole."""

    answers = Json()
    signed_by = Text()
    relation = Text(max_length=50, required=False)


class FormReasonBody(MoveBody):
    """A change of state, and why."""

    reason = Text(max_length=REASON_MAX, allow_blank=True, required=False)
