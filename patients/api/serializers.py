"""Patients and their contacts on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Membership
from accounts.permissions import Role
from clinic.api.bodies import Answer, Body
from clinic.api.fields import Blank, Boolean, Day, Email, Id, Moment, Reference, SlugOf, Text, one_of
from patients.api.fields import PatientField, PatientId
from patients.categories import Category, Channel
from patients.models import Feature, Patient


def specialists(clinic: Any) -> Any:
    """Return the specialists that a body may name; whether one still works here the services ask."""
    return Membership.objects.for_clinic(clinic).filter(role=Role.SPECIALIST)


class ContactAnswer(Answer):
    """Somebody who stands by a patient."""

    name = Text()
    relation = Text(max_length=50)
    email = Email()
    phone = Blank(max_length=40)
    language = Blank(max_length=35)
    gets_messages = Boolean(default=False)
    may_sign = Boolean(default=False)


class ContactBody(ContactAnswer, Body):
    """A contact as it shall be."""


class PatientAnswer(Answer):
    """A patient."""

    id = Id(source="pk")
    external_id = Text(allow_null=True)
    given_name = Text()
    family_name = Blank(max_length=200)
    birth_date = Day(allow_null=True)
    sex = one_of(Patient.Sex.values)
    email = Email()
    email_status = one_of(Patient.EmailStatus.values)
    phone = Blank(max_length=40)
    language = Blank(max_length=35)
    city = Blank(max_length=200)
    source = Blank(max_length=50)  # type: ignore[assignment]
    time_zone = Blank(max_length=64)
    specialist = SlugOf(allow_null=True)
    tags = serializers.ListField(child=Text(max_length=50))
    status = one_of(Patient.Status.values)
    deceased_on = Day(allow_null=True)
    contacts = ContactAnswer(many=True)
    registered_at = Moment()


class PatientChange(Body):
    """What is known of a patient. In a change, what is left out stays; null clears."""

    external_id = Text(allow_null=True, required=False)
    given_name = Text()
    family_name = Blank(max_length=200)
    birth_date = Day(allow_null=True, required=False)
    sex = one_of(Patient.Sex.values, required=False)
    email = Email()
    phone = Blank(max_length=40)
    language = Blank(max_length=35)
    city = Blank(max_length=200)
    source = Blank(max_length=50)  # type: ignore[assignment]
    time_zone = Blank(max_length=64)
    specialist = Reference(specialists, allow_null=True, required=False)
    tags = serializers.ListField(child=Text(max_length=50), max_length=100, required=False)
    deceased_on = Day(required=False)
    contacts = ContactBody(many=True, required=False, max_length=20)  # type: ignore[call-arg]


class PatientBody(PatientChange):
    """A patient to register."""

    occurred_at = Moment(required=False)


class MoveBody(Body):
    """A change of state: when it happened, if not now."""

    occurred_at = Moment(required=False)


class ConsentAnswer(Answer):
    """Whether messages of a category may be sent on a channel; `said_at` null: nothing was said, the default holds."""

    category = one_of(Category.values)
    channel = one_of(Channel.values)
    granted = Boolean()
    said_at = Moment(allow_null=True)


class ConsentBody(Body):
    """What the patient said about one way."""

    category = one_of(Category.values)
    channel = one_of(Channel.values)
    granted = Boolean()


class GrantAnswer(Answer):
    """A feature that a patient may use from one moment to another."""

    id = Id(source="pk")
    patient = PatientId()
    feature = one_of(Feature.values)
    granted_at = Moment()
    expires_at = Moment(allow_null=True)
    ended_at = Moment(allow_null=True)
    source_step = Id(source="source_step_id", allow_null=True)


class GrantBody(Body):
    """A feature to grant; without `until` it has no end."""

    patient = PatientField()
    feature = one_of(Feature.values)
    until = Moment(allow_null=True, required=False)


class PatientLine(Body):
    """A line of a bulk body: an absent key is unchanged, null clears."""

    external_id = Text()
    given_name = Text(required=False)
    family_name = Blank(max_length=200)
    birth_date = Day(allow_null=True, required=False)
    sex = one_of(Patient.Sex.values, required=False)
    email = Email()
    phone = Blank(max_length=40)
    language = Blank(max_length=35)
    city = Blank(max_length=200)
    source = Blank(max_length=50)  # type: ignore[assignment]
    occurred_at = Moment(required=False, allow_null=True)
