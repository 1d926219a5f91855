"""Message templates, notifications and deliveries on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from clinic.api.bodies import Answer, Body
from clinic.api.fields import Blank, Boolean, Id, Integer, Moment, Slug, SlugOf, Text, one_of
from messaging import reasons
from messaging.models import Delivery, MessageTemplate
from patients.api.fields import PatientId
from patients.categories import Category

TEXT_MAX = 50_000


class WordsAnswer(Answer):
    """Subject and text in one language, in Liquid."""

    language = Text(max_length=35)
    subject = Text()
    text = Text(max_length=TEXT_MAX, trim_whitespace=False)


class WordsBody(WordsAnswer, Body):
    """Subject and text in one language, in Liquid."""


class MessageTemplateAnswer(Answer):
    """A message that rules send, one body a language."""

    id = Id(source="pk")
    slug = Text()
    name = Text()
    category = one_of(Category.values)
    inside_only = serializers.BooleanField()
    bodies = WordsAnswer(many=True)
    archived = serializers.SerializerMethodField()
    created_at = Moment()

    def get_archived(self, row: MessageTemplate) -> bool:
        """Tell whether it is no longer offered."""
        return row.archived_at is not None


class MessageTemplateChange(Body):
    """What may change; `bodies` replaces them all. The slug stays, because rules name it."""

    name = Text()
    category = one_of(Category.values, required=False)
    inside_only = Boolean(required=False)
    bodies = WordsBody(many=True, max_length=50)  # type: ignore[call-arg]


class MessageTemplateBody(MessageTemplateChange):
    """A message template to create."""

    slug = Slug()


class NotificationAnswer(Answer):
    """A message inside the platform, to one of the staff or (`recipient` null) to the patient."""

    id = Id(source="pk")
    patient = PatientId()
    recipient = SlugOf(allow_null=True)
    title = Text()
    body = Blank(max_length=None)
    link = serializers.SerializerMethodField()
    visible_at = Moment()
    is_visible = serializers.BooleanField(help_text="False, too, while a stop switch holds it back.")
    not_after = Moment(allow_null=True)
    read_at = Moment(allow_null=True)
    withdrawn_at = Moment(allow_null=True)
    reason = serializers.SerializerMethodField()
    source_step = Id(source="source_step_id", allow_null=True)
    created_at = Moment()

    def get_reason(self, row: Any) -> dict[str, str] | None:
        """Return why it was taken back before anybody could see it."""
        code = row.withdrawn_reason
        return {"code": code, "text": reasons.words(code)} if code else None

    def get_link(self, row: Any) -> dict[str, str | None] | None:
        """Return where it leads."""
        if not row.link_kind:
            return None
        return {"type": row.link_kind, "id": None if row.link_id is None else str(row.link_id)}


class DeliveryAnswer(Answer):
    """One message to one address, from queued to its outcome."""

    id = Id(source="pk")
    patient = PatientId()
    channel = Text()
    purpose = Text()
    category = one_of(Category.values)
    template = SlugOf(allow_null=True)
    recipient = serializers.SerializerMethodField()
    state = one_of(Delivery.State.values)
    reason = serializers.SerializerMethodField()
    not_before = Moment()
    not_after = Moment(allow_null=True)
    attempts = Integer()
    address = Blank(max_length=254)
    language = Blank(max_length=35)
    subject = Blank(max_length=300)
    text = Blank(max_length=None, source="body_text")
    message_id = Text()
    last_error = Blank(max_length=500)
    finished_at = Moment(allow_null=True)
    source_step = Id(source="source_step_id", allow_null=True)
    created_at = Moment()

    def get_recipient(self, row: Delivery) -> dict[str, str]:
        """Return who it is for: the patient, a contact or one of the staff."""
        if row.recipient is not None:
            return {"type": "staff", "id": row.recipient.slug}
        if row.contact_id is not None:
            return {"type": "contact", "id": str(row.contact_id)}
        return {"type": "patient", "id": str(row.patient_id)}

    def get_reason(self, row: Delivery) -> dict[str, str] | None:
        """Return why it is in its state, where that needs a word."""
        return {"code": row.reason, "text": reasons.words(row.reason)} if row.reason else None
