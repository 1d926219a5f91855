"""Fields whose schema comes from the catalog: automations/api/openapi.py puts it there under these names."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

Schema = dict[str, Any]
STORED: Schema = {"description": "What is stored, where it is no rule (any more): `broken` says why."}


def component(name: str) -> Schema:
    """Refer to a component of the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_as_stored(name: str) -> Schema:
    """Describe a part of a rule that is read: valid unless the rule is broken."""
    return {"anyOf": [component(name), STORED]}


REASON: Schema = {"anyOf": [component("Reason"), {"type": "null"}]}


class _Part(serializers.JSONField):
    """A part of a rule; the engine wrote it, with every default."""


@extend_schema_field({})
class AnythingField(serializers.JSONField):
    """JSON of any shape, null too."""


@extend_schema_field({"type": "string", "description": "The key of a trigger of the catalog."})
class TriggerField(serializers.CharField):
    """The trigger."""


@extend_schema_field({"description": "What the trigger asks for; see `trigger.…` for each."})
class ConfigField(_Part):
    """The trigger's settings."""


@extend_schema_field(or_as_stored("Conditions"))
class ConditionsField(_Part):
    """The conditions."""


@extend_schema_field({"anyOf": [{"type": "array", "items": component("Action")}, STORED]})
class ActionsField(_Part):
    """The actions."""


@extend_schema_field(or_as_stored("RuleSettings"))
class SettingsField(_Part):
    """The settings."""


@extend_schema_field({"anyOf": [component("Verdict"), {"type": "null"}]})
class VerdictField(_Part):
    """The conditions with the values that they saw."""
