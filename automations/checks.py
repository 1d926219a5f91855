"""`manage.py check`: a declaration that people could not read or use is an error before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register

from automations.engine.conditions import parse_group
from automations.engine.declare import Action, Catalog, Fact, Facts, Trigger, catalog
from automations.engine.problems import RuleInvalid
from automations.engine.schema import parse_rule


@register()
def check_declarations(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check every declaration of the catalog."""
    return list(problems(catalog))


def problems(known: Catalog) -> Iterator[CheckMessage]:
    """Yield what is wrong with the declarations, each with its key and the remedy."""
    for trigger in known.triggers.values():
        yield from _described(trigger, trigger.key, type(trigger).__doc__)
        yield from _trigger(known, trigger)
    for fact in known.facts.values():
        yield from _described(fact, fact.key, fact.doc)
        yield from _fact(known, fact)
    for action in known.actions.values():
        yield from _described(action, action.key, type(action).__doc__)
        yield from _action(known, action)
    models = [(s.kind, s.model) for s in known.subjects.values()] + [
        (r.kind, r.model) for r in known.references.values()
    ]
    for kind, model in models:
        if not _model(model):
            yield _error(kind, f"names the model {model!r}, which is not installed", "E004")
    for anchor in known.anchors.values():
        if anchor.subject not in known.subjects:
            yield _error(anchor.key, f"belongs to the subject {anchor.subject!r}, which nobody declares", "E004")


def _error(key: str, what: str, code: str) -> CheckMessage:
    return Error(f"{key} {what}.", hint="Mend its file in the automation/ package.", id=f"automations.{code}")


def _described(declaration: Any, key: str, doc: Any) -> Iterator[CheckMessage]:
    if not str(declaration.label).strip():
        yield _error(key, "has no label", "E001")
    if not str(doc or "").strip():
        yield _error(key, "has no docstring to explain it", "E002")


def _model(label: str) -> bool:
    try:
        apps.get_model(label)
    except (LookupError, ValueError):
        return False
    return True


def _trigger(known: Catalog, trigger: Trigger) -> Iterator[CheckMessage]:
    if (trigger.model and not _model(trigger.model)) or trigger.subject not in known.subjects:
        yield _error(trigger.key, "listens to a model or names a subject that does not exist", "E004")
    for key in trigger.stop_on:
        if key not in known.triggers:
            yield _error(trigger.key, f"is stopped by {key!r}, which nobody declares", "E004")
    if trigger.stop_only:
        return
    yield from _rule(known, trigger.key, trigger.key, dict(trigger.example), next(iter(known.actions.values()), None))


def _fact(known: Catalog, fact: Fact) -> Iterator[CheckMessage]:
    if (fact.expression is None) == (fact.value is None):
        yield _error(fact.key, "needs either an expression or a value, and not both", "E005")
    if fact.reference is not None and fact.reference not in known.references:
        yield _error(fact.key, f"refers to {fact.reference!r}, which nobody declares", "E004")
    try:
        parse_group({"match": "all", "items": [dict(fact.example)]}, Facts({fact.key: fact}))
    except RuleInvalid as error:
        yield _error(fact.key, f"has an example that is refused ({error})", "E003")


def _action(known: Catalog, action: Action) -> Iterator[CheckMessage]:
    trigger = next((t.key for t in known.triggers.values() if not t.stop_only and not t.params), None)
    if trigger is not None:
        yield from _rule(known, action.key, trigger, {}, action)


def _rule(known: Catalog, key: str, trigger: str, config: Any, action: Action | None) -> Iterator[CheckMessage]:
    if action is None:
        return
    document = {
        "trigger_event": trigger,
        "trigger_config": config,
        "conditions": {"match": "all", "items": []},
        "actions": [{"type": action.key, **action.example}],
    }
    try:
        parse_rule(document, known)
    except RuleInvalid as error:
        yield _error(key, f"has an example that is refused ({error})", "E003")
