"""A clinic's rules, parsed and indexed, kept by the clinic's rules epoch: never by time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from automations.engine.declare import catalog
from automations.engine.index import RuleIndex
from automations.engine.problems import Problem
from automations.engine.schema import RuleInvalid, parse_rule, stop_keys
from automations.engine.values import ReferenceUse, RuleSpec
from automations.models import Rule, RuleVersion
from automations.naming import look_up

PARTS = ("trigger_config", "conditions", "actions", "settings")
MAX_KEPT = 50_000
"""Parsed versions kept in one process."""
MAX_STORED = 1_000_000
"""Characters of one stored part; a rule that a person could build is far smaller."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A published rule ready to be matched: its wording, its mode and the keys that stop its steps."""

    id: int
    slug: str
    name: str
    mode: str
    version_id: int
    active_since: Any
    spec: RuleSpec
    stops: tuple[str, ...]
    broken: str


@dataclass(frozen=True, slots=True)
class ClinicRules:
    """Everything of one clinic that matching needs, as of one epoch."""

    epoch: int
    rules: Mapping[int, CompiledRule]
    index: RuleIndex
    unusable: Mapping[int, str]
    errored: Mapping[str, tuple[tuple[int, Any], ...]]
    asks: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)


_cache: dict[int, ClinicRules] = {}
_specs: dict[int, RuleSpec | str] = {}


def rules_of(clinic_id: int, epoch: int) -> ClinicRules:
    """Return the clinic's compiled rules; reads the database only if the epoch has moved."""
    known = _cache.get(clinic_id)
    if known is None or known.epoch != epoch:
        known = _cache[clinic_id] = _compile(clinic_id, epoch)
    return known


def _compile(clinic_id: int, epoch: int) -> ClinicRules:
    modes = (*Rule.MATCHING, Rule.Mode.QUARANTINED)
    stored = list(
        Rule.objects.filter(clinic_id=clinic_id, mode__in=modes, published__isnull=False)
        .order_by("pk")
        .values("pk", "slug", "name", "mode", "published_id", "published__trigger", "active_since")
    )
    _load_specs([row["published_id"] for row in stored if row["published_id"] not in _specs])
    rules: dict[int, CompiledRule] = {}
    unusable: dict[int, str] = {}
    errored: dict[str, list[tuple[int, Any]]] = {}
    specs = {row["pk"]: _specs[row["published_id"]] for row in stored}
    missing = missing_references(clinic_id, {pk: s.references for pk, s in specs.items() if isinstance(s, RuleSpec)})
    for row in stored:
        spec = specs[row["pk"]]
        if isinstance(spec, str) or row["mode"] == Rule.Mode.QUARANTINED:
            if isinstance(spec, str) and row["mode"] != Rule.Mode.QUARANTINED:
                unusable[row["pk"]] = spec
            errored.setdefault(row["published__trigger"], []).append((row["pk"], row["active_since"]))
            continue
        rules[row["pk"]] = _compiled(row, spec, missing.get(row["pk"], ""))
    index = RuleIndex(((rule.id, rule.spec) for rule in rules.values()), catalog)
    frozen = {trigger: tuple(keys) for trigger, keys in errored.items()}
    return ClinicRules(epoch, rules, index, unusable, frozen, _asks(rules.values()))


def _compiled(row: Mapping[str, Any], spec: RuleSpec, broken: str) -> CompiledRule:
    return CompiledRule(
        id=row["pk"],
        slug=row["slug"],
        name=row["name"],
        mode=row["mode"],
        version_id=row["published_id"],
        active_since=row["active_since"],
        spec=spec,
        stops=tuple(f"{key}:{scope}" for key, scope in all_stops(spec)),
        broken=broken,
    )


def all_stops(spec: RuleSpec) -> list[tuple[str, str]]:
    """Return (key, scope) of all that stops a rule's steps: its own settings, and what stops every rule.

    Stop-only keys of the rule's subject (a visit entered in error, a form voided) and of the patient (archived,
    discharged, deceased) stop whatever the settings say.
    """
    own = catalog.triggers[spec.trigger].subject
    found = dict(stop_keys(spec, catalog))
    for trigger in catalog.triggers.values():
        if trigger.stop_only and trigger.subject in (own, "patient"):
            found.setdefault(trigger.key, "subject" if trigger.subject == own else "patient")
    return sorted(found.items())


