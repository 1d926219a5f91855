"""Rules and versions as the API shows them, a page at a time, in a number of queries that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Max, Q, QuerySet, When
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext as _

from automations import wording
from automations.compiled import PARTS, missing_references, specs_of
from automations.conflicts import conflicts_of
from automations.drafts import draft_texts, loaded, parse_draft
from automations.engine.declare import catalog
from automations.engine.schema import RULE_KEYS, spec_to_json
from automations.engine.values import RuleSpec
from automations.models import Rule, RuleVersion, Run
from automations.naming import Names, names_of
from automations.showing import words

Json = dict[str, Any]
ENABLED = (Rule.Mode.ON, Rule.Mode.REVIEW)


def rules_of(clinic: Any) -> QuerySet[Any]:
    """Return the clinic's rules as they are shown; the drafts stay in the database, for one may be unreadable."""
    same = Q(trigger_of_draft=F("published__trigger"))
    for part in PARTS:
        same &= Q(**{f"draft__{part}": F(f"published__{part}")})
    rows = (
        Rule.objects.for_clinic(clinic)
        .defer("draft")
        .annotate(
            trigger_of_draft=KeyTextTransform("trigger_event", "draft"),
            version_number=F("published__number"),
            as_published=Case(When(same, then=True), default=False, output_field=BooleanField()),
        )
    )
    return rows.order_by("name", "pk")


def rules_json(rules: Sequence[Rule]) -> list[Json]:
    """Show rules of one clinic that come from `rules_of`."""
    ids = [rule.pk for rule in rules]
    texts, specs = _drafts(rules)
    usable = {pk: spec for pk, spec in specs.items() if isinstance(spec, RuleSpec)}
    clinic_id = rules[0].clinic_id if rules else 0
    broken = missing_references(clinic_id, {pk: spec.references for pk, spec in usable.items()})
    names = names_of(clinic_id, usable.values())
    counts = _counts(ids)
    return [
        {
            **_own(rule),
            **_definition(specs[rule.pk], texts.get(rule.pk, "")),
            "execution_count": counts.get(rule.pk, (0, None))[0],
            "last_executed_at": counts.get(rule.pk, (0, None))[1],
            "sentence": words.plain_words(usable[rule.pk], names) if rule.pk in usable else "",
            "broken": _broken(specs[rule.pk], broken.get(rule.pk)),
        }
        for rule in rules
    ]


def _drafts(rules: Sequence[Any]) -> tuple[dict[int, str], dict[int, RuleSpec | str]]:
    """Return drafts as text and as specs; one that is published as it stands is that version, which is kept parsed."""
    published = specs_of(rule.published_id for rule in rules if rule.as_published)
    specs = {rule.pk: published[rule.published_id] for rule in rules if rule.as_published}
    known = {pk for pk, spec in specs.items() if isinstance(spec, RuleSpec)}
    texts = draft_texts([rule.pk for rule in rules if rule.pk not in known])
    return texts, {**specs, **{pk: parse_draft(text) for pk, text in texts.items()}}


def _own(rule: Any) -> Json:
    return {
        "id": str(rule.pk),
        "slug": rule.slug,
        "name": rule.name,
        "description": rule.description,
        "mode": rule.mode,
        "mode_reason": rule.mode_reason,
        "enabled": rule.mode in ENABLED,
        "version": rule.version_number,
        "unpublished_changes": not rule.as_published,
        "recipe": rule.recipe or None,
        "created_at": rule.created_at,
    }


def _definition(spec: RuleSpec | str, text: str) -> Json:
    """Give the definition with its defaults; what is no rule (any more) as far as it can be read."""
    if isinstance(spec, RuleSpec):
        return spec_to_json(spec)
    data = loaded(text)
    return {key: data.get(key) if isinstance(data, dict) else None for key in RULE_KEYS}


def _broken(spec: RuleSpec | str, missing: str | None) -> str | None:
    return spec if isinstance(spec, str) else missing


def _counts(ids: Iterable[int]) -> dict[int, tuple[int, Any]]:
    """Return how often each rule acted and when it last did; counted from its runs, never kept."""
    rows = Run.objects.filter(rule_id__in=ids, outcome=Run.Outcome.MATCHED).order_by().values_list("rule_id")
    found = rows.annotate(count=Count("pk"), last=Max("created_at"))
    return {pk: (count, last) for pk, count, last in found}


def sentence_json(rule: Rule) -> Json:
    """Say a rule's draft in its parts, and how it differs from what is published."""
    spec = parse_draft(draft_texts([rule.pk])[rule.pk])
    published = specs_of([rule.published_id])[rule.published_id] if rule.published_id else None
    if isinstance(spec, str):
        empty: Json = {part: [] for part in ("steps", "limits", "differences", "warnings")}
        return {"sentence": "", "opening": "", **empty, "broken": spec}
    old = published if isinstance(published, RuleSpec) else None
    names = names_of(rule.clinic_id, [spec, *([old] if old else [])])
    opening, steps, limits = wording.sentence_parts(spec, catalog, names)
    missing = missing_references(rule.clinic_id, {rule.pk: spec.references})
    return {
        "sentence": words.plain_words(spec, names),
        "opening": opening,
        "steps": steps,
        "limits": limits,
        "differences": _differences(old, spec, names),
        "warnings": [{"path": one.path, "code": one.code, "text": one.text} for one in conflicts_of(rule, spec)],
        "broken": missing.get(rule.pk),
    }


def _differences(old: RuleSpec | None, new: RuleSpec, names: Names) -> list[str]:
    """Say in one line a difference: "new: …", "no longer: …"."""
    return [
        _("%(what)s: %(sentence)s") % {"what": what, "sentence": sentence}
        for what, sentence in words.changes(old, new, names)
    ]


def versions_of(rule: Rule) -> QuerySet[RuleVersion]:
    """Return a rule's versions, newest first, without their wordings."""
    return RuleVersion.objects.filter(rule=rule).select_related("published_by").defer(*PARTS).order_by("-number")


def versions_json(rule: Rule, versions: Sequence[RuleVersion]) -> list[Json]:
    """Show versions of one rule, each with its difference from the one before."""
    before = _previous(rule, versions)
    specs = specs_of([version.pk for version in versions] + [pk for pk in before.values() if pk])
    names = names_of(rule.clinic_id, [spec for spec in specs.values() if isinstance(spec, RuleSpec)])
    return [_version(rule, version, specs, before[version.pk], names) for version in versions]


def _previous(rule: Rule, versions: Sequence[RuleVersion]) -> dict[int, int | None]:
    """Return the version before each: numbers have no gaps, so that of a page is one query."""
    wanted = [version.number - 1 for version in versions]
    there = dict(RuleVersion.objects.filter(rule=rule, number__in=wanted).order_by().values_list("number", "pk"))
    return {version.pk: there.get(version.number - 1) for version in versions}


def _version(rule: Rule, version: RuleVersion, specs: Any, before: int | None, names: Names) -> Json:
    spec, old = specs[version.pk], specs.get(before)
    usable = spec if isinstance(spec, RuleSpec) else None
    user = version.published_by
    parts = spec_to_json(usable) if usable else {"trigger_event": version.trigger, **dict.fromkeys(PARTS)}
    return {
        "number": version.number,
        "current": version.pk == rule.published_id,
        "published_at": version.created_at,
        "published_by": (user.get_full_name() or user.get_username()) if user else None,
        **parts,
        "sentence": words.plain_words(usable, names) if usable else "",
        "differences": _differences(old, usable, names) if usable and isinstance(old, RuleSpec) else [],
        "broken": None if usable else spec,
    }
