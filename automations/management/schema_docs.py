"""Describe the tables from the models, and the catalog for developers: the generated parts of docs/spec.md."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import translation

from automations.engine.declare import Param, catalog
from clinic.db import ClinicForeignKey, ClinicModel

OWN = ("clinic", "accounts", "patients", "worklist", "messaging", "forms_app", "appointments", "treatments")
LATER = ("automations", "segments", "portal", "staff", "fhir")


def schema() -> str:
    """Return every table of the house as Markdown: columns, keys, indexes."""
    with translation.override("en"):
        return "\n".join(line for label in _apps() for line in _app(label))


def _apps() -> list[str]:
    """Return the house's apps, the lowest first; those not named above stand at the end."""
    order = [*OWN, *LATER]
    own = [one.label for one in apps.get_app_configs() if any(_is_ours(model) for model in one.get_models())]
    return sorted(own, key=lambda label: (order.index(label) if label in order else len(order), label))


def _is_ours(model: type[models.Model]) -> bool:
    return not model.__module__.startswith("django.") and "site-packages" not in inspect.getfile(model)


def _app(label: str) -> Iterator[str]:
    yield from (f"### {label}", "")
    for model in sorted(apps.get_app_config(label).get_models(), key=lambda one: one._meta.db_table):
        yield from _table(model)


def _table(model: type[models.Model]) -> Iterator[str]:
    meta = model._meta
    yield from (f"#### `{meta.db_table}`", "", " ".join((inspect.getdoc(model) or "").split()), "")
    yield from ("| column | type | null | points to, or one of |", "|---|---|---|---|")
    for field in meta.concrete_fields:
        yield f"| `{field.column}` | {_type(field)} | {'yes' if field.null else '-'} | {_about(field)} |"
    yield ""
    keys = [*_unique(model), *_indexes(meta.indexes)]
    if keys:
        yield from (*keys, "")


def _type(field: models.Field[Any, Any]) -> str:
    return str(field.db_type(connection) or "").replace("|", r"\|")


def _about(field: models.Field[Any, Any]) -> str:
    if field.primary_key:
        return "primary key"
    if isinstance(field, models.ForeignKey):
        target = field.related_model._meta.db_table
        return f"`{target}`, of the same clinic" if isinstance(field, ClinicForeignKey) else f"`{target}`"
    if field.choices:
        return ", ".join(f"`{value}`" for value, _label in field.flatchoices)
    return "-"


def _unique(model: type[models.Model]) -> Iterator[str]:
    meta = model._meta
    for field in meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield f"- unique: `{field.column}`"
    for one in meta.constraints:
        if isinstance(one, models.UniqueConstraint):
            where = " (some rows)" if one.condition is not None else ""
            yield f"- unique{where}: {_codes(one.fields) or f'`{one.name}`'}"
        elif isinstance(one, models.CheckConstraint):
            yield f"- checked: `{one.name}`"
    if issubclass(model, ClinicModel) and _pointed(model):
        yield "- unique: `clinic_id`, `id`, which the keys of other tables point to"


def _pointed(model: type[models.Model]) -> bool:
    relations = model._meta.get_fields(include_hidden=True)
    return any(isinstance(getattr(one, "field", None), ClinicForeignKey) and one.auto_created for one in relations)


def _indexes(indexes: Sequence[models.Index]) -> Iterator[str]:
    for one in indexes:
        where = " (some rows)" if one.condition is not None else ""
        yield f"- index{where}: {_codes(one.fields) or f'`{one.name}`'}"


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def wire() -> str:
    """Return the catalog as a developer writes it: keys, subjects, parameters with their types, examples."""
    with translation.override("en"):
        return "\n".join([*_triggers(), *_facts(), *_actions()])


def _json(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False, default=str)}`".replace("|", r"\|")


def _params(params: Sequence[Param]) -> str:
    return ", ".join(f"`{one.name}`: {_kind(one)}{'' if one.required else '?'}" for one in params) or "-"


def _kind(param: Param) -> str:
    words = ", ".join(value for value, _label in param.choices)
    kind = f"slug of {param.reference}" if param.reference else param.type
    if words:
        kind = f"{words} or {kind}" if param.reference else words
    return f"list of {kind}" if param.many else f"({kind})" if words else kind


def _triggers() -> Iterator[str]:
    yield from (
        "### Triggers on the wire",
        "",
        "| key | subject | record that is watched | trigger_config |",
        "|---|---|---|---|",
    )
    for key in sorted(catalog.triggers):
        one = catalog.triggers[key]
        only = " (only stops)" if one.stop_only else ""
        yield f"| `{key}`{only} | {one.subject} | `{one.model or '-'}` | {_params(one.params)} |"
    yield ""


def _facts() -> Iterator[str]:
    yield from (
        "### Facts on the wire",
        "",
        "| key | type | subject | siblings of op | changes with | example |",
        "|---|---|---|---|---|---|",
    )
    for key in sorted(catalog.facts):
        one = catalog.facts[key]
        sources = [*(f"`{name}`" for name in one.sources), *(["time"] if one.time_dependent else [])]
        yield (
            f"| `{key}` | {one.type.value} | {one.subject} | {_params(one.params)} "
            f"| {', '.join(sources) or '-'} | {_json(one.example)} |"
        )
    yield ""


def _actions() -> Iterator[str]:
    yield from ("### Actions on the wire", "", "| type | parameters | a message | example |", "|---|---|---|---|")
    for key in sorted(catalog.actions):
        one = catalog.actions[key]
        yield f"| `{key}` | {_params(one.params)} | {'yes' if one.message else '-'} | {_json(one.example)} |"
    yield ""
