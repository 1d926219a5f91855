"""How bodies and filters name a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.api.fields import id_of
from clinic.api.filters import Filters, IdFilter
from patients.models import Patient


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "description": "the id"},
            {
                "type": "object",
                "required": ["external_id"],
                "additionalProperties": False,
                "properties": {"external_id": {"type": "string", "minLength": 1, "maxLength": 200}},
            },
        ]
    }
)
class PatientField(serializers.Field):
    """A patient of the clinic: an id, or {"external_id": …}. Another clinic's does not exist."""

    def to_internal_value(self, data: Any) -> Patient:
        """Find the patient."""
        rows = Patient.objects.for_clinic(self.context["clinic"]).select_related("clinic")
        if isinstance(data, str):
            number = id_of(data)
            found = rows.filter(pk=number).first() if number is not None else None
        elif isinstance(data, Mapping) and set(data) == {"external_id"} and isinstance(data["external_id"], str):
            found = rows.filter(external_id=data["external_id"]).first()
        else:
            message = _('Name the patient by id, or as {"external_id": "…"}.')
            raise serializers.ValidationError(message, code="type")
        if found is None:
            raise serializers.ValidationError(_("There is no such patient at this clinic."), code="not_found")
        return found

    def to_representation(self, value: Any) -> str:
        """Show the id."""
        return str(value.pk)


@extend_schema_field({"type": "string"})
class PatientId(serializers.Field):
    """The patient of a row in answers, by id, without reading the patient."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="patient_id", read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        """Give the number as text."""
        return str(value)


class OfPatients(Filters):
    """The filters by patient, of any list of patients' records."""

    patient = IdFilter("patient")
    patient_external_id = django_filters.CharFilter(field_name="patient__external_id")