def _load_specs(versions: Iterable[int]) -> None:
    """Parse stored wordings one by one, each from its text: one that cannot be read must not hide the others."""
    wanted = list(versions)
    for start in range(0, len(wanted), 500):
        texts = {part: Cast(part, TextField()) for part in PARTS}
        columns = {f"{part}_text": text for part, text in texts.items()}
        chunk = wanted[start : start + 500]
        rows = RuleVersion.objects.filter(pk__in=chunk).order_by().annotate(**columns).values("pk", "trigger", *columns)
        for row in rows:
            _specs[row["pk"]] = parse_stored(row["trigger"], {part: row[f"{part}_text"] for part in PARTS})


def spec_of(version_id: int | None) -> RuleSpec | str:
    """Return the wording of a version, or why it cannot be used; versions never change, so they are kept."""
    if version_id is None:
        return "The run names no version."
    known = _specs.get(version_id)  # asked once a step
    return specs_of([version_id])[version_id] if known is None else known


def specs_of(version_ids: Iterable[int]) -> dict[int, RuleSpec | str]:
    """Return the wordings of versions, or why one cannot be used; one query for all that are not known yet."""
    wanted = set(version_ids)
    if unknown := {pk for pk in wanted if pk not in _specs}:  # a difference to the keys walks through all of them
        if len(_specs) + len(unknown) > MAX_KEPT:
            _specs.clear()
            unknown = wanted
        _load_specs(sorted(unknown))
    return {pk: _specs.get(pk, "This version is gone.") for pk in wanted}


def parse_stored(trigger: str, texts: Mapping[str, str]) -> RuleSpec | str:
    """Return the stored wording as a spec, or in one sentence why it cannot be used."""
    data: dict[str, Any] = {"trigger_event": trigger}
    for part, text in texts.items():
        if len(text) > MAX_STORED:
            return f"The stored {part} is {len(text)} characters long; at most {MAX_STORED} can be read."
        try:
            data[part] = json.loads(text)
        except (ValueError, RecursionError) as error:
            return f"The stored {part} cannot be read: {type(error).__name__}."
    try:
        return parse_rule(data, catalog)
    except RuleInvalid as error:
        first = error.errors[0]
        return f"{first.path or '/'}: {first.message}"


def missing_references(clinic_id: int, uses: Mapping[int, tuple[ReferenceUse, ...]]) -> dict[int, str]:
    """Return for each rule that names a row which is gone or archived, which one; one query a kind of reference."""
    wanted: dict[str, set[str]] = {}
    for references in uses.values():
        for use in references:
            wanted.setdefault(use.kind, set()).add(use.slug)
    there = {kind: active_slugs(clinic_id, kind, slugs) for kind, slugs in wanted.items()}
    broken = {}
    for rule_id, references in uses.items():
        gone = next((use for use in references if use.slug not in there[use.kind]), None)
        if gone is not None:
            named = look_up(clinic_id, {gone.kind: [gone.slug]})(gone.kind, gone.slug)
            text = _("%(kind)s “%(name)s” is gone or archived.")
            broken[rule_id] = text % {"kind": catalog.references[gone.kind].label, "name": named}
    return broken


def reference_problems(clinic_id: int, uses: Sequence[ReferenceUse]) -> list[Problem]:
    """Return a problem for each named row that the clinic does not have or that may not be used; one query a kind."""
    wanted: dict[str, set[str]] = {}
    for use in uses:
        wanted.setdefault(use.kind, set()).add(use.slug)
    there = {kind: active_slugs(clinic_id, kind, slugs) for kind, slugs in wanted.items()}
    text = _("This clinic has no %(kind)s “%(slug)s” that may be used.")
    return [
        Problem(use.path, "unknown_reference", text % {"kind": catalog.references[use.kind].label, "slug": use.slug})
        for use in uses
        if use.slug not in there[use.kind]
    ]


def active_slugs(clinic_id: int, kind: str, slugs: Iterable[str]) -> set[str]:
    """Return which of the slugs name a row of this kind that may be used."""
    declared = catalog.references[kind]
    rows = apps.get_model(declared.model)._default_manager.filter(clinic_id=clinic_id, **declared.active)
    return set(rows.filter(slug__in=list(slugs)).values_list("slug", flat=True))


def _asks(rules: Iterable[CompiledRule]) -> dict[str, dict[str, tuple[str, Mapping[str, Any]]]]:
    """Return by trigger every fact with parameters that a rule of that trigger asks for."""
    found: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = {}
    for rule in rules:
        groups = [rule.spec.conditions, *(a.only_if for a in rule.spec.actions if a.only_if)]
        wanted = found.setdefault(rule.spec.trigger, {})
        for group in groups:
            wanted.update({c.key: (c.field, c.params) for c in group.conditions() if c.params})
    return found


def forget() -> None:
    """Empty the caches (for tests that change declarations)."""
    _cache.clear()
    _specs.clear()
