"""Write rules that arrive as JSON: everything that is wrong is said at once, each thing at its place."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations import lifecycle
from automations.api import bodies
from automations.drafts import draft_texts, loaded
from automations.engine.problems import Problem, RuleInvalid
from automations.models import Rule

ELSEWHERE = {
    "slug": gettext_lazy("A rule keeps its slug; make a new one, or leave this out."),
    "mode": gettext_lazy("Use publish/, pause/, resume/ or DELETE for that, or leave this out."),
}


def create(clinic: Any, data: Any) -> Rule:
    """Make a rule of a body, as a draft or published at once. Raises RuleInvalid, ClinicError."""
    body = bodies.read(data)
    if "name" not in data:
        body.refuse("/name", "required", _("Give the rule a name."))
    if body.problems:
        body.raise_with(_problems(clinic, body.definition))
    return lifecycle.create_rule(clinic=clinic, document=body.definition, **body.names)


def edit(rule: Rule, data: Any) -> Rule:
    """Change a rule's draft by what a body gives; the rest stays. Raises RuleInvalid, ClinicError, StaleRecord.

    `rule` is the row that the client's If-Match spoke of: when somebody edits it meanwhile, the edit is refused.
    """
    body = bodies.read(data)
    bodies.stay(body, {"slug": rule.slug, "mode": rule.mode}, ELSEWHERE)
    document = None
    if body.definition:
        stored = loaded(draft_texts([rule.pk])[rule.pk])
        document = bodies.merged(stored if isinstance(stored, dict) else {}, body.definition)
    if body.problems:
        body.raise_with(_problems(rule.clinic, document) if document is not None else ())
    if document is None and not body.names:
        return rule
    return lifecycle.edit_draft(rule, document=document, edits=rule.edits, **body.names)


def _problems(clinic: Any, document: Any) -> list[Problem]:
    try:
        lifecycle.check_document(clinic, document)
    except RuleInvalid as error:
        return error.errors
    return []
